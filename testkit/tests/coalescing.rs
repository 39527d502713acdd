//! Many callers in one flush: each gets its own answer, and none pays for another.

use std::collections::BTreeSet;
use std::time::Duration;

use tempfile::TempDir;
use windlass::{
    Client, ConnectOptions, Filter, LeaseRequest, Outcome, Payload, RetryOptions, Settle,
    SubmitOptions, TaskSpec,
};

async fn clients(name: &str, limit: Option<u64>) -> Vec<(Client, Option<TempDir>)> {
    let folder = tempfile::tempdir().unwrap();
    let sqlite = format!("sqlite:{}", folder.path().join("tasks.db").display());
    let memory = format!("memory:{name}");
    let mut clients = Vec::new();
    for (url, folder) in [(memory, None), (sqlite, Some(folder))] {
        let options = ConnectOptions { queue_depth_limit: limit, ..ConnectOptions::default() };
        clients.push((windlass::connect_with(&url, options).await.unwrap(), folder));
    }
    clients
}

fn spec(payload: usize) -> TaskSpec {
    TaskSpec::new("work", Payload::of("payload", &payload).unwrap())
}

async fn total(client: &Client) -> u64 {
    client.counts().await.unwrap().iter().map(|count| count.count).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_task_among_many_callers_harms_no_neighbour() {
    for (client, _folder) in clients("neighbours", None).await {
        client.submit(spec(0).idempotency_key("taken")).await.unwrap();
        let calls = (1..=300).map(|i| {
            let client = client.clone();
            let spec = match i % 5 {
                0 => spec(i).idempotency_key("taken"),
                1 => spec(i).timeout(Duration::ZERO),
                _ => spec(i),
            };
            tokio::spawn(async move { (i, client.submit(spec).await) })
        });
        let mut ids = BTreeSet::new();
        for call in futures_util::future::join_all(calls).await {
            let (i, answer) = call.unwrap();
            match (i % 5, answer) {
                (0, Err(error)) => assert_eq!(error.code(), "idempotency_conflict"),
                (1, Err(error)) => assert_eq!(error.code(), "invalid_argument"),
                (2.., Ok(stored)) => {
                    let task = client.get(&stored.task_id.to_string()).await.unwrap();
                    assert_eq!(task.payload.as_str(), i.to_string(), "each gets its own answer");
                    assert!(ids.insert(stored.task_id));
                }
                (_, answer) => panic!("{}: {i}: {answer:?}", client.location()),
            }
        }
        assert_eq!(ids.len(), 180);
        assert_eq!(total(&client).await, 181);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flush_outlives_its_callers() {
    for (client, _folder) in clients("callers", None).await {
        for round in 0..50u64 {
            let calls: Vec<_> = (0..20)
                .map(|i| {
                    let client = client.clone();
                    tokio::spawn(async move { client.submit(spec(i)).await })
                })
                .collect();
            tokio::time::sleep(Duration::from_micros(round * 20)).await;
            calls.iter().for_each(tokio::task::JoinHandle::abort);
            futures_util::future::join_all(calls).await;
        }
        // Whoever comes next is not left waiting for a flush that nobody writes any more.
        let next = tokio::time::timeout(Duration::from_secs(10), client.submit(spec(0))).await;
        assert!(next.expect("the engine goes on").is_ok());
        let counted = total(&client).await;
        let mut rows = 0;
        let mut cursor = None;
        loop {
            let page = client.list(Filter::default(), cursor, 1000).await.unwrap();
            rows += page.tasks.len() as u64;
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(counted, rows, "{}", client.location());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_submits_never_pass_the_depth_limit() {
    for (client, _folder) in clients("depth", Some(50)).await {
        let calls = (0..200).map(|i| {
            let client = client.clone();
            let options = SubmitOptions::default();
            tokio::spawn(async move { client.submit_many(vec![spec(i)], options).await })
        });
        let answers = futures_util::future::join_all(calls).await;
        let stored = answers.iter().filter(|answer| answer.as_ref().unwrap().is_ok()).count();
        assert_eq!((stored, total(&client).await), (50, 50), "{}", client.location());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_submit_waits_for_room() {
    for (client, _folder) in clients("room", Some(1)).await {
        client.submit(spec(0)).await.unwrap();
        let waiting = tokio::spawn({
            let client = client.clone();
            async move { client.submit(spec(1)).await }
        });
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(!waiting.is_finished());
        let request = LeaseRequest {
            worker: "w1".to_owned(),
            queues: vec!["default".to_owned()],
            handlers: vec!["work".to_owned()],
            limit: 1,
            ttl: Duration::from_secs(60),
            wait: Duration::ZERO,
            suspects: true,
        };
        client.lease(request).await.unwrap();
        let stored = tokio::time::timeout(Duration::from_secs(5), waiting).await;
        assert!(stored.expect("there is room now").unwrap().is_ok());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_settles_of_one_lease_record_one() {
    for (client, _folder) in clients("settles", None).await {
        client.submit_many((0..50).map(spec).collect(), SubmitOptions::default()).await.unwrap();
        let request = LeaseRequest {
            worker: "w1".to_owned(),
            queues: vec!["default".to_owned()],
            handlers: vec!["work".to_owned()],
            limit: 50,
            ttl: Duration::from_secs(60),
            wait: Duration::ZERO,
            suspects: true,
        };
        let leased = client.lease(request).await.unwrap().tasks;
        let calls = leased.iter().flat_map(|leased| {
            let settle = |result: &str| Settle {
                task_id: leased.task.task_id,
                token: leased.token,
                outcome: match result {
                    "snooze" => Outcome::Snooze { after: Duration::from_secs(60) },
                    result => Outcome::complete(Payload::trusted(result)),
                },
                started: None,
                updates: Vec::new(),
                declared: RetryOptions::default(),
            };
            ["1", "2", "snooze"].map(settle)
        });
        let calls = calls.map(|settle| {
            let client = client.clone();
            let cancel = client.clone();
            let id = settle.task_id.to_string();
            tokio::spawn(async move {
                // A cancel request in between moves the row on, and the outcome is decided anew.
                let (reply, cancelled) =
                    tokio::join!(client.settle(vec![settle], None), cancel.cancel(&id));
                cancelled.unwrap();
                reply.unwrap().settled.remove(0).is_ok()
            })
        });
        let answers = futures_util::future::join_all(calls).await;
        let recorded = answers.into_iter().filter(|answer| *answer.as_ref().unwrap()).count();
        assert_eq!(recorded, 50, "{}", client.location());
    }
}

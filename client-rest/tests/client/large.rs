//! What is too large for one request or one answer.

use std::time::Duration;

use windlass::{
    Client, ConnectOptions, LeaseRequest, LeasedTask, NewUpdate, Outcome, Payload, Renewal,
    Renewed, Settle, SubmitOptions, TaskStatus, UpdateKind,
};
use windlass_server::http::ServeOptions;

use crate::proxy::{Act, Told, answer};
use crate::stage::{Stage, connect, quick, soon, spec};

const HUGE: &str = "HTTP/1.1 200 OK\r\ncontent-length: 999999999999\r\n\r\n{";

fn lease(limit: u32) -> LeaseRequest {
    LeaseRequest {
        worker: "w1".to_owned(),
        queues: vec!["default".to_owned()],
        handlers: vec!["work".to_owned()],
        limit,
        ttl: Duration::from_secs(600),
        wait: Duration::ZERO,
        suspects: true,
    }
}

async fn leased(inside: &Client, count: usize) -> Vec<LeasedTask> {
    inside.submit_many(vec![spec(); count], SubmitOptions::default()).await.unwrap();
    inside.lease(lease(count as u32)).await.unwrap().tasks
}

fn settle(leased: &LeasedTask, bytes: usize) -> Settle {
    let result = Payload::new("result", format!("{:?}", "x".repeat(bytes - 2))).unwrap();
    Settle {
        task_id: leased.task.task_id,
        token: leased.token,
        outcome: Outcome::complete(result),
        started: None,
        updates: Vec::new(),
        declared: Default::default(),
    }
}

async fn small_server() -> Stage {
    let serve = ServeOptions { body_limit: 64 << 10, ..ServeOptions::default() };
    Stage::with(ConnectOptions::default(), serve).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_submit_beyond_the_servers_limit_is_refused_as_too_large() {
    let stage = small_server().await;
    let client = stage.client().await;
    let big = || {
        let payload = Payload::new("payload", format!("{:?}", "x".repeat(50 << 10))).unwrap();
        windlass::TaskSpec::new("work", payload)
    };
    client.submit(big()).await.unwrap();
    let error = client.submit_many(vec![big(); 40], Default::default()).await.unwrap_err();
    assert_eq!(
        (error.code(), error.fields()["field"].as_str()),
        ("payload_too_large", Some("body"))
    );
    assert_eq!(client.counts().await.unwrap()[0].count, 1, "nothing of it is stored");
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn outcomes_are_settled_in_parts_and_one_that_is_refused_harms_no_other() {
    let stage = small_server().await;
    let client = stage.client().await;
    let tasks = leased(&stage.inside, 20).await;
    stage.inside.submit(spec()).await.unwrap();
    let size = |i| if i == 7 { 100 << 10 } else { 10 << 10 };
    let settles = tasks.iter().enumerate().map(|(i, task)| settle(task, size(i))).collect();
    let reply = client.settle(settles, Some(lease(5))).await.unwrap();
    for (i, settled) in reply.settled.iter().enumerate() {
        match settled {
            Ok(settled) => assert_eq!(settled.status, TaskStatus::Completed),
            Err(error) => assert_eq!((i, error.code()), (7, "payload_too_large")),
        }
    }
    assert_eq!((reply.settled.len(), reply.leased.tasks.len()), (20, 1));
    stage.stop().await;
    // Many large ones are sent in parts unasked.
    let stage = Stage::new().await;
    let client = stage.client().await;
    let tasks = leased(&stage.inside, 20).await;
    let settles = tasks.iter().map(|task| settle(task, 1 << 20)).collect();
    let reply = client.settle(settles, None).await.unwrap();
    assert_eq!(reply.settled.iter().filter(|settled| settled.is_ok()).count(), 20);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_are_told_in_parts_and_in_order() {
    let stage = small_server().await;
    let client = stage.client().await;
    let tasks = leased(&stage.inside, 3).await;
    let renewal = |task: &LeasedTask, lines: usize| Renewal {
        task_id: task.task.task_id,
        token: task.token,
        extend: Some(Duration::from_secs(600)),
        started: Some(Duration::ZERO),
        updates: (0..lines)
            .map(|i| NewUpdate::Log {
                level: Default::default(),
                message: format!("{i:04}{}", "x".repeat(4 << 10)),
            })
            .collect(),
    };
    let renewals = tasks.iter().zip([3, 50, 0]).map(|(task, lines)| renewal(task, lines)).collect();
    assert_eq!(client.renew(renewals).await.unwrap(), [Renewed::Held; 3]);
    let id = tasks[1].task.task_id;
    let updates = client.service().updates("default", id, 0, 1000, Duration::ZERO).await.unwrap();
    let lines: Vec<String> = updates
        .into_iter()
        .filter_map(|update| match update.kind {
            UpdateKind::Log { message, .. } => Some(message[..4].to_owned()),
            _ => None,
        })
        .collect();
    assert_eq!(lines, (0..50).map(|i| format!("{i:04}")).collect::<Vec<_>>());
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fewer_tasks_are_asked_for_when_an_answer_is_too_large() {
    let huge = Act::SayAndHang(HUGE.to_owned());
    let acts = vec![huge.clone(), huge, answer("200 OK", "", r#"{"tasks":[]}"#)];
    let server = Told::start(acts).await;
    let client = connect(&server.url, quick()).await;
    assert!(soon(client.lease(lease(100))).await.unwrap().tasks.is_empty());
    for (request, limit) in server.seen().iter().zip([100, 50, 25]) {
        assert!(request.contains(&format!(r#""limit":{limit},"#)), "{request}");
    }
    soon(client.lease(lease(100))).await.unwrap();
    assert!(
        server.seen()[3].contains(r#""limit":26,"#),
        "it is not asked for as many again at once"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_are_read_in_parts_when_an_answer_is_too_large() {
    let huge = Act::SayAndHang(HUGE.to_owned());
    let acts = vec![huge, answer("200 OK", "", r#"{"tasks":[null,null]}"#)];
    let server = Told::start(acts).await;
    let client = connect(&server.url, quick()).await;
    let id = "01981e2c-1d5c-7c11-b0e9-c2b7a9a3a001".parse().unwrap();
    let found = soon(client.service().get("default", vec![id; 4])).await.unwrap();
    assert_eq!(found, vec![None; 4]);
    assert_eq!(server.seen().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_are_waited_for_in_parts_when_an_answer_is_too_large() {
    let inside = windlass::connect("memory:").await.unwrap();
    let stored = inside.submit_many(vec![spec(); 4], SubmitOptions::default()).await.unwrap();
    let ids: Vec<String> = stored.iter().map(|s| s.task_id.to_string()).collect();
    for id in &ids {
        inside.cancel(id).await.unwrap();
    }
    let tasks = inside.get_many(&ids).await.unwrap();
    let half = |of: &[windlass::Task]| {
        answer("200 OK", "", &serde_json::json!({ "tasks": of }).to_string())
    };
    for fail_fast in [false, true] {
        let huge = Act::SayAndHang(HUGE.to_owned());
        let acts = vec![huge, half(&tasks[..2]), half(&tasks[2..])];
        let server = Told::start(acts).await;
        let client = connect(&server.url, quick()).await;
        let ended = soon(client.wait_many(&ids, None, fail_fast)).await.unwrap();
        let order: Vec<String> = ended.iter().map(|task| task.task_id.to_string()).collect();
        assert_eq!(order, ids);
        assert_eq!(server.seen().len(), 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn more_tasks_than_a_server_answers_at_once_are_read_in_parts() {
    let stage = Stage::new().await;
    let client = stage.client().await;
    let payload = Payload::new("payload", format!("{:?}", "x".repeat((1 << 20) - 2))).unwrap();
    let spec = windlass::TaskSpec::new("work", payload);
    let mut ids = Vec::new();
    for _ in 0..7 {
        let stored = client.submit_many(vec![spec.clone(); 10], Default::default()).await.unwrap();
        ids.extend(stored.iter().map(|one| one.task_id));
    }
    let found = client.service().get("default", ids.clone()).await.unwrap();
    let found: Vec<_> = found.into_iter().map(|task| task.unwrap().task_id).collect();
    assert_eq!(found, ids);
    let waited =
        client.service().wait("default", ids.clone(), false, Duration::ZERO).await.unwrap();
    assert_eq!(waited.iter().map(|task| task.task_id).collect::<Vec<_>>(), ids);
}

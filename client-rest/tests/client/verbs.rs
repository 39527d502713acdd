//! Every verb by HTTP says what it says in process.

use std::time::Duration;

use serde_json::json;
use windlass::{
    ConnectOptions, Filter, LeaseRequest, LeaseToken, Outcome, Payload, Renewal, Renewed, Settle,
    SubmitOptions, TaskStatus, Timestamp, WorkerInfo,
};
use windlass_server::http::ServeOptions;

use crate::stage::{Stage, connect, quick, soon, spec};

const ZERO: Duration = Duration::ZERO;

fn lease(limit: u32) -> LeaseRequest {
    LeaseRequest {
        worker: "w1".to_owned(),
        queues: vec!["default".to_owned()],
        handlers: vec!["work".to_owned()],
        limit,
        ttl: Duration::from_secs(60),
        wait: ZERO,
        suspects: true,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_is_submitted_found_and_waited_for() {
    let stage = Stage::new().await;
    let client = stage.client().await;
    assert_eq!(client.location(), stage.server.url());
    let spec = spec().label("a/b c", "ü&=").queue("q?");
    let stored = client.submit(spec).await.unwrap();
    assert!(!stored.deduplicated);
    let id = stored.task_id.to_string();
    let task = client.get(&id).await.unwrap();
    let inside = stage.inside.get(&id).await.unwrap();
    assert_eq!(json!(task), json!(inside));
    assert_eq!(task.queue, "q?");
    let filter = Filter {
        status: vec![TaskStatus::Pending, TaskStatus::Running],
        queue: Some("q?".to_owned()),
        labels: [("a/b c".to_owned(), "ü&=".to_owned())].into(),
        since: Some(Timestamp::from_millis(0)),
        ..Filter::default()
    };
    let page = client.list(filter.clone(), None, 10).await.unwrap();
    assert_eq!(page.tasks.len(), 1);
    let none = Filter { error: Some("x y".to_owned()), ..filter };
    assert!(client.list(none, None, 10).await.unwrap().tasks.is_empty());
    let cancelled = client.cancel(&id).await.unwrap();
    assert_eq!(cancelled.status, TaskStatus::Cancelled);
    assert_eq!(soon(client.wait(&id, None)).await.unwrap().status, TaskStatus::Cancelled);
    assert_eq!(client.retry(&id).await.unwrap().status, TaskStatus::Pending);
    assert_eq!(client.why(&id).await.unwrap().task_id, stored.task_id);
    let skew = client.now().since(stage.inside.now()) + stage.inside.now().since(client.now());
    assert!(skew < Duration::from_secs(5), "{skew:?}");
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_tasks_make_one_request_and_none_makes_no_request() {
    let stage = Stage::new().await;
    let client = stage.client().await;
    let none = client.submit_many(Vec::new(), SubmitOptions::default()).await.unwrap();
    assert!(none.is_empty());
    let stored = client.submit_many(vec![spec(); 250], SubmitOptions::default()).await.unwrap();
    assert_eq!(stored.len(), 250);
    assert!(stored.iter().all(|s| s.batch_id.is_none()));
    let options = SubmitOptions { batch: true, patience: ZERO };
    let stored = client.submit_many(vec![spec(); 3], options).await.unwrap();
    let batch_id = stored[0].batch_id.unwrap().to_string();
    assert_eq!(client.batch(&batch_id).await.unwrap().total, 3);
    let batch = client.cancel_batch(&batch_id).await.unwrap();
    assert_eq!(batch.status, TaskStatus::Cancelled);
    let one = client.submit_many(vec![spec()], options).await.unwrap();
    assert!(one[0].batch_id.is_some());
    let ids: Vec<String> = stored.iter().map(|s| s.task_id.to_string()).collect();
    assert_eq!(client.get_many(&ids).await.unwrap().len(), 3);
    let refused = client.get_many(&["nope".to_owned()]).await.unwrap_err();
    assert_eq!(refused.code(), "task_not_found");
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn leases_are_taken_kept_and_settled() {
    let stage = Stage::new().await;
    let client = stage.client().await;
    client.submit_many(vec![spec(); 3], SubmitOptions::default()).await.unwrap();
    let leased = client.lease(lease(2)).await.unwrap().tasks;
    assert_eq!(leased.len(), 2);
    let renewal = |i: usize| Renewal {
        task_id: leased[i].task.task_id,
        token: leased[i].token,
        extend: Some(Duration::from_secs(60)),
        started: Some(ZERO),
        updates: Vec::new(),
    };
    let other = LeaseToken::from_bytes([7; 16]);
    let stale = Renewal { token: other, ..renewal(0) };
    let renewed = client.renew(vec![renewal(0), stale]).await.unwrap();
    assert_eq!(renewed, [Renewed::Held, Renewed::Lost]);
    let settle = |i: usize, token: LeaseToken| Settle {
        task_id: leased[i].task.task_id,
        token,
        outcome: Outcome::complete(Payload::new("result", r#"{"a":1e2}"#).unwrap()),
        started: None,
        updates: Vec::new(),
        declared: Default::default(),
    };
    let reply = client
        .settle(vec![settle(0, leased[0].token), settle(1, other)], Some(lease(5)))
        .await
        .unwrap();
    assert_eq!(reply.settled[0].as_ref().unwrap().status, TaskStatus::Completed);
    assert_eq!(reply.settled[1].as_ref().unwrap_err().code(), "lease_lost");
    assert_eq!(reply.leased.tasks.len(), 1);
    let id = leased[0].task.task_id.to_string();
    assert_eq!(client.result(&id, None).await.unwrap().as_str(), r#"{"a":1e2}"#);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn queues_and_workers_are_told() {
    let stage = Stage::new().await;
    let client = stage.client().await;
    client.submit(spec().queue("a/b")).await.unwrap();
    let paused = client.pause("a/b", true).await.unwrap();
    assert!(paused.paused && paused.depth == 1);
    assert_eq!(client.queues().await.unwrap(), stage.inside.queues().await.unwrap());
    assert_eq!(client.counts().await.unwrap(), stage.inside.counts().await.unwrap());
    assert!(!client.pause("a/b", false).await.unwrap().paused);
    assert_eq!(client.pause("..", true).await.unwrap_err().code(), "invalid_argument");
    let worker = WorkerInfo {
        worker_id: "host/1 ü".to_owned(),
        queues: vec!["default".to_owned()],
        handlers: vec![String::new()],
        concurrency: 3,
        host: "h".to_owned(),
        seen_at: Timestamp::default(),
        holds: 2,
        deaf: false,
        declared: Default::default(),
        metadata: None,
    };
    client.service().announce("default", worker).await.unwrap();
    let workers = client.workers().await.unwrap();
    assert_eq!((workers[0].worker_id.as_str(), workers[0].holds), ("host/1 ü", 2));
    client.service().forget("default", "host/1 ü").await.unwrap();
    assert!(client.workers().await.unwrap().is_empty());
    let swept = client.sweep().await.unwrap();
    assert_eq!(swept.rescued, 0);
    let recent = client.service().recent("default", Timestamp::from_millis(0), 10).await.unwrap();
    assert_eq!(recent.len(), 1);
    stage.stop().await;
}

// ENV-01, ENV-03
#[tokio::test(flavor = "multi_thread")]
async fn the_key_opens_and_a_tenant_sees_its_own() {
    let serve = ServeOptions { api_key: Some("s3cret".to_owned()), ..ServeOptions::default() };
    let stage = Stage::with(ConnectOptions::default(), serve).await;
    let with = |key: Option<&str>, tenant: &str| {
        let options = ConnectOptions {
            api_key: key.map(str::to_owned),
            tenant: tenant.to_owned(),
            ..quick()
        };
        let url = stage.server.url();
        async move { connect(&url, options).await }
    };
    for key in [None, Some("other")] {
        let error = with(key, "default").await.submit(spec()).await.unwrap_err();
        assert_eq!(error.code(), "authentication_failed");
    }
    let mine = with(Some("s3cret"), "grünau").await;
    let id = mine.submit(spec()).await.unwrap().task_id.to_string();
    assert_eq!(mine.get(&id).await.unwrap().task_id.to_string(), id);
    let others = with(Some("s3cret"), "default").await;
    assert_eq!(others.get(&id).await.unwrap_err().code(), "task_not_found");
    // A header loses the spaces at its ends, and would name another tenant.
    for near in ["grünau ", " grünau"] {
        let error = with(Some("s3cret"), near).await.get(&id).await.unwrap_err();
        assert_eq!(
            (error.code(), error.fields()["field"].as_str()),
            ("invalid_argument", Some("tenant"))
        );
    }
    stage.stop().await;
}

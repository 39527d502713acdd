//! What is repeated, how often, and what a repeat does not do twice.

use std::time::{Duration, Instant};

use serde_json::Value;
use windlass::{ConnectOptions, LeaseRequest, Outcome, RetryConfig, Settle, SubmitOptions};
use windlass_server::http::ServeOptions;

use crate::proxy::{Act, Link, Proxy, Told, answer};
use crate::stage::{Stage, connect, once, quick, soon, spec};

const SUBMITTED: &str =
    r#"{"task_id":"01981e2c-1d5c-7c11-b0e9-c2b7a9a3a001","status":"pending","deduplicated":true}"#;

fn lease() -> LeaseRequest {
    LeaseRequest {
        worker: "w1".to_owned(),
        queues: vec!["default".to_owned()],
        handlers: vec!["work".to_owned()],
        limit: 1,
        ttl: Duration::from_secs(60),
        wait: Duration::ZERO,
        suspects: true,
    }
}

fn key(request: &str) -> String {
    let body: Value = serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap();
    body["idempotency_key"].as_str().unwrap().to_owned()
}

// GPY-03, GPY-25
#[tokio::test(flavor = "multi_thread")]
async fn a_listed_status_is_repeated_under_one_key_until_it_succeeds() {
    let bad = answer("503 Service Unavailable", "", "{}");
    let acts = vec![bad.clone(), bad, answer("201 Created", "", SUBMITTED)];
    let server = Told::start(acts).await;
    let client = connect(&server.url, quick()).await;
    let stored = client.submit(spec()).await.unwrap();
    assert!(!stored.deduplicated, "what a repeat finds is new to its caller");
    let keys: Vec<String> = server.seen().iter().map(|request| key(request)).collect();
    assert_eq!(keys.len(), 3);
    assert!(keys[0].starts_with("auto:") && keys.iter().all(|key| *key == keys[0]));
}

// GPY-25
#[tokio::test(flavor = "multi_thread")]
async fn it_gives_up_after_max_retries_and_says_what_it_was_told() {
    let server = Told::start(vec![answer("504 Gateway Timeout", "", "")]).await;
    let retry = RetryConfig { max_retries: 2, ..quick().retry };
    let client = connect(&server.url, ConnectOptions { retry, ..quick() }).await;
    let error = client.counts().await.unwrap_err();
    assert_eq!((error.code(), error.http_status()), ("api_error", 504));
    assert_eq!(server.seen().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_will_not_change_is_not_repeated() {
    for status in ["400 Bad Request", "404 Not Found", "409 Conflict", "501 Not Implemented"] {
        let server = Told::start(vec![answer(status, "", "")]).await;
        let client = connect(&server.url, quick()).await;
        assert_eq!(client.counts().await.unwrap_err().code(), "api_error");
        assert_eq!(server.seen().len(), 1, "{status}");
    }
}

// GPY-26 [X15]
#[tokio::test(flavor = "multi_thread")]
async fn too_many_is_repeated_when_it_says_although_no_list_names_it() {
    let busy = answer("429 Too Many Requests", "retry-after: 1\r\n", "");
    let acts = vec![busy, answer("200 OK", "", r#"{"queues":[]}"#)];
    let server = Told::start(acts).await;
    let retry = RetryConfig { retryable_errors: Vec::new(), ..quick().retry };
    let client = connect(&server.url, ConnectOptions { retry, ..quick() }).await;
    let start = Instant::now();
    assert!(client.queues().await.unwrap().is_empty());
    assert!(start.elapsed() >= Duration::from_secs(1), "it left the server alone");
    assert_eq!(server.seen().len(), 2);
}

// GPY-26
#[tokio::test(flavor = "multi_thread")]
async fn too_many_in_the_end_is_rate_limited() {
    let server = Told::start(vec![answer("429 Too Many Requests", "retry-after: 0\r\n", "")]).await;
    let client = connect(&server.url, quick()).await;
    assert_eq!(client.queues().await.unwrap_err().code(), "rate_limited");
    assert_eq!(server.seen().len(), 6, "it counts against max_retries");
    let server =
        Told::start(vec![answer("429 Too Many Requests", "retry-after: 90\r\n", "")]).await;
    let client = connect(&server.url, quick()).await;
    let error = soon(client.queues()).await.unwrap_err();
    assert_eq!(error.fields()["retry_after_seconds"], 90.0, "no wait beyond the deadline");
    assert_eq!(server.seen().len(), 1);
}

// GPY-27
#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_is_waited_for_as_long_as_the_caller_said() {
    let store = ConnectOptions { queue_depth_limit: Some(1), ..ConnectOptions::default() };
    let stage = Stage::with(store, ServeOptions::default()).await;
    // Without retries: a full queue has a patience of its own.
    let client = connect(&stage.server.url(), once()).await;
    let first = client.submit(spec()).await.unwrap().task_id.to_string();
    let refused = client.submit_many(vec![spec()], SubmitOptions::default()).await.unwrap_err();
    assert_eq!(refused.code(), "queue_full");
    let patient = SubmitOptions { batch: false, patience: Duration::from_secs(20) };
    let waiting = client.submit_many(vec![spec()], patient);
    let (stored, cancelled) = tokio::join!(soon(waiting), client.cancel(&first));
    assert!(cancelled.is_ok());
    assert_eq!(stored.unwrap().len(), 1);
    stage.stop().await;
}

// GPY-27
#[tokio::test(flavor = "multi_thread")]
async fn an_impatient_submit_asks_a_full_queue_once() {
    let full = r#"{"error":{"code":"queue_full","message":"full","details":{"queue":"q","limit":1,"retry_after_seconds":1}}}"#;
    let server =
        Told::start(vec![answer("429 Too Many Requests", "retry-after: 1\r\n", full)]).await;
    let client = connect(&server.url, quick()).await;
    let refused = client.submit_many(vec![spec()], SubmitOptions::default()).await.unwrap_err();
    assert_eq!(refused.code(), "queue_full");
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_is_not_asked_in_a_rush() {
    let full = r#"{"error":{"code":"queue_full","message":"full","details":{"queue":"q","limit":1,"retry_after_seconds":0}}}"#;
    let server = Told::start(vec![answer("429 Too Many Requests", "", full)]).await;
    let client = connect(&server.url, quick()).await;
    let patient = SubmitOptions { batch: false, patience: Duration::from_millis(300) };
    let refused = soon(client.submit_many(vec![spec()], patient)).await.unwrap_err();
    assert_eq!(refused.fields()["retry_after_seconds"], 0.0);
    assert!((2..=7).contains(&server.seen().len()), "{}", server.seen().len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_submit_whose_answer_is_lost_is_stored_once() {
    let stage = Stage::new().await;
    let links = vec![Link::CutAfter(0), Link::CutAfter(10), Link::CutAfter(200), Link::Whole];
    let proxy = Proxy::start(stage.server.address(), links).await;
    let client = connect(&proxy.url, quick()).await;
    let stored = client.submit(spec()).await.unwrap();
    assert!(!stored.deduplicated);
    assert_eq!(proxy.requests("POST /api/v1/tasks "), 4);
    let all = client.list(Default::default(), None, 10).await.unwrap().tasks;
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].task_id, stored.task_id);
    assert_eq!(all[0].idempotency_key, None, "the transport's key is nobody's to see");
    // Many at once are stored once, too; a key of the user's own still tells that it was known.
    let links = vec![Link::CutAfter(0), Link::Whole];
    let proxy = Proxy::start(stage.server.address(), links).await;
    let client = connect(&proxy.url, quick()).await;
    let specs = vec![spec(), spec().idempotency_key("mine"), spec()];
    let stored = client.submit_many(specs, SubmitOptions::default()).await.unwrap();
    let known: Vec<bool> = stored.iter().map(|s| s.deduplicated).collect();
    assert_eq!(known, [false, true, false]);
    assert_eq!(stage.inside.list(Default::default(), None, 10).await.unwrap().tasks.len(), 4);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_is_not_repeated_and_a_settle_is() {
    let closes = vec![Act::SayAndClose(String::new())];
    let server = Told::start(closes.clone()).await;
    let client = connect(&server.url, quick()).await;
    assert_eq!(client.lease(lease()).await.unwrap_err().code(), "store_unavailable");
    assert_eq!(server.seen().len(), 1);
    let stage = Stage::new().await;
    let proxy = Proxy::start(stage.server.address(), vec![Link::CutAfter(0), Link::Whole]).await;
    let client = connect(&proxy.url, quick()).await;
    stage.inside.submit(spec()).await.unwrap();
    let leased = stage.inside.lease(lease()).await.unwrap().tasks.remove(0);
    let settle = Settle {
        task_id: leased.task.task_id,
        token: leased.token,
        outcome: Outcome::complete(Default::default()),
        started: None,
        updates: Vec::new(),
        declared: Default::default(),
    };
    let reply = client.settle(vec![settle.clone()], None).await.unwrap();
    // It was recorded the first time: the token is spent.
    assert_eq!(reply.settled[0].as_ref().unwrap_err().code(), "lease_lost");
    let task = stage.inside.get(&settle.task_id.to_string()).await.unwrap();
    assert!(task.status.is_final());
    let proxy = Proxy::start(stage.server.address(), vec![Link::CutAfter(0)]).await;
    let client = connect(&proxy.url, quick()).await;
    let error = client.settle(vec![settle], Some(lease())).await.err().unwrap();
    assert_eq!(error.code(), "store_unavailable");
    assert_eq!(proxy.requests("POST /api/v1/leases/settle "), 1, "it would lease again");
    stage.stop().await;
}

// GPY-05, PAT-05
#[tokio::test(flavor = "multi_thread")]
async fn one_client_keeps_its_connections_and_no_more_than_it_may() {
    let stage = Stage::new().await;
    let proxy = Proxy::start(stage.server.address(), vec![Link::Whole]).await;
    let client = connect(&proxy.url, quick()).await;
    for _ in 0..50 {
        client.submit(spec()).await.unwrap();
    }
    // Another may be made while one is on its way back to the pool, which a busy machine delays.
    assert!((1..25).contains(&proxy.connections()), "{}", proxy.connections());
    stage.stop().await;
    let server = Told::start(vec![Act::SayAndHang(String::new())]).await;
    let client = connect(&server.url, ConnectOptions { max_connections: 3, ..quick() }).await;
    let calls: Vec<_> = (0..10)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.queues().await })
        })
        .collect();
    server.has_open(3).await;
    // What waits on purpose has a connection beside these.
    let wait = async { client.wait("01981e2c-1d5c-7c11-b0e9-c2b7a9a3a001", None).await };
    let waiting = tokio::select! {
        _ = wait => panic!("nobody answers"),
        () = server.has_open(4) => server.seen().len(),
    };
    assert!(waiting <= 4, "{waiting}");
    calls.iter().for_each(tokio::task::JoinHandle::abort);
    server.has_open(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_call_hangs() {
    let server = Told::start(vec![Act::SayAndHang(String::new())]).await;
    let timeout = Duration::from_millis(200);
    let client = connect(&server.url, ConnectOptions { timeout, ..quick() }).await;
    let error = soon(client.submit(spec())).await.unwrap_err();
    assert_eq!(
        (error.code(), error.fields()["operation"].as_str()),
        ("store_unavailable", Some("submit"))
    );
    let half =
        Act::SayAndHang("HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{\"queues\"".to_owned());
    let server = Told::start(vec![half]).await;
    let client = connect(&server.url, ConnectOptions { timeout, ..quick() }).await;
    assert_eq!(soon(client.queues()).await.unwrap_err().code(), "store_unavailable");
    server.has_open(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_there_is_told_with_place_and_cause() {
    let place = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap().to_string()
    };
    let client = connect(&format!("http://{place}"), quick()).await;
    let error = client.why("01981e2c-1d5c-7c11-b0e9-c2b7a9a3a001").await.unwrap_err();
    let reason = error.fields()["reason"].as_str().unwrap().to_owned();
    assert_eq!(error.fields()["operation"], "why");
    assert_eq!(reason, format!("{place} did not answer: connection refused"));
    assert!(error.is_retryable());
}

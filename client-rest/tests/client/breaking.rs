//! The breaker of a connection: what counts, and whom it keeps away.

use std::time::Duration;

use windlass::{BreakerConfig, ConnectOptions, LeaseRequest};

use crate::proxy::{Act, Told, answer};
use crate::stage::{breaker, connect, once, quick, soon};

const LONG: Duration = Duration::from_secs(3600);

fn good() -> Act {
    answer("200 OK", "", r#"{"queues":[]}"#)
}

fn bad() -> Act {
    answer("500 Internal Server Error", "", "")
}

// GPY-04, CB-04, CB-09
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_keeps_failing_is_left_alone() {
    let server = Told::start(vec![bad()]).await;
    let options = ConnectOptions { breaker: breaker(2, LONG), ..once() };
    let client = connect(&server.url, options).await;
    for _ in 0..2 {
        assert_eq!(client.queues().await.unwrap_err().code(), "api_error");
    }
    let error = client.queues().await.unwrap_err();
    assert_eq!(error.code(), "circuit_breaker_open");
    assert_eq!(error.fields()["name"], server.url.as_str());
    assert!(error.fields()["retry_after_seconds"].as_f64().unwrap() > 3000.0);
    assert_eq!(server.seen().len(), 2, "it was not asked");
}

// GPY-04
#[tokio::test(flavor = "multi_thread")]
async fn it_counts_calls_after_their_retries() {
    let server = Told::start(vec![bad(), bad(), bad(), good(), bad()]).await;
    let options = ConnectOptions { breaker: breaker(1, LONG), ..quick() };
    let client = connect(&server.url, options).await;
    client.queues().await.unwrap();
    assert_eq!(client.queues().await.unwrap_err().code(), "api_error");
    assert_eq!(client.queues().await.unwrap_err().code(), "circuit_breaker_open");
    assert_eq!(server.seen().len(), 4 + 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_and_garbage_count_and_a_refusal_does_not() {
    let garbage = answer("200 OK", "", "<html>");
    let moved = answer("302 Found", "location: http://other/\r\n", "");
    let silent = Act::SayAndClose(String::new());
    for act in [garbage, moved, silent, answer("502 Bad Gateway", "", "")] {
        let server = Told::start(vec![act]).await;
        let client =
            connect(&server.url, ConnectOptions { breaker: breaker(1, LONG), ..once() }).await;
        assert!(client.queues().await.is_err());
        assert_eq!(client.queues().await.unwrap_err().code(), "circuit_breaker_open");
    }
    for status in
        ["404 Not Found", "429 Too Many Requests", "401 Unauthorized", "501 Not Implemented"]
    {
        let server = Told::start(vec![answer(status, "", "")]).await;
        let client =
            connect(&server.url, ConnectOptions { breaker: breaker(1, LONG), ..once() }).await;
        for _ in 0..3 {
            assert_ne!(client.queues().await.unwrap_err().code(), "circuit_breaker_open");
        }
    }
}

// CB-05, CB-10 [X35]
#[tokio::test(flavor = "multi_thread")]
async fn one_call_probes_and_others_are_refused_beside_it() {
    let probe = Act::SayAndHang(String::new());
    let server = Told::start(vec![bad(), probe, good()]).await;
    let options = ConnectOptions { breaker: breaker(1, Duration::ZERO), ..once() };
    let client = connect(&server.url, options).await;
    assert!(client.queues().await.is_err());
    let probing = tokio::spawn({
        let client = client.clone();
        async move { client.queues().await }
    });
    server.sees(2).await;
    assert_eq!(client.queues().await.unwrap_err().code(), "circuit_breaker_open");
    // A probe that is given up says nothing; the next call is one.
    probing.abort();
    assert!(probing.await.is_err());
    assert!(client.queues().await.is_ok());
    assert!(client.queues().await.is_ok());
    assert_eq!(server.seen().len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_that_probes_is_answered_at_once() {
    let task = r#"{"tasks":[]}"#;
    let server = Told::start(vec![bad(), answer("200 OK", "", task)]).await;
    let options = ConnectOptions { breaker: breaker(1, Duration::ZERO), ..once() };
    let client = connect(&server.url, options).await;
    assert!(client.queues().await.is_err());
    let id = "01981e2c-1d5c-7c11-b0e9-c2b7a9a3a001".parse().unwrap();
    let wait = client.service().wait("default", vec![id], false, Duration::from_secs(9));
    // The answer has no task for the id, which no server says.
    assert_eq!(soon(wait).await.unwrap_err().code(), "api_error");
    assert!(server.seen()[1].contains(r#""wait_seconds":0.0"#), "{}", server.seen()[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_is_not_kept_away() {
    let server = Told::start(vec![bad(), answer("200 OK", "", r#"{"tasks":[]}"#)]).await;
    let options = ConnectOptions { breaker: breaker(1, LONG), ..once() };
    let client = connect(&server.url, options).await;
    assert!(client.queues().await.is_err());
    assert_eq!(client.queues().await.unwrap_err().code(), "circuit_breaker_open");
    let request = LeaseRequest {
        worker: "w".to_owned(),
        queues: vec!["default".to_owned()],
        handlers: vec!["work".to_owned()],
        limit: 1,
        ttl: Duration::from_secs(60),
        wait: Duration::ZERO,
        suspects: true,
    };
    assert!(client.lease(request).await.unwrap().tasks.is_empty());
}

// GPY-04, CB-11
#[tokio::test(flavor = "multi_thread")]
async fn it_can_be_left_out() {
    let server = Told::start(vec![bad()]).await;
    let client = connect(&server.url, ConnectOptions { breaker: None, ..once() }).await;
    for _ in 0..20 {
        assert_eq!(client.queues().await.unwrap_err().code(), "api_error");
    }
    let excluded =
        BreakerConfig { excluded: vec!["api_error".to_owned()], ..breaker(1, LONG).unwrap() };
    let client = connect(&server.url, ConnectOptions { breaker: Some(excluded), ..once() }).await;
    for _ in 0..5 {
        assert_eq!(client.queues().await.unwrap_err().code(), "api_error");
    }
}

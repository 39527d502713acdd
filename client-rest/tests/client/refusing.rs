//! Options and arguments that make no sense are refused before anything travels.

use std::path::PathBuf;
use std::time::Duration;

use windlass::{BreakerConfig, ConnectOptions, Payload, RetryConfig, SubmitOptions};

use crate::proxy::{Told, answer};
use crate::stage::{connect, quick, spec};

// GPY-03, GPY-04, GPY-05
#[tokio::test]
async fn options_are_checked_when_they_are_given() {
    let retry = || RetryConfig::default();
    let none = ConnectOptions::default;
    for (options, field) in [
        (ConnectOptions { timeout: Duration::ZERO, ..none() }, "timeout"),
        (ConnectOptions { max_connections: 0, ..none() }, "max_connections"),
        (ConnectOptions { retry: RetryConfig { jitter: 2.0, ..retry() }, ..none() }, "jitter"),
        (
            ConnectOptions {
                breaker: Some(BreakerConfig { failure_threshold: 0, ..Default::default() }),
                ..none()
            },
            "failure_threshold",
        ),
        (ConnectOptions { api_key: Some(String::new()), ..none() }, "api_key"),
        (ConnectOptions { api_key: Some("a\nb".to_owned()), ..none() }, "api_key"),
        (ConnectOptions { tenant: "a\nb".to_owned(), ..none() }, "tenant"),
        (ConnectOptions { ca_file: Some(PathBuf::from("no-such.pem")), ..none() }, "ca_file"),
    ] {
        let error = windlass::connect_with("http://127.0.0.1:1", options).await.err().unwrap();
        assert_eq!(
            (error.code(), error.fields()["field"].as_str()),
            ("invalid_argument", Some(field))
        );
    }
    for url in ["http://", "https://a:b@c", "http://h/?a=b", "gopher://h"] {
        assert_eq!(windlass::connect(url).await.err().unwrap().code(), "invalid_url", "{url}");
    }
    let error = windlass::connect("gopher://h").await.err().unwrap().to_string();
    for kind in ["sqlite:", "memory:", "http://", "https://"] {
        assert!(error.contains(kind), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_task_is_refused_as_in_process_and_nothing_is_asked() {
    let server = Told::start(vec![answer("500 Internal Server Error", "", "")]).await;
    let client = connect(&server.url, quick()).await;
    let inside = windlass::connect("memory:").await.unwrap();
    let mut bad = vec![spec().queue(""), spec().max_retries(5000), spec().idempotency_key("")];
    let mut odd = spec();
    odd.retry.jitter = Some(f64::NAN);
    bad.push(odd);
    let mut odd = spec();
    odd.metadata = Some(Payload::null());
    bad.push(odd);
    bad.push(windlass::TaskSpec::new(
        "t",
        Payload::new("payload", format!("{:?}", "x".repeat(2 << 20))).unwrap(),
    ));
    for spec in bad {
        let here = client.submit(spec.clone()).await.unwrap_err();
        let there = inside.submit(spec).await.unwrap_err();
        assert_eq!((here.code(), here.fields()), (there.code(), there.fields()));
    }
    let many = vec![spec(); 100_001];
    let error = client.submit_many(many, SubmitOptions::default()).await.unwrap_err();
    assert_eq!(error.fields()["field"], "tasks");
    assert_eq!(
        client.list(Default::default(), None, 0).await.unwrap_err().code(),
        "invalid_argument"
    );
    assert!(server.seen().is_empty());
}

//! Bad input: refused with a typed error that names what is wrong, and nothing is changed.

use std::time::Duration;

use serde_json::json;
use tokio::io::AsyncWriteExt;

use crate::raw::{Reply, Stage};

/// Status, code and field of an error.
fn told(reply: &Reply) -> (u16, String, String) {
    let (status, code, field) = reply.problem();
    (status, code, field.unwrap_or_default())
}

// ERR-12, ERR-13, ERR-14, ERR-15, ERR-16, ERR-17: code, message, details, timestamp, request id.
#[tokio::test]
async fn an_error_has_both_shapes() {
    let stage = Stage::new().await;
    let named = [("x-request-id", "mine-7")];
    let reply = stage.ask_with("GET", "/api/v1/tasks/none", &named, "").await;
    assert_eq!(reply.problem(), (404, "task_not_found".to_owned(), None));
    let body = reply.json();
    assert_eq!(body["request_id"], "mine-7");
    assert_eq!(body["title"], "task not found");
    let error = &body["error"];
    assert_eq!(error["details"], json!({ "task_id": "none" }));
    assert_eq!(error["request_id"], "mine-7");
    let at = error["timestamp"].as_f64().unwrap();
    let now = stage.client.now().as_millis() as f64 / 1000.0;
    assert!((now - 60.0..=now).contains(&at), "{at} is not now");
    // One that could break a header or a log is not kept.
    for strange in ["a b", "\u{e4}", &"x".repeat(129)] {
        let reply = stage.ask_with("GET", "/health", &[("x-request-id", strange)], "").await;
        assert_ne!(reply.header("x-request-id"), Some(strange));
    }
}

#[tokio::test]
async fn a_body_that_is_wrong_is_named_by_its_place() {
    let stage = Stage::new().await;
    let id = "0198c000-0000-7000-8000-000000000000";
    let outcome = json!({ "task_id": id, "token": id, "outcome": "fail", "error": 7 });
    for (path, body, field) in [
        ("tasks", "{", "body"),
        ("tasks", "nothing", "body"),
        ("tasks", "[]", "body"),
        ("tasks", "{}{}", "body"),
        ("tasks", "\"\u{7f}\"", "body"),
        ("tasks", r#"{"priority":9}"#, "priority"),
        ("tasks", r#"{"prio":1}"#, "prio"),
        ("tasks", r#"{"queue":""}"#, "queue"),
        ("tasks", r#"{"max_retries":1.5}"#, "max_retries"),
        ("tasks", r#"{"timeout_seconds":"5"}"#, "timeout_seconds"),
        ("tasks", r#"{"run_at":"tomorrow"}"#, "run_at"),
        ("tasks", r#"{"delay_seconds":1,"run_at":"2030-01-01T00:00:00Z"}"#, "delay_seconds"),
        ("tasks", r#"{"queue":"a","queue":"b"}"#, "body"),
        ("tasks/bulk", r#"{"tasks":[{},{"retry":{"jitter":2}}]}"#, "tasks[1].jitter"),
        ("tasks/bulk", r#"{"tasks":[{"labels":{"a":[]}}]}"#, "tasks[0].labels"),
        ("tasks/bulk", r#"{"tasks":{}}"#, "tasks"),
        ("tasks/find", r#"{"task_ids":[1]}"#, "task_ids[0]"),
        ("tasks/wait", r#"{"task_ids":[],"wait_seconds":61}"#, "wait_seconds"),
        ("tasks/wait", r#"{"task_ids":[],"wait_seconds":-1}"#, "wait_seconds"),
        ("leases", r#"{"worker":"w"}"#, "queues"),
        ("leases/renew", r#"{"renewals":[{"task_id":"x"}]}"#, "renewals[0].task_id"),
        ("leases/settle", &json!({ "settles": [outcome] }).to_string(), "settles[0].error"),
        ("workers", r#"{"worker_id":7}"#, "worker_id"),
        ("queues/a/pause", r#"{"a":1}"#, "a"),
        ("queues/a/pause", "[]", "body"),
    ] {
        let reply = stage.ask("POST", &format!("/api/v1/{path}"), body).await;
        let expected = (400, "invalid_argument".to_owned(), field.to_owned());
        assert_eq!(told(&reply), expected, "{path} {body}: {reply:?}");
    }
    let twice = stage.ask("POST", "/api/v1/tasks", r#"{"payload":{"a":1,"a":2}}"#).await;
    assert_eq!(told(&twice), (400, "invalid_payload".to_owned(), "payload".to_owned()));
    assert_eq!(stage.client.counts().await.unwrap(), vec![]);
}

#[tokio::test]
async fn a_lease_that_asks_for_too_much_is_refused() {
    let stage = Stage::new().await;
    let good = json!({ "worker": "w", "queues": ["q"], "handlers": [], "limit": 1,
        "lease_seconds": 5 });
    for (field, value) in [
        ("worker", json!("")),
        ("queues", json!([])),
        ("limit", json!(0)),
        ("limit", json!(1001)),
        ("lease_seconds", json!(0.5)),
        ("lease_seconds", json!(3601)),
        ("wait_seconds", json!(60.5)),
        ("wait", json!(1)),
    ] {
        let mut body = good.clone();
        body[field] = value;
        let reply = stage.ask("POST", "/api/v1/leases", &body.to_string()).await;
        assert_eq!(told(&reply).2, field, "{body}");
    }
}

#[tokio::test]
async fn a_query_is_accounted_for() {
    let stage = Stage::new().await;
    for (path, field) in [
        ("tasks?limt=5", "limt"),
        ("tasks?limit=0", "limit"),
        ("tasks?limit=1001", "limit"),
        ("tasks?limit=%2B5", "limit"),
        ("tasks?limit=5&limit=6", "limit"),
        ("tasks?status=done", "status"),
        ("tasks?since=now", "since"),
        ("tasks?batch_id=x", "batch_id"),
        ("tasks?cursor=c1", "cursor"),
        ("tasks?cursor=0198c000-0000-7000-8000-000000000000", "cursor"),
        ("tasks?label.=x", "label."),
        ("tasks/none?wait=1", ""),
        ("queues?x", "x"),
        ("recent?limit=10001", "limit"),
    ] {
        let reply = stage.ask("GET", &format!("/api/v1/{path}"), "").await;
        assert_eq!(told(&reply).2, field, "{path}: {reply:?}");
    }
    let id = stage.ask("POST", "/api/v1/tasks", "{}").await.json()["task_id"].clone();
    for wait in ["61", "-1", "NaN", "inf", "x", ""] {
        let path = format!("/api/v1/tasks/{}?wait={wait}", id.as_str().unwrap());
        assert_eq!(told(&stage.ask("GET", &path, "").await).2, "wait", "{wait}");
    }
}

#[tokio::test]
async fn several_labels_and_statuses_narrow_a_list() {
    let stage = Stage::new().await;
    for labels in [r#"{"a":"1","b":"2"}"#, r#"{"a":"1","b":"3"}"#] {
        let body = format!(r#"{{"task_type":"t","labels":{labels}}}"#);
        stage.ask("POST", "/api/v1/tasks", &body).await;
    }
    let count = async |query: &str| {
        let page = stage.ask("GET", &format!("/api/v1/tasks?{query}"), "").await.json();
        page["tasks"].as_array().unwrap().len()
    };
    assert_eq!(count("label.a=1").await, 2);
    assert_eq!(count("label.a=1&label.b=3").await, 1);
    assert_eq!(count("status=failed,pending").await, 2);
    assert_eq!(count("status=failed&status=running").await, 0);
    assert_eq!(count("limit=1").await, 1);
    let first = stage.ask("GET", "/api/v1/tasks?limit=1", "").await.json();
    let next = first["next"].as_str().unwrap();
    assert_eq!(count(&format!("limit=1&cursor={next}")).await, 1);
}

#[tokio::test]
async fn what_is_no_id_is_found_nowhere() {
    let stage = Stage::new().await;
    for path in ["tasks/x", "tasks/%ff", "tasks/x/status", "tasks/x/events", "tasks/x/why"] {
        let reply = stage.ask("GET", &format!("/api/v1/{path}"), "").await;
        assert_eq!(told(&reply).1, "task_not_found", "{path}");
    }
    for verb in ["cancel", "retry"] {
        let reply = stage.ask("POST", &format!("/api/v1/tasks/x/{verb}"), "").await;
        assert_eq!(told(&reply).1, "task_not_found");
    }
    let found = stage.ask("POST", "/api/v1/tasks/find", r#"{"task_ids":["x"]}"#).await;
    assert_eq!(found.json(), json!({ "tasks": [null] }));
}

// REST-07, PKG-06: v1 is served, an older version is refused by name.
// REST-01: a block over HTTP is named, and answers once composition is there.
#[tokio::test]
async fn only_what_is_there_is_served() {
    let stage = Stage::new().await;
    for path in
        ["/none", "/api", "/api/v1", "/api/v1/", "/api/v1/task", "/api/v1/tasks/", "/favicon.ico"]
    {
        assert_eq!(told(&stage.ask("GET", path, "").await).1, "api_error", "{path}");
    }
    let old = stage.ask("POST", "/api/v0/tasks", "{}").await;
    assert_eq!(old.status, 404);
    assert!(old.json()["detail"].as_str().unwrap().contains("/api/v1"));
    assert_eq!(stage.ask("GET", "/api/v1/tasks", "").await.status, 200);

    let wrong = stage.ask("DELETE", "/api/v1/tasks", "").await;
    assert_eq!((wrong.status, told(&wrong).1.as_str()), (405, "api_error"));
    let mut allowed: Vec<&str> = wrong.header("allow").unwrap().split(',').collect();
    allowed.sort_unstable();
    assert_eq!(allowed, ["GET", "HEAD", "POST"]);
    for word in ["bulk", "cancel", "find", "retry", "wait", "none"] {
        let none = stage.ask("GET", &format!("/api/v1/tasks/{word}"), "").await;
        assert_eq!((none.status, told(&none).1.as_str()), (404, "task_not_found"), "{word}");
        let other = stage.ask("PUT", &format!("/api/v1/tasks/{word}"), "").await;
        assert_eq!(other.status, 405, "{word}");
    }
    assert_eq!(stage.ask("BREW", "/api/v1/tasks", "").await.status, 405);
    assert_eq!(stage.ask("OPTIONS", "/api/v1/tasks", "").await.status, 405);
    for (method, path) in [
        ("POST", "events"),
        ("GET", "ws"),
        ("POST", "records/x"),
        ("GET", "rate-limit"),
        ("GET", "quota"),
    ] {
        let reply = stage.ask(method, &format!("/api/v1/{path}"), "").await;
        assert_eq!((reply.status, told(&reply).1.as_str()), (501, "not_implemented"), "{path}");
        assert!(reply.json()["error"]["details"]["feature"].is_string());
    }
}

#[tokio::test]
async fn a_head_is_a_get_without_its_body() {
    let stage = Stage::new().await;
    let mut raw = stage.connect().await;
    raw.send("HEAD", "/api/v1/tasks", &[], "").await;
    let head = raw.head().await;
    assert_eq!((head.status, head.header("content-type")), (200, Some("application/json")));
    // The next answer follows at once, and this connection knows where it begins.
    raw.send("HEAD", "/api/v1/tasks/none", &[], "").await;
    assert_eq!(raw.head().await.status, 404);
    raw.send("GET", "/health/live", &[], "").await;
    assert_eq!(raw.reply().await.json(), json!({ "status": "ok" }));
}

#[tokio::test]
async fn a_body_of_another_type_is_refused() {
    let stage = Stage::new().await;
    for kind in ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""] {
        let reply = stage.ask_with("POST", "/api/v1/tasks", &[("content-type", kind)], "{}").await;
        assert_eq!((reply.status, told(&reply).1.as_str()), (415, "api_error"), "{kind}");
    }
    let kind = [("content-type", "Application/JSON; charset=utf-8")];
    assert_eq!(stage.ask_with("POST", "/api/v1/tasks", &kind, "{}").await.status, 201);
    let mut raw = stage.connect().await;
    raw.write(b"POST /api/v1/tasks HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\n\r\n{}")
        .await;
    assert_eq!(raw.reply().await.status, 415);
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused() {
    let stage = Stage::with(|options| options.body_limit = 1000).await;
    let expected = (413, "payload_too_large".to_owned(), "body".to_owned());
    for size in [1001, 1500, 2500, 100_000] {
        let body = format!("{{\"payload\":\"{}\"}}", "x".repeat(size));
        let reply = stage.ask("POST", "/api/v1/tasks", &body).await;
        assert_eq!(told(&reply), expected, "{size}");
    }
    let mut raw = stage.connect().await;
    raw.write(
        b"POST /api/v1/tasks HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n",
    )
    .await;
    raw.write(b"transfer-encoding: chunked\r\n\r\n").await;
    for _ in 0..3 {
        raw.write(format!("1f4\r\n{}\r\n", "x".repeat(500)).as_bytes()).await;
    }
    raw.write(b"0\r\n\r\n").await;
    assert_eq!(told(&raw.reply().await), expected);
    // Who asks first is told before it sends.
    let mut raw = stage.connect().await;
    raw.write(
        b"POST /api/v1/tasks HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
          content-length: 1001\r\nexpect: 100-continue\r\n\r\n",
    )
    .await;
    assert_eq!(told(&raw.reply().await), expected);
    assert_eq!(stage.client.counts().await.unwrap(), vec![]);
}

/// A client that writes all it has before it reads must still get its answer.
#[tokio::test]
async fn whoever_sends_much_and_is_refused_hears_why() {
    let stage = Stage::with(|options| {
        options.body_limit = 1000;
        options.api_key = Some("s3cret".to_owned());
    })
    .await;
    let body = format!("{{\"payload\":\"{}\"}}", "x".repeat(8 << 20));
    let key = [("authorization", "Bearer s3cret")];
    for (method, path, headers, status) in [
        ("POST", "/api/v1/tasks", &key[..], 413),
        ("POST", "/api/v1/tasks", &[], 401),
        ("POST", "/api/v1/nowhere", &key, 404),
        ("PUT", "/api/v1/tasks", &key, 405),
    ] {
        let reply = stage.ask_with(method, path, headers, &body).await;
        assert_eq!(reply.status, status, "{method} {path}");
    }
    assert_eq!(stage.client.counts().await.unwrap(), vec![]);
}

#[tokio::test]
async fn headers_over_the_limit_are_refused() {
    let stage = Stage::with(|options| options.header_limit = 2000).await;
    for size in [2001, 20_000, 200_000] {
        let mut raw = stage.connect().await;
        let head = format!(
            "GET /health HTTP/1.1\r\nhost: localhost\r\nx-long: {}\r\n\r\n",
            "x".repeat(size)
        );
        // It may be refused, and the connection closed, before all is written.
        let _ = raw.stream.write_all(head.as_bytes()).await;
        let reply = raw.reply().await;
        assert_eq!((reply.status, told(&reply).1.as_str()), (431, "api_error"), "{size}");
    }
    let path = format!("/api/v1/tasks?error={}", "x".repeat(2000));
    assert_eq!(stage.ask("GET", &path, "").await.status, 431);
    let many: Vec<(String, String)> = (0..200).map(|n| (format!("x{n}"), n.to_string())).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    assert_eq!(told(&stage.ask_with("GET", "/health", &many, "").await).0, 431);
}

#[tokio::test]
async fn what_is_no_http_is_refused() {
    let stage = Stage::new().await;
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello over TLS\r\n\r\n"[..],
        b"HELLO\r\n\r\n",
        b"GET / HTTP/1.1\r\nbad header\r\n\r\n",
        b"GET /\x01 HTTP/1.1\r\n\r\n",
    ] {
        let mut raw = stage.connect().await;
        raw.write(bytes).await;
        let reply = raw.reply().await;
        assert_eq!((reply.status, told(&reply).1.as_str()), (400, "api_error"), "{bytes:?}");
        assert!(raw.closed().await);
    }
}

#[tokio::test]
async fn a_slow_client_is_cut() {
    let stage = Stage::with(|options| {
        options.header_timeout = Duration::from_millis(100);
        options.body_timeout = Duration::from_millis(100);
    })
    .await;
    let mut raw = stage.connect().await;
    raw.write(b"GET /health HTTP/1.1\r\nhost: loc").await;
    assert!(raw.closed().await, "slow headers");
    let mut raw = stage.connect().await;
    assert!(raw.closed().await, "no headers at all");
    let mut raw = stage.connect().await;
    raw.send("GET", "/health/live", &[], "").await;
    raw.reply().await;
    raw.write(b"GET /health/live HTTP/1.1\r\nhost").await;
    assert!(raw.closed().await, "a slow second request");

    let mut raw = stage.connect().await;
    raw.write(
        b"POST /api/v1/tasks HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
          content-length: 10\r\n\r\n{",
    )
    .await;
    let reply = raw.reply().await;
    assert_eq!((reply.status, told(&reply).1.as_str()), (408, "api_error"));
    assert!(raw.closed().await, "slow body");
}

#[tokio::test]
async fn a_body_that_breaks_off_stores_nothing() {
    let stage = Stage::new().await;
    let mut raw = stage.connect().await;
    raw.write(
        b"POST /api/v1/tasks HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
          content-length: 3\r\n\r\n{}",
    )
    .await;
    raw.stream.shutdown().await.unwrap();
    raw.closed().await;
    assert_eq!(stage.client.counts().await.unwrap(), vec![]);
    assert_eq!(stage.ask("GET", "/health/live", "").await.status, 200);
}

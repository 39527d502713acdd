//! Streams: resumed, held within limits, cut when nobody reads, ended with the server.

use std::time::Duration;

use serde_json::{Value, json};
use windlass::{
    LeaseRequest, Leased, LogLevel, NewUpdate, Outcome, Renewal, RetryOptions, Settle, TaskSpec,
};

use crate::raw::{PATIENCE, Raw, Stage};

/// A task that a worker has begun, and the lease of it.
struct Begun {
    id: String,
    leased: Leased,
}

impl Begun {
    async fn new(stage: &Stage) -> Self {
        let spec = TaskSpec::new("t", json!(null));
        let id = stage.client.submit(spec).await.unwrap().task_id.to_string();
        let request = LeaseRequest {
            worker: "w".to_owned(),
            queues: vec!["default".to_owned()],
            handlers: vec!["t".to_owned()],
            limit: 1,
            ttl: Duration::from_secs(600),
            wait: Duration::ZERO,
            suspects: true,
        };
        let leased = stage.client.lease(request).await.unwrap();
        Self { id, leased }
    }

    async fn says(&self, stage: &Stage, message: &str) {
        let log = NewUpdate::Log { level: LogLevel::Info, message: message.to_owned() };
        let renewal = Renewal {
            task_id: self.leased.tasks[0].task.task_id,
            token: self.leased.tasks[0].token,
            extend: None,
            started: Some(Duration::ZERO),
            updates: vec![log],
        };
        stage.client.renew(vec![renewal]).await.unwrap();
    }

    async fn ends(&self, stage: &Stage) {
        let settle = Settle {
            task_id: self.leased.tasks[0].task.task_id,
            token: self.leased.tasks[0].token,
            outcome: Outcome::complete(json!({ "ok": true }).into()),
            started: None,
            updates: Vec::new(),
            declared: RetryOptions::default(),
        };
        stage.client.settle(vec![settle], None).await.unwrap();
    }
}

/// Opens a stream and reads its head.
async fn open(stage: &Stage, path: &str, headers: &[(&str, &str)]) -> Raw {
    let mut raw = stage.connect().await;
    raw.send("GET", &format!("/api/v1/{path}"), headers, "").await;
    let head = raw.head().await;
    assert_eq!((head.status, head.header("content-type")), (200, Some("text/event-stream")));
    raw
}

/// The events in a chunked body: id, name and data.
fn events(text: &str) -> Vec<(String, String, Value)> {
    let field = |block: &str, name: &str| {
        let line = block.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
        line.unwrap_or_default().to_owned()
    };
    let blocks = text.split("\n\n").filter(|block| block.contains("\ndata: "));
    blocks
        .map(|block| {
            let data = serde_json::from_str(&field(block, "data")).unwrap();
            (field(block, "id"), field(block, "event"), data)
        })
        .collect()
}

#[tokio::test]
async fn a_task_is_followed_to_its_end_and_resumed() {
    let stage = Stage::new().await;
    let begun = Begun::new(&stage).await;
    let path = format!("tasks/{}/events", begun.id);
    let mut raw = open(&stage, &path, &[]).await;
    // A comment comes at once, so that a reader knows that it is connected.
    raw.until(":\n\n").await;
    begun.says(&stage, "first").await;
    let text = raw.until("first").await;
    drop(raw);
    assert!(text.contains("event: status\ndata: "));

    begun.says(&stage, "second").await;
    begun.ends(&stage).await;
    let all = open(&stage, &path, &[]).await.until("\r\n0\r\n\r\n").await;
    let seen: Vec<_> = events(&all).iter().map(|(id, name, _)| format!("{id} {name}")).collect();
    assert_eq!(seen, ["1 status", "2 status", "3 log", "4 log", "5 status"]);
    let told = events(&all);
    assert_eq!(told[4].2["status"], "completed");
    assert_eq!(told[4].2["result"], json!({ "ok": true }));

    // Where it was, by header or by query; then there is nothing left to tell.
    for (path, headers) in [
        (path.clone(), vec![("last-event-id", "3")]),
        (format!("{path}?after=3"), vec![]),
        (format!("{path}?after=1"), vec![("last-event-id", "3")]),
    ] {
        let rest = open(&stage, &path, &headers).await.until("\r\n0\r\n\r\n").await;
        assert_eq!(events(&rest).len(), 2, "{rest}");
    }
    let over = stage.ask("GET", &format!("/api/v1/{path}?after=5"), "").await;
    assert_eq!((over.status, over.body.len()), (204, 0));
    let bad =
        stage.ask_with("GET", &format!("/api/v1/{path}"), &[("last-event-id", "x")], "").await;
    assert_eq!(bad.problem().2.as_deref(), Some("last-event-id"));

    let logs = stage.ask("GET", &format!("/api/v1/tasks/{}/logs?limit=1", begun.id), "").await;
    assert_eq!(logs.json()["updates"][0]["message"], "first");
    let none = stage.ask("GET", &format!("/api/v1/tasks/{}/logs?level=error", begun.id), "").await;
    assert_eq!(none.json(), json!({ "updates": [] }));
}

#[tokio::test]
async fn a_held_answer_comes_with_the_news() {
    let stage = Stage::new().await;
    let begun = Begun::new(&stage).await;
    let mut waits = stage.connect().await;
    waits.send("GET", &format!("/api/v1/tasks/{}?wait=60", begun.id), &[], "").await;
    let mut follows = stage.connect().await;
    let path = format!("/api/v1/tasks/{}/updates?after=2&wait=60", begun.id);
    follows.send("GET", &path, &[], "").await;
    begun.says(&stage, "news").await;
    assert_eq!(follows.reply().await.json()["updates"][0]["message"], "news");
    begun.ends(&stage).await;
    assert_eq!(waits.reply().await.json()["status"], "completed");
    let body = json!({ "task_ids": [begun.id], "wait_seconds": 60 }).to_string();
    let done = stage.ask("POST", "/api/v1/tasks/wait", &body).await;
    assert_eq!(done.json()["tasks"][0]["result"], json!({ "ok": true }));
    let key = [("idempotency-key", "k")];
    let mut submits = stage.connect().await;
    submits.send("POST", "/api/v1/tasks?wait=0.01", &key, r#"{"task_type":"t"}"#).await;
    assert_eq!(submits.reply().await.json()["task"]["status"], "pending");
}

#[tokio::test]
async fn a_batch_is_followed_to_its_end() {
    let stage = Stage::new().await;
    let body = r#"{"tasks":[{"task_type":"t"},{"task_type":"t"}]}"#;
    let stored = stage.ask("POST", "/api/v1/batches", body).await.json();
    let id = stored["submissions"][0]["batch_id"].as_str().unwrap().to_owned();
    let mut raw = open(&stage, &format!("batches/{id}/events"), &[]).await;
    raw.until(":\n\n").await;
    stage.client.cancel_batch(&id).await.unwrap();
    let rest = raw.until("\r\n0\r\n\r\n").await;
    let told: Vec<_> = events(&rest)
        .iter()
        .map(|(_, name, data)| (name.clone(), data["status"].clone()))
        .collect();
    let member = ("member".to_owned(), json!("cancelled"));
    assert_eq!(
        told[told.len() - 3..],
        [member.clone(), member, ("status".to_owned(), json!("cancelled"))]
    );
}

#[tokio::test]
async fn the_lives_of_all_tasks_are_followed() {
    let stage = Stage::new().await;
    let mut raw = open(&stage, "events?task_type=t", &[]).await;
    raw.until(":\n\n").await;
    stage.client.submit(TaskSpec::new("other", json!(null))).await.unwrap();
    let begun = Begun::new(&stage).await;
    begun.ends(&stage).await;
    let mut text = String::new();
    while events(&text).len() < 3 {
        text += &raw.until("\n\n").await;
    }
    let told = events(&text);
    let seen: Vec<_> = told
        .iter()
        .map(|(_, name, data)| {
            assert_eq!(data["task_id"], begun.id);
            name.as_str()
        })
        .collect();
    assert_eq!(seen, ["task.submitted", "task.started", "task.completed"]);
}

#[tokio::test]
async fn streams_beyond_the_limit_are_refused() {
    let stage = Stage::with(|options| options.max_streams = 2).await;
    let begun = Begun::new(&stage).await;
    let path = format!("tasks/{}/events", begun.id);
    let first = open(&stage, &path, &[]).await;
    let _second = open(&stage, &path, &[]).await;
    let refused = stage.ask("GET", &format!("/api/v1/{path}"), "").await;
    assert_eq!((refused.status, refused.problem().1.as_str()), (503, "service_unavailable"));
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(refused.header("connection"), Some("close"));
    let held = stage.ask("GET", &format!("/api/v1/tasks/{}?wait=1", begun.id), "").await;
    assert_eq!(held.status, 503);
    // What is not held is answered as ever, and a place that is left is free.
    assert_eq!(stage.ask("GET", "/health/ready", "").await.status, 200);
    drop(first);
    let again = async {
        while stage.ask("GET", &format!("/api/v1/tasks/{}?wait=0.001", begun.id), "").await.status
            == 503
        {}
    };
    tokio::time::timeout(PATIENCE, again).await.unwrap();
}

#[tokio::test]
async fn a_reader_that_never_reads_is_cut_and_resumes() {
    let stage = Stage::with(|options| options.write_timeout = Duration::from_millis(200)).await;
    let begun = Begun::new(&stage).await;
    let path = format!("tasks/{}/events", begun.id);
    let raw = open(&stage, &path, &[]).await;
    // More than the buffers of both sides take.
    let line = "x".repeat(16 << 10);
    for _ in 0..1000 {
        begun.says(&stage, &line).await;
    }
    let gone = async {
        loop {
            let text = stage.ask("GET", "/metrics", "").await.body;
            if String::from_utf8(text).unwrap().contains("\nwindlass_http_streams 0\n") {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, gone).await.expect("the reader is not cut");
    drop(raw);
    begun.ends(&stage).await;
    let rest = open(&stage, &format!("{path}?after=1001"), &[]).await;
    let text = { rest }.until("\r\n0\r\n\r\n").await;
    let ids: Vec<_> = events(&text).into_iter().map(|(id, ..)| id).collect();
    assert_eq!(ids, ["1002", "1003"]);
}

#[tokio::test]
async fn a_server_that_stops_ends_its_streams() {
    let stage = Stage::new().await;
    let begun = Begun::new(&stage).await;
    let mut stream = open(&stage, &format!("tasks/{}/events", begun.id), &[]).await;
    stream.until("status").await;
    let mut held = stage.connect().await;
    held.send("GET", &format!("/api/v1/tasks/{}?wait=60", begun.id), &[], "").await;
    let mut idle = stage.connect().await;
    idle.send("GET", "/health", &[], "").await;
    idle.reply().await;
    stage.server.stop();
    stream.until("\r\n0\r\n\r\n").await;
    assert!(stream.closed().await);
    assert_eq!(held.reply().await.json()["status"], "running");
    assert!(idle.closed().await);
    tokio::time::timeout(PATIENCE, stage.server.stopped()).await.unwrap();
    // The port is free again.
    tokio::net::TcpListener::bind(stage.server.address()).await.unwrap();
}

#[tokio::test]
async fn who_never_leaves_is_cut_after_the_grace() {
    let stage = Stage::with(|options| options.grace = Duration::from_millis(100)).await;
    let mut raw = stage.connect().await;
    raw.write(
        b"POST /api/v1/tasks HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
        content-length: 9\r\n\r\n{",
    )
    .await;
    // The request is under way once its answer is waited for: another has been served meanwhile.
    stage.ask("GET", "/health", "").await;
    stage.server.stop();
    tokio::time::timeout(PATIENCE, stage.server.stopped()).await.expect("it hangs");
    assert!(raw.closed().await);
}

//! Log lines: JSON, and nothing in them that is not for eyes.

use serde_json::{Value, json};

use crate::stage::{Kind, LINES, Stage};

/// The lines logged so far, each of which must be a JSON object.
fn lines() -> Vec<Value> {
    let bytes = LINES.lock().unwrap().clone();
    let text = String::from_utf8(bytes).expect("text");
    let end = text.rfind('\n').map_or(0, |at| at + 1);
    let read = |line: &str| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
    text[..end].lines().map(read).collect()
}

/// The lines that have a field with this value.
pub(crate) fn lines_with(field: &str, value: &str) -> Vec<Value> {
    lines().into_iter().filter(|line| line[field] == value).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_is_one_line_without_payload_result_or_key() {
    let key = "key-7f3a91c2-not-for-logs";
    let stage = Stage::with(Kind::Sqlite, Some(key)).await;
    let task = json!({
        "task_type": "send", "queue": "mail", "payload": {"body": "payload-5b1e77-not-for-logs"},
        "idempotency_key": "idem-99e3-not-for-logs", "labels": {"a": "label-31ab-not-for-logs"},
    });
    let id = "request-of-the-log-test";
    let headers = format!("Authorization: Bearer {key}\r\nX-Request-Id: {id}\r\n");
    let reply = stage.send("POST", "/api/v1/tasks?wait=0", Some(task), &headers).await;
    assert_eq!(reply.status, 201, "{reply:?}");
    let leased = stage.lease("w", "send").await;
    let settle = json!({"settles": [{
        "task_id": leased[0]["task"]["task_id"], "token": leased[0]["token"], "outcome": "complete",
        "result": {"answer": "result-c0ffee-not-for-logs"},
        "updates": [{"kind": "log", "level": "info", "message": "line-d00d-not-for-logs"}],
    }]});
    stage.post("/api/v1/leases/settle", settle).await;
    let wrong = "Authorization: Bearer wrong-key-not-for-logs\r\n";
    assert_eq!(stage.send("GET", "/api/v1/tasks", None, wrong).await.status, 401);
    let broken = json!({"task_type": "send", "payload": "also-not-for-logs", "surprise": 1});
    assert_eq!(stage.ask("POST", "/api/v1/tasks", Some(broken)).await.status, 400);

    let told = lines_with("request_id", id);
    let [line] = &told[..] else { panic!("one line for one request: {told:?}") };
    assert_eq!(line["method"], "POST");
    assert_eq!(line["path"], "/api/v1/tasks");
    assert_eq!(line["status"], 201);
    assert_eq!(line["level"], "INFO");
    assert!(line["timestamp"].as_str().is_some_and(|at| at.ends_with('Z')), "{line}");
    let all = String::from_utf8(LINES.lock().unwrap().clone()).unwrap();
    assert!(
        !all.contains("not-for-logs"),
        "{:?}",
        all.lines().find(|l| l.contains("not-for-logs"))
    );
}

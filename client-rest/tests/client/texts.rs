//! A client that answers text says what the client of words says.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use windlass::{Filter, SubmitOptions, TaskStatus};
use windlass_client::{RestOptions, TextClient};
use windlass_core::client::Entry as _;
use windlass_core::runtime::host::TokioHost;

use crate::stage::{Stage, soon, spec};

const PATIENCE: Duration = Duration::from_secs(5);

fn texts(stage: &Stage) -> TextClient {
    let host = Arc::new(TokioHost::new(tokio::runtime::Handle::current()));
    TextClient::new(&stage.server.url(), RestOptions::default(), host, "default").unwrap()
}

fn read(text: String) -> Value {
    serde_json::from_str(&text).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_question_is_answered_with_the_same_record() {
    let stage = Stage::new().await;
    let (words, texts) = (stage.client().await, texts(&stage));
    assert_eq!(texts.location(), words.location());
    let many = SubmitOptions { batch: true, patience: PATIENCE };
    let specs = vec![spec().queue("q?").label("a/b c", "ü&="), spec(), spec()];
    let stored = words.submit_many(specs, many).await.unwrap();
    let ids: Vec<String> = stored.iter().map(|one| one.task_id.to_string()).collect();
    let id = &ids[0];
    assert_eq!(read(texts.get(id).await.unwrap()), json!(words.get(id).await.unwrap()));
    let all = texts.get_many(ids.clone()).await.unwrap();
    assert_eq!(read(all), json!(words.get_many(&ids).await.unwrap()));
    let batch = stored[0].batch_id.unwrap().to_string();
    assert_eq!(read(texts.batch(&batch).await.unwrap()), json!(words.batch(&batch).await.unwrap()));
    let query = r#"{"queue":"q?","labels":{"a/b c":"ü&="},"status":["pending"],"error":null}"#;
    let filter: Filter =
        serde_json::from_value(json!({"queue": "q?", "labels": {"a/b c": "ü&="}})).unwrap();
    let page = words.list(filter.clone(), None, 100).await.unwrap();
    assert_eq!(page.tasks.len(), 1);
    assert_eq!(read(texts.list(query).await.unwrap()), json!(page));
    let tally = words.count(filter, 10).await.unwrap();
    assert_eq!(read(texts.count(query).await.unwrap()), json!(tally));
    assert_eq!(read(texts.counts().await.unwrap()), json!(words.counts().await.unwrap()));
    assert_eq!(read(texts.queues().await.unwrap()), json!(words.queues().await.unwrap()));
    assert_eq!(read(texts.workers().await.unwrap()), json!([]));
    assert_eq!(read(texts.why(id).await.unwrap()), json!(words.why(id).await.unwrap()));
    let health = read(texts.cluster_health().await.unwrap());
    assert_eq!(health["queue"]["pending"], 3);
    assert_eq!(read(texts.pause("q?", true).await.unwrap())["paused"], true);
    let changed = read(texts.cancel_matching(r#"{"queue":"q?","most":5}"#).await.unwrap());
    assert_eq!(changed["changed"], 1);
    assert_eq!(read(texts.retry(id).await.unwrap())["status"], "pending");
    assert_eq!(read(texts.cancel(id).await.unwrap())["status"], "cancelled");
    let history = read(texts.history(id, 0, 100).await.unwrap());
    let mut stream = words.updates(id, 0).unwrap();
    let first = stream.next().await.unwrap().unwrap();
    assert_eq!(history[0], json!(first));
    assert_eq!(texts.get("nothing").await.unwrap_err().code(), "task_not_found");
    assert_eq!(texts.batch("nothing").await.unwrap_err().code(), "batch_not_found");
    texts.close().await;
    assert_eq!(texts.get(id).await.unwrap_err().code(), "client_closed");
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn records_are_stored_as_they_were_given_and_followed_to_their_end() {
    let stage = Stage::new().await;
    let texts = texts(&stage);
    let records = r#"[{"task_type":"work","payload":{"n":1e2},"idempotency_key":null},{"task_type":"work","payload":[1],"idempotency_key":"mine"}]"#;
    let stored = texts.submit(records, false, PATIENCE).await.unwrap();
    let again = texts.submit(records, false, PATIENCE).await.unwrap();
    let known: Vec<bool> = again.iter().map(|one| one.deduplicated).collect();
    assert_eq!((known, again[1].task_id), (vec![false, true], stored[1].task_id));
    let id = stored[0].task_id.to_string();
    let task = stage.inside.get(&id).await.unwrap();
    assert_eq!((task.payload.as_str(), task.idempotency_key.is_some()), (r#"{"n":1e2}"#, true));
    let mut stream = texts.updates(&id, 0).unwrap();
    assert!(soon(stream.next()).await.unwrap().is_ok());
    stage.inside.cancel(&id).await.unwrap();
    let last = soon(stream.next()).await.unwrap().unwrap();
    assert_eq!(read(last.into_json().unwrap())["status"], "cancelled");
    assert!(soon(stream.next()).await.is_none());
    let ended = soon(texts.wait(vec![id.clone()], None, false)).await.unwrap();
    assert_eq!(read(ended)[0]["status"], json!(TaskStatus::Cancelled));
    assert_eq!(soon(texts.result(&id, None)).await.unwrap_err().code(), "task_cancelled");
    let open = stored[1].task_id.to_string();
    let short = Some(Duration::from_millis(50));
    let error = soon(texts.result(&open, short)).await.unwrap_err();
    assert_eq!(error.code(), "worker_not_available");
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_named_as_in_a_task_alone_and_stores_nothing() {
    let stage = Stage::new().await;
    let texts = texts(&stage);
    let large = format!(r#"[{{"payload":"{}"}}]"#, "x".repeat(2 << 20));
    for (records, code, field) in [
        (r#"[{"priority":99}]"#, "invalid_argument", "priority"),
        (r#"[{},{"priority":99}]"#, "invalid_argument", "priority"),
        (r#"[{},{"prio":1}]"#, "invalid_argument", "prio"),
        ("[{},7]", "invalid_argument", "task"),
        ("7", "invalid_argument", "tasks"),
        (&large, "payload_too_large", "payload"),
    ] {
        let error = texts.submit(records, false, PATIENCE).await.unwrap_err();
        let told = (error.code(), error.fields()["field"].clone());
        assert_eq!(told, (code, json!(field)), "{records:.40}");
    }
    assert_eq!(windlass_client::text::check(&large).unwrap_err().code(), "payload_too_large");
    for query in [r#"{"limit":0}"#, r#"{"status":["x"]}"#, r#"{"what":1}"#, "7"] {
        let error = texts.list(query).await.unwrap_err();
        assert_eq!(error.code(), "invalid_argument", "{query}");
    }
    let most = texts.count(r#"{"most":0}"#).await.unwrap_err();
    assert_eq!(most.fields()["field"], "most");
    assert!(stage.inside.counts().await.unwrap().is_empty());
    stage.stop().await;
}

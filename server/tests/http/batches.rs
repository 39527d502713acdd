//! Batches over HTTP: at once and in chunks, with what runs after them.

use serde_json::{Value, json};

use crate::act::{complete, fail, lease, perform};
use crate::raw::Stage;

const BATCHES: &str = "/api/v1/batches";

async fn look(stage: &Stage, path: &str) -> Value {
    let reply = stage.ask("GET", path, "").await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()
}

fn id(answer: &Value) -> String {
    answer["batch_id"].as_str().unwrap().to_owned()
}

// BAT-01
#[tokio::test]
async fn a_batch_is_one_thing_and_its_hooks_run_at_its_end() {
    let stage = Stage::new().await;
    let body = json!({ "name": "import", "labels": { "env": "test" },
        "tasks": [{ "task_type": "t", "max_retries": 0 }, { "task_type": "t", "max_retries": 0 }],
        "on_complete": { "task_type": "after" }, "on_success": { "task_type": "good" },
        "on_failure": { "task_type": "bad" } });
    let reply = stage.ask("POST", BATCHES, &body.to_string()).await;
    assert_eq!(reply.status, 201, "{reply:?}");
    let stored = reply.json();
    assert_eq!(
        (&stored["deduplicated"], stored["submissions"].as_array().unwrap().len()),
        (&json!(false), 2)
    );
    let path = format!("{BATCHES}/{}", id(&stored));
    let mut raw = stage.connect().await;
    raw.send("GET", &format!("{path}/events"), &[], "").await;
    assert_eq!(raw.head().await.status, 200);

    perform(&stage.client, "t", complete(json!(1))).await;
    let batch = look(&stage, &path).await;
    assert_eq!(
        (&batch["name"], &batch["status"], &batch["progress"]),
        (&json!("import"), &json!("running"), &json!(50.0))
    );
    assert!(lease(&stage.client, "after").await.is_none());
    perform(&stage.client, "t", fail("boom")).await;
    let batch = look(&stage, &path).await;
    assert_eq!(batch["counts"], json!({ "completed": 1, "failed": 1 }));
    assert!(batch["hooks"]["on_success"].is_string() && batch["finished_at"].is_string());
    let text = raw.until("\r\n0\r\n\r\n").await;
    assert_eq!(text.matches("event: member").count(), 2, "{text}");
    assert_eq!(text.matches("\"status\":\"failed\",\"attempt\":0").count(), 1, "{text}");

    // Those of this end run, and read the batch; the other one never does.
    let after = perform(&stage.client, "after", complete(json!(1))).await;
    let read = look(&stage, &format!("/api/v1/tasks/{after}/upstream/batch")).await;
    assert_eq!(
        (&read["result"]["total"], &read["result"]["status"]),
        (&json!(2), &json!("failed"))
    );
    perform(&stage.client, "bad", complete(json!(1))).await;
    let good = batch["hooks"]["on_success"].as_str().unwrap();
    let good = look(&stage, &format!("/api/v1/tasks/{good}")).await;
    assert_eq!(
        (&good["status"], &good["error"]["code"]),
        (&json!("cancelled"), &json!("upstream_failed"))
    );

    let page = look(&stage, &format!("{BATCHES}?name=import&status=failed")).await;
    assert_eq!(page["batches"][0]["batch_id"], stored["batch_id"]);
    assert_eq!(page["batches"][0]["members"]["failed"], 1);
}

#[tokio::test]
async fn chunks_are_seen_all_at_once_by_the_seal() {
    let stage = Stage::new().await;
    let opened = stage.ask("POST", &format!("{BATCHES}?open=true"), r#"{"name":"big"}"#).await;
    assert_eq!(opened.status, 201, "{opened:?}");
    let path = format!("{BATCHES}/{}", id(&opened.json()));
    let tasks =
        |n: u32| json!({ "tasks": vec![json!({ "task_type": "t", "payload": n }); n as usize] });
    let put = async |chunk: &str, n: u32| {
        stage.ask("PUT", &format!("{path}/chunks/{chunk}"), &tasks(n).to_string()).await
    };
    assert_eq!(put("0", 2).await.json(), json!({ "total": 2 }));
    assert_eq!(put("1", 5).await.json(), json!({ "total": 7 }));
    // Sent again, because an answer was lost.
    assert_eq!(put("1", 3).await.json(), json!({ "total": 5 }));
    assert_eq!(put("x", 1).await.problem().2.as_deref(), Some("chunk"));
    let wrong =
        stage.ask("PUT", &format!("{path}/chunks/2"), r#"{"tasks":[{},{"priority":9}]}"#).await;
    assert_eq!(wrong.problem().2.as_deref(), Some("tasks[1].priority"));

    for gone in [&path, &format!("{path}/events")] {
        assert_eq!(stage.ask("GET", gone, "").await.problem().1, "batch_not_found");
    }
    assert_eq!(look(&stage, "/api/v1/tasks/count").await["count"], 0);
    assert_eq!(look(&stage, BATCHES).await["batches"], json!([]));
    assert!(lease(&stage.client, "t").await.is_none());
    let other = [("windlass-tenant", "other")];
    let foreign =
        stage.ask_with("PUT", &format!("{path}/chunks/9"), &other, &tasks(1).to_string()).await;
    assert_eq!(foreign.problem().1, "batch_not_found");
    let foreign = stage.ask_with("POST", &format!("{path}/seal"), &other, "").await;
    assert_eq!(foreign.problem().1, "batch_not_found");

    let sealed = stage.ask("POST", &format!("{path}/seal"), "").await;
    assert_eq!(sealed.status, 201, "{sealed:?}");
    let sealed = sealed.json();
    assert_eq!(sealed["submissions"].as_array().unwrap().len(), 5);
    let payloads: Vec<Value> = {
        let page = look(&stage, &format!("/api/v1/tasks?batch_id={}", id(&sealed))).await;
        page["tasks"].as_array().unwrap().iter().rev().map(|task| task["payload"].clone()).collect()
    };
    assert_eq!(payloads, [json!(2), json!(2), json!(3), json!(3), json!(3)]);
    assert_eq!(look(&stage, &path).await["counts"], json!({ "pending": 5 }));

    // Sealed is sealed; who lost the answer says so and is given it.
    assert_eq!(put("3", 1).await.problem().1, "batch_not_found");
    let twice = stage.ask("POST", &format!("{path}/seal"), "{}").await;
    assert_eq!((twice.status, &twice.json()["deduplicated"]), (200, &json!(true)));
    let again = stage.ask("POST", &format!("{path}/seal"), r#"{"again":true}"#).await;
    assert_eq!(again.status, 201, "as the first answer");
    let ids = |answer: &Value| -> Vec<Value> {
        answer["submissions"].as_array().unwrap().iter().map(|one| one["task_id"].clone()).collect()
    };
    assert_eq!(again.json(), sealed);
    assert_eq!(ids(&twice.json()), ids(&sealed));
    let never = format!("{BATCHES}/019a0d5e-8f6b-7000-8000-000000000001/seal");
    assert_eq!(stage.ask("POST", &never, r#"{"again":true}"#).await.problem().1, "batch_not_found");
}

#[tokio::test]
async fn a_key_stands_for_the_whole_batch() {
    let stage = Stage::new().await;
    let body = r#"{"tasks":[{"task_type":"t","payload":1},{"task_type":"t","payload":2}]}"#;
    let key = [("idempotency-key", "b-1")];
    let first = stage.ask_with("POST", BATCHES, &key, body).await;
    let second = stage.ask_with("POST", BATCHES, &key, body).await;
    assert_eq!((first.status, second.status), (201, 200));
    let (first, second) = (first.json(), second.json());
    assert_eq!((&second["batch_id"], &second["deduplicated"]), (&first["batch_id"], &json!(true)));
    let ids = |answer: &Value| -> Vec<Value> {
        answer["submissions"].as_array().unwrap().iter().map(|one| one["task_id"].clone()).collect()
    };
    assert_eq!(ids(&first), ids(&second));
    let other = stage.ask_with("POST", BATCHES, &key, r#"{"tasks":[{"task_type":"t"}]}"#).await;
    assert_eq!(other.problem().0, 422);
    assert_eq!(look(&stage, "/api/v1/tasks/count").await["count"], 2);
}

#[tokio::test]
async fn an_empty_batch_is_completed_and_a_wrong_one_is_refused() {
    let stage = Stage::new().await;
    let empty = stage.ask("POST", BATCHES, r#"{"tasks":[]}"#).await;
    assert_eq!(empty.status, 201, "{empty:?}");
    let batch = look(&stage, &format!("{BATCHES}/{}", id(&empty.json()))).await;
    assert_eq!((&batch["status"], &batch["total"]), (&json!("completed"), &json!(0)));
    for (path, body, field) in [
        ("", "{}", "tasks"),
        ("", r#"{"tasks":[{},7]}"#, "tasks[1]"),
        ("", r#"{"tasks":[],"on_success":{"queue":""}}"#, "on_success.queue"),
        ("", r#"{"tasks":[],"on_success":{"idempotency_key":"k"}}"#, "on_success.idempotency_key"),
        ("", r#"{"tasks":[],"names":"n"}"#, "names"),
        ("?open=true", r#"{"tasks":[{}]}"#, "tasks"),
        ("?open=1", "{}", "open"),
    ] {
        let reply = stage.ask("POST", &format!("{BATCHES}{path}"), body).await;
        assert_eq!(reply.problem(), (400, "invalid_argument".into(), Some(field.into())), "{body}");
    }
    assert_eq!(look(&stage, BATCHES).await["batches"].as_array().unwrap().len(), 1);
}

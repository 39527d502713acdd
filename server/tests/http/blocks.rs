//! Durable blocks and states over HTTP.

use serde_json::{Value, json};
use windlass::{Outcome, Payload};

use crate::act::{complete, fail, lease, perform};
use crate::raw::Stage;

const EXECUTE: &str = "/api/v1/parallel/execute";

fn block(strategy: &str, steps: usize) -> Value {
    json!({ "name": "b", "strategy": strategy, "task_type": "t", "retry": { "max_retries": 0 },
        "steps": (0..steps).map(|n| json!({ "n": n })).collect::<Vec<_>>() })
}

// REST-01, REST-03, REST-05
#[tokio::test]
async fn a_block_is_judged_by_its_strategy_and_answers_the_documents_shape() {
    let stage = Stage::new().await;
    let reply = stage.ask("POST", EXECUTE, &block("all", 2).to_string()).await;
    assert_eq!(reply.status, 201, "{reply:?}");
    let stored = reply.json();
    assert_eq!(stored["status"], "running");
    let id = stored["task_id"].as_str().unwrap().to_owned();
    perform(&stage.client, "t", complete(json!("a"))).await;
    let standing = stage.ask("GET", &format!("/api/v1/parallel/{id}"), "").await.json();
    assert_eq!(
        (&standing["overall_status"], &standing["completed_tasks"]),
        (&json!("running"), &json!(1))
    );
    perform(&stage.client, "t", fail("boom")).await;

    let status = stage.ask("GET", &format!("/api/v1/tasks/{id}/status"), "").await.json();
    assert_eq!((&status["task_id"], &status["status"]), (&json!(id), &json!("completed")));
    let result = &status["result"];
    assert_eq!((&result["overall_status"], &result["total_tasks"]), (&json!("partial"), &json!(2)));
    assert_eq!(result["results"][0]["result"], "a");
    assert_eq!(result["results"][1]["error_message"], "boom");
    let task = stage.ask("GET", &format!("/api/v1/tasks/{id}?wait=5"), "").await.json();
    assert_eq!(&task["result"], result);
}

// REST-05, PAR-13
#[tokio::test]
async fn a_wait_holds_the_answer_until_the_verdict() {
    let stage = Stage::new().await;
    let mut raw = stage.connect().await;
    raw.send("POST", &format!("{EXECUTE}?wait=30"), &[], &block("any_success", 3).to_string())
        .await;
    let leased = async {
        loop {
            if let Some(leased) = lease(&stage.client, "t").await {
                return leased;
            }
            tokio::task::yield_now().await;
        }
    };
    let first = tokio::time::timeout(crate::raw::PATIENCE, leased).await.expect("a step waits");
    perform(&stage.client, "t", complete(json!(7))).await;
    let reply = raw.reply().await;
    assert_eq!(reply.status, 201, "{reply:?}");
    let answer = reply.json();
    assert_eq!((&answer["status"], &answer["deduplicated"]), (&json!("completed"), &json!(false)));
    assert!(answer["execution_time"].as_f64().unwrap() >= 0.0);
    let steps: Vec<&Value> = answer["result"]["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| &step["status"])
        .collect();
    assert_eq!(steps, ["cancelled", "completed", "cancelled"]);
    // The loser that ran was asked to stop.
    let loser = stage.ask("GET", &format!("/api/v1/tasks/{}", first.task.task_id), "").await.json();
    assert_eq!((&loser["status"], &loser["cancel_requested"]), (&json!("running"), &json!(true)));

    // One that fails answers its result, too; one that has no time is told as it stands.
    let failed =
        stage.ask("POST", &format!("{EXECUTE}?wait=0.05"), &block("race", 1).to_string()).await;
    assert_eq!((failed.status, &failed.json()["status"]), (201, &json!("running")));
    perform(&stage.client, "t", fail("boom")).await;
    let path = format!("/api/v1/tasks/{}/status", failed.json()["task_id"].as_str().unwrap());
    let status = stage.ask("GET", &path, "").await.json();
    assert_eq!(
        (&status["status"], &status["result"]["overall_status"]),
        (&json!("failed"), &json!("failed"))
    );
    assert!(status["error"].is_string());
}

// PAR-10..PAR-14, PAR-26: the documents' keys, and `custom`, whose function cannot travel.
#[tokio::test]
async fn a_block_has_the_documents_keys_and_what_is_wrong_is_named() {
    let stage = Stage::new().await;
    let body = json!({ "name": "b", "strategy": "throttled", "steps": [1], "max_concurrency": 2,
        "timeout_seconds": 30.0, "distribution_policy": "local_first", "enable_caching": true,
        "rate_per_second": 5 });
    let reply = stage.ask("POST", EXECUTE, &body.to_string()).await;
    assert_eq!(reply.status, 201, "{reply:?}");
    let empty =
        stage.ask("POST", &format!("{EXECUTE}?wait=5"), r#"{"strategy":"all","steps":[]}"#).await;
    assert_eq!(
        (&empty.json()["status"], &empty.json()["result"]["overall_status"]),
        (&json!("completed"), &json!("completed"))
    );
    for (change, field) in [
        (json!({ "strategy": "custom" }), "strategy"),
        (json!({ "strategy": "some" }), "strategy"),
        (json!({ "max_concurrency": 0 }), "max_concurrency"),
        (json!({ "max_concurrency": -1 }), "max_concurrency"),
        (json!({ "strategy": "quorum", "quorum": 5 }), "quorum"),
        (json!({ "steps": 7 }), "steps"),
        (json!({ "step": [] }), "step"),
        (json!({ "timeout_seconds": -1 }), "timeout_seconds"),
        (json!({ "retry": { "max_retries": 5000 } }), "max_retries"),
        (json!({ "queue": "" }), "queue"),
    ] {
        let mut body = block("all", 3);
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let reply = stage.ask("POST", EXECUTE, &body.to_string()).await;
        let (status, code, named) = reply.problem();
        assert_eq!((status, code.as_str()), (400, "invalid_argument"), "{body}");
        assert!(named.as_deref().is_some_and(|named| named.ends_with(field)), "{body}: {named:?}");
    }
    let twice = stage.ask("POST", EXECUTE, r#"{"steps":[{"a":1,"a":2}]}"#).await;
    assert_eq!(twice.problem().2.as_deref(), Some("steps[0]"));
    let without = stage.ask("POST", EXECUTE, r#"{"strategy":"all"}"#).await;
    assert_eq!(without.problem(), (400, "invalid_argument".into(), Some("steps".into())));
}

#[tokio::test]
async fn a_block_with_large_results_is_answered_and_followed_without_them() {
    let stage = Stage::new().await;
    let (key, body) = ([("idempotency-key", "k")], block("all", 33).to_string());
    let stored = stage.ask_with("POST", EXECUTE, &key, &body).await;
    assert_eq!(stored.status, 201, "{stored:?}");
    let id = stored.json()["task_id"].as_str().unwrap().to_owned();
    for _ in 0..33 {
        perform(&stage.client, "t", complete(json!("x".repeat((1 << 20) - 2)))).await;
    }
    let status = stage.ask("GET", &format!("/api/v1/tasks/{id}"), "").await.problem();
    assert_eq!(status, (413, "payload_too_large".into(), Some("result".into())));
    let again = stage.ask_with("POST", &format!("{EXECUTE}?wait=5"), &key, &body).await;
    assert_eq!(again.status, 200, "{again:?}");
    let again = again.json();
    assert_eq!((&again["status"], &again["result"]), (&json!("completed"), &Value::Null));
    assert!(again["error"].as_str().unwrap().contains("one by one"), "{again}");
    let mut raw = stage.connect().await;
    raw.send("GET", &format!("/api/v1/tasks/{id}/events"), &[], "").await;
    let text = raw.until("\r\n0\r\n\r\n").await;
    let end = text.lines().rfind(|line| line.starts_with("data:")).unwrap();
    assert!(end.contains("\"completed\"") && end.len() < 1_000, "{end}");
}

#[tokio::test]
async fn a_block_has_a_key_a_tenant_and_can_be_cancelled() {
    let stage = Stage::new().await;
    let key = [("idempotency-key", "k")];
    let body = block("all", 2).to_string();
    let first = stage.ask_with("POST", EXECUTE, &key, &body).await;
    let second = stage.ask_with("POST", EXECUTE, &key, &body).await;
    assert_eq!((first.status, second.status), (201, 200));
    assert_eq!(
        (&first.json()["task_id"], &second.json()["deduplicated"]),
        (&second.json()["task_id"], &json!(true))
    );
    let id = first.json()["task_id"].as_str().unwrap().to_owned();
    let other = [("windlass-tenant", "other")];
    let foreign = stage.ask_with("GET", &format!("/api/v1/parallel/{id}"), &other, "").await;
    assert_eq!(foreign.problem().1, "task_not_found");
    let plain = stage.ask("POST", "/api/v1/tasks", "{}").await.json()["task_id"].clone();
    let plain = format!("/api/v1/parallel/{}", plain.as_str().unwrap());
    assert_eq!(stage.ask("GET", &plain, "").await.problem().1, "task_not_found");
    let cancelled = stage.ask("POST", &format!("/api/v1/tasks/{id}/cancel"), "").await.json();
    assert_eq!(cancelled["status"], "cancelled");
    let result = stage.ask("GET", &format!("/api/v1/parallel/{id}"), "").await.json();
    assert_eq!(
        (&result["overall_status"], &result["cancelled_tasks"]),
        (&json!("cancelled"), &json!(2))
    );
}

// STA-01, STA-02, STA-03
#[tokio::test]
async fn a_state_is_read_under_its_key() {
    let stage = Stage::new().await;
    let path = "/api/v1/states/a%2Fb%20c";
    let none = stage.ask("GET", path, "").await;
    assert_eq!(
        (none.status, none.json()),
        (200, json!({ "state_key": "a/b c", "exists": false, "state": null }))
    );
    let record = r#"{"task_type":"stateful","payload":{"function":"f"},"state_key":"a/b c","initial_state":{"n":1}}"#;
    let first = stage.ask("POST", "/api/v1/tasks", record).await.json();
    let second = stage
        .ask(
            "POST",
            "/api/v1/tasks",
            r#"{"task_type":"stateful","payload":{"function":"f"},"state_key":"a/b c"}"#,
        )
        .await;
    assert_eq!(
        (&first["status"], &second.json()["status"]),
        (&json!("pending"), &json!("blocked"))
    );
    let outcome = |n: i32| Outcome::Complete {
        result: Payload::null(),
        state: Some(Payload::from(json!({ "n": n }))),
    };
    perform(&stage.client, "f", outcome(2)).await;
    assert_eq!(stage.ask("GET", path, "").await.json()["state"], json!({ "n": 2 }));
    let leased = lease(&stage.client, "f").await.expect("the next one's turn");
    assert_eq!(leased.state.as_ref().map(Payload::as_str), Some(r#"{"n":2}"#));
    let other = [("windlass-tenant", "other")];
    assert_eq!(stage.ask_with("GET", path, &other, "").await.json()["exists"], false);
}

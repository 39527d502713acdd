//! Tasks: submitted, read, leased and settled over HTTP.

use serde_json::{Value, json};

use crate::raw::Stage;

/// A task that was leased by `worker`, as the server answered it.
async fn leased(stage: &Stage, worker: &str) -> Value {
    let body = json!({ "worker": worker, "queues": ["default"], "handlers": ["t"], "limit": 1,
        "lease_seconds": 60 });
    let reply = stage.ask("POST", "/api/v1/leases", &body.to_string()).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()["tasks"][0].clone()
}

// REST-02, REST-03, REST-05: how a task stands, in the documents' shape.
#[tokio::test]
async fn a_task_is_submitted_leased_settled_and_read() {
    let stage = Stage::new().await;
    let record = r#"{"task_type":"t","payload":{"a":1e2},"labels":{"n":1}}"#;
    let reply = stage.ask("POST", "/api/v1/tasks", record).await;
    assert_eq!(reply.status, 201, "{reply:?}");
    assert!(reply.header("x-request-id").is_some_and(|id| id.len() == 25));
    assert!(reply.header("windlass-time").is_some_and(|time| time.ends_with('Z')));
    let submitted = reply.json();
    assert_eq!(
        (&submitted["status"], &submitted["deduplicated"]),
        (&json!("pending"), &json!(false))
    );
    let id = submitted["task_id"].as_str().unwrap().to_owned();

    let held = leased(&stage, "w").await;
    assert_eq!(held["task"]["task_id"], id);
    assert!(reply_text(&stage, &id).await.contains(r#""payload":{"a":1e2}"#));
    let settle = json!({ "settles": [{ "task_id": id, "token": held["token"],
        "outcome": "complete", "result": { "ok": true } }] });
    let settled = stage.ask("POST", "/api/v1/leases/settle", &settle.to_string()).await.json();
    assert_eq!(settled["settled"][0], json!({ "task_id": id, "status": "completed" }));

    let status = stage.ask("GET", &format!("/api/v1/tasks/{id}/status"), "").await.json();
    assert_eq!(status["status"], "completed");
    assert_eq!(status["result"], json!({ "ok": true }));
    assert_eq!(status["progress"], 100.0);
    assert!(status["execution_time"].is_number());
    // Settled again it is told apart, and changes nothing.
    let again = stage.ask("POST", "/api/v1/leases/settle", &settle.to_string()).await.json();
    assert_eq!(again["settled"][0]["error"]["code"], "lease_lost");
}

async fn reply_text(stage: &Stage, id: &str) -> String {
    let reply = stage.ask("GET", &format!("/api/v1/tasks/{id}"), "").await;
    assert_eq!(reply.status, 200);
    String::from_utf8(reply.body).unwrap()
}

#[tokio::test]
async fn a_key_in_the_header_is_the_key_of_the_body() {
    let stage = Stage::new().await;
    let record = r#"{"task_type":"t","payload":1}"#;
    let key = [("idempotency-key", "\"a\\\"b\"")];
    let first = stage.ask_with("POST", "/api/v1/tasks", &key, record).await;
    let second = stage.ask_with("POST", "/api/v1/tasks", &key, record).await;
    let body = r#"{"task_type":"t","payload":1,"idempotency_key":"a\"b"}"#;
    let third = stage.ask("POST", "/api/v1/tasks", body).await;
    assert_eq!((first.status, second.status, third.status), (201, 200, 200));
    assert_eq!(first.json()["task_id"], third.json()["task_id"]);
    let twice = [("idempotency-key", "c"), ("idempotency-key", "d")];
    let reply = stage.ask_with("POST", "/api/v1/tasks", &twice, record).await;
    assert_eq!(reply.problem().2.as_deref(), Some("idempotency_key"));
    let other = stage.ask_with("POST", "/api/v1/tasks", &[("idempotency-key", "c")], body).await;
    assert_eq!(
        other.problem(),
        (400, "invalid_argument".to_owned(), Some("idempotency_key".to_owned()))
    );
    let conflict = stage.ask_with("POST", "/api/v1/tasks", &key, r#"{"task_type":"t"}"#).await;
    assert_eq!(conflict.problem().0, 422);
}

#[tokio::test]
async fn tenants_see_nothing_of_each_other() {
    let stage = Stage::new().await;
    let id = stage.ask("POST", "/api/v1/tasks", "{}").await.json()["task_id"].clone();
    let path = format!("/api/v1/tasks/{}", id.as_str().unwrap());
    assert_eq!(stage.ask("GET", &path, "").await.status, 200);
    let other = [("windlass-tenant", "other")];
    assert_eq!(stage.ask_with("GET", &path, &other, "").await.problem().1, "task_not_found");
    let page = stage.ask_with("GET", "/api/v1/tasks", &other, "").await.json();
    assert_eq!(page, json!({ "tasks": [], "next": null }));
    let bad = [("windlass-tenant", "")];
    assert_eq!(stage.ask_with("GET", &path, &bad, "").await.problem().2.as_deref(), Some("tenant"));
    // What stands before the server may have added its own to the caller's.
    for twice in [["other", "default"], ["default", "default"]] {
        let twice = twice.map(|name| ("windlass-tenant", name));
        let reply = stage.ask_with("GET", &path, &twice, "").await;
        assert_eq!(reply.problem(), (400, "invalid_argument".into(), Some("tenant".into())));
    }
}

#[tokio::test]
async fn a_batch_is_stored_read_and_cancelled() {
    let stage = Stage::new().await;
    let body = r#"{"tasks":[{"task_type":"t"},{"task_type":"t"}]}"#;
    let stored = stage.ask("POST", "/api/v1/batches", body).await;
    assert_eq!(stored.status, 201);
    let id = stored.json()["submissions"][1]["batch_id"].as_str().unwrap().to_owned();
    let batch = stage.ask("GET", &format!("/api/v1/batches/{id}"), "").await.json();
    assert_eq!((&batch["total"], &batch["status"]), (&json!(2), &json!("pending")));
    let batch = stage.ask("POST", &format!("/api/v1/batches/{id}/cancel"), "{}").await.json();
    assert_eq!(batch["status"], "cancelled");
    let none = stage.ask("GET", "/api/v1/batches/none", "").await;
    assert_eq!((none.problem().0, none.problem().1.as_str()), (404, "batch_not_found"));
}

#[tokio::test]
async fn a_queue_is_paused_and_goes_on() {
    let stage = Stage::new().await;
    stage.ask("POST", "/api/v1/tasks", r#"{"task_type":"t"}"#).await;
    let paused = stage.ask("POST", "/api/v1/queues/default/pause", "").await.json();
    assert_eq!((&paused["paused"], &paused["depth"]), (&json!(true), &json!(1)));
    assert!(leased(&stage, "w").await.is_null());
    stage.ask("POST", "/api/v1/queues/default/resume", "").await;
    assert!(leased(&stage, "w").await.is_object());
    let queues = stage.ask("GET", "/api/v1/queues", "").await.json();
    assert_eq!(queues["queues"][0]["queue"], "default");
    let unused = stage.ask("GET", "/api/v1/queues/a%2Fb%20c", "").await.json();
    assert_eq!(unused["queue"], "a/b c");
}

#[tokio::test]
async fn a_worker_is_announced_and_forgotten() {
    let stage = Stage::new().await;
    let body = json!({ "worker_id": "w", "queues": ["default"], "handlers": ["t"], "concurrency": 2,
        "host": "h" });
    assert_eq!(stage.ask("POST", "/api/v1/workers", &body.to_string()).await.status, 204);
    let live = stage.ask("GET", "/api/v1/workers", "").await.json();
    assert_eq!(live["workers"][0]["worker_id"], "w");
    assert_eq!(stage.ask("GET", "/api/v1/workers/w", "").await.json()["concurrency"], 2);
    for _ in 0..2 {
        assert_eq!(stage.ask("DELETE", "/api/v1/workers/w", "").await.status, 204);
    }
    assert_eq!(stage.ask("GET", "/api/v1/workers/w", "").await.problem().1, "api_error");
    let many: Vec<String> = (0..10_001).map(|n| format!("h{n}")).collect();
    for (field, value) in [
        ("host", json!("h".repeat(513))),
        ("handlers", json!(["h".repeat(129)])),
        ("handlers", json!(many)),
        ("queues", json!(many)),
    ] {
        let mut body = body.clone();
        body[field] = value;
        let reply = stage.ask("POST", "/api/v1/workers", &body.to_string()).await;
        assert_eq!(reply.problem().2.as_deref(), Some(field));
    }
    let none = stage.ask("GET", "/api/v1/workers", "").await.json();
    assert_eq!(none["workers"], json!([]), "what is refused changes nothing");
}

// REST-04, REST-05: the words of every end.
#[tokio::test]
async fn every_end_has_its_word() {
    let stage = Stage::new().await;
    let submit = async || {
        let body = r#"{"task_type":"t","max_retries":0}"#;
        let reply = stage.ask("POST", "/api/v1/tasks", body).await;
        reply.json()["task_id"].as_str().unwrap().to_owned()
    };
    let status = async |id: &str| {
        let reply = stage.ask("GET", &format!("/api/v1/tasks/{id}/status"), "").await;
        reply.json()
    };
    let failed = submit().await;
    assert_eq!(status(&failed).await["status"], "pending");
    let held = leased(&stage, "w").await;
    assert_eq!(status(&failed).await["status"], "running");
    let error = json!({ "code": "handler_error", "message": "no such file" });
    let settle = json!({ "settles": [{ "task_id": failed, "token": held["token"],
        "outcome": "fail", "error": error, "started_seconds_ago": 1.5 }] });
    stage.ask("POST", "/api/v1/leases/settle", &settle.to_string()).await;
    let told = status(&failed).await;
    assert_eq!((&told["status"], &told["error"]), (&json!("failed"), &json!("no such file")));
    assert_eq!(told["error_details"]["code"], "handler_error");
    assert!(told["execution_time"].as_f64().unwrap() >= 1.5);
    let again = stage.ask("POST", &format!("/api/v1/tasks/{failed}/retry"), "").await;
    assert_eq!(again.json()["status"], "pending");
    let twice = stage.ask("POST", &format!("/api/v1/tasks/{failed}/retry"), "{}").await;
    assert_eq!((twice.status, twice.problem().1.as_str()), (409, "invalid_transition"));
    let cancelled = stage.ask("POST", &format!("/api/v1/tasks/{failed}/cancel"), "").await;
    assert_eq!(cancelled.json()["status"], "cancelled");
    assert_eq!(status(&failed).await["status"], "cancelled");
}

/// Stores `count` tasks of `bytes` each; their ids.
async fn stored(stage: &Stage, count: usize, bytes: usize) -> Vec<String> {
    let payload =
        windlass::Payload::new("payload", format!("{:?}", "x".repeat(bytes - 2))).unwrap();
    let specs = vec![windlass::TaskSpec::new("t", payload); count];
    let stored = stage.client.submit_many(specs, Default::default()).await.unwrap();
    stored.iter().map(|one| one.task_id.to_string()).collect()
}

#[tokio::test]
async fn an_answer_is_never_larger_than_a_server_affords() {
    let stage = Stage::new().await;
    let id = stored(&stage, 1, 1 << 20).await.remove(0);
    for path in ["/api/v1/tasks/find", "/api/v1/tasks/wait"] {
        // One task that is asked for ever again would fill the memory.
        for (count, status) in [(3, 200), (64, 413), (100_000, 413)] {
            let mut body = json!({ "task_ids": vec![&id; count] });
            if path.ends_with("wait") {
                body["fail_fast"] = json!(false);
                body["wait_seconds"] = json!(0);
            }
            let reply = stage.ask("POST", path, &body.to_string()).await;
            assert_eq!(reply.status, status, "{path} {count}");
            match status {
                200 => assert_eq!(reply.json()["tasks"].as_array().unwrap().len(), count),
                _ => {
                    let told = ("payload_too_large".to_owned(), Some("task_ids".to_owned()));
                    assert_eq!((reply.problem().1, reply.problem().2), told);
                }
            }
        }
    }
}

#[tokio::test]
async fn a_page_of_large_tasks_ends_early() {
    let stage = Stage::new().await;
    let ids = stored(&stage, 130, 400 << 10).await;
    let (mut seen, mut pages, mut cursor) = (Vec::new(), 0, String::new());
    loop {
        let path = format!("/api/v1/tasks?limit=1000{cursor}");
        let page = stage.ask("GET", &path, "").await.json();
        let tasks = page["tasks"].as_array().unwrap();
        seen.extend(tasks.iter().map(|task| task["task_id"].as_str().unwrap().to_owned()));
        pages += 1;
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    seen.reverse();
    assert_eq!((seen, pages), (ids, 2));
}

#[tokio::test]
async fn a_page_of_small_tasks_is_full() {
    let stage = Stage::new().await;
    let ids = stored(&stage, 350, 10).await;
    let page = stage.ask("GET", "/api/v1/tasks?limit=320", "").await.json();
    let seen: Vec<&str> =
        page["tasks"].as_array().unwrap().iter().map(|t| t["task_id"].as_str().unwrap()).collect();
    assert_eq!(seen, ids.iter().rev().take(320).collect::<Vec<_>>());
    let next = page["next"].as_str().unwrap();
    let path = format!("/api/v1/tasks?limit=320&cursor={next}");
    let rest = stage.ask("GET", &path, "").await.json();
    assert_eq!((rest["tasks"].as_array().unwrap().len(), &rest["next"]), (30, &json!(null)));
}

#[tokio::test]
async fn tasks_that_match_are_counted_cancelled_and_run_again() {
    let stage = Stage::new().await;
    for label in ["a", "a", "b"] {
        let record = json!({ "task_type": "t", "labels": { "of": label } });
        stage.ask("POST", "/api/v1/tasks", &record.to_string()).await;
    }
    let all = stage.ask("GET", "/api/v1/tasks/count", "").await;
    assert_eq!((all.status, all.json()), (200, json!({ "count": 3, "exact": true })));
    let some = stage.ask("GET", "/api/v1/tasks/count?label.of=a&most=1", "").await;
    assert_eq!(some.json(), json!({ "count": 1, "exact": false }));
    let past = stage.ask("GET", "/api/v1/tasks/count?until=2000-01-01T00:00:00Z", "").await;
    assert_eq!(past.json(), json!({ "count": 0, "exact": true }));

    let one = stage.ask("POST", "/api/v1/tasks/cancel?label.of=a", r#"{"most":1}"#).await;
    let (status, one) = (one.status, one.json());
    assert_eq!((status, &one["changed"], &one["more"]), (200, &json!(1), &json!(true)));
    let on = json!({ "cursor": one["next"] }).to_string();
    let rest = stage.ask("POST", "/api/v1/tasks/cancel?label.of=a", &on).await;
    assert_eq!(rest.json(), json!({ "changed": 1, "more": false }));
    let again = stage.ask("POST", "/api/v1/tasks/retry?status=cancelled", "{}").await;
    assert_eq!(again.json(), json!({ "changed": 2, "more": false }));
    let pending = stage.ask("GET", "/api/v1/tasks/count?status=pending&queue=default", "").await;
    assert_eq!(pending.json()["count"], 3);

    for (method, path, body, field) in [
        ("POST", "/api/v1/tasks/cancel", "", "filter"),
        ("POST", "/api/v1/tasks/retry", r#"{"most":5}"#, "filter"),
        ("POST", "/api/v1/tasks/cancel?queue=default", r#"{"most":0}"#, "most"),
        ("POST", "/api/v1/tasks/cancel?queue=default", r#"{"most":10001}"#, "most"),
        ("POST", "/api/v1/tasks/cancel?limit=5", "", "limit"),
        ("GET", "/api/v1/tasks/count?most=0", "", "most"),
        ("GET", "/api/v1/tasks?until=yesterday", "", "until"),
    ] {
        let reply = stage.ask(method, path, body).await;
        let (status, code, named) = reply.problem();
        assert_eq!((status, code.as_str()), (400, "invalid_argument"), "{method} {path} {body}");
        assert_eq!(named.as_deref(), Some(field), "{method} {path} {body}");
    }
    let pending = stage.ask("GET", "/api/v1/tasks/count?status=pending", "").await;
    assert_eq!(pending.json()["count"], 3, "what is refused changes nothing");
}

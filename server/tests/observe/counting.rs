//! Tasks driven through a server, and the numbers that follow from it.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::AsyncReadExt;

use crate::stage::{BOTH, Kind, Stage};

fn outcome(leased: &Value, outcome: &str, more: Value) -> Value {
    let mut settle = json!({
        "task_id": leased["task"]["task_id"], "token": leased["token"], "outcome": outcome,
    });
    settle.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    settle
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_written_is_counted_and_timed() {
    for kind in BOTH {
        count_and_time(kind).await;
    }
}

async fn count_and_time(kind: Kind) {
    let stage = Stage::new(kind).await;
    // Three tasks of one queue at once, two of another, one of them twice by its key, and once refused.
    let mail = json!({"task_type": "send", "queue": "mail", "payload": {"to": "a"}});
    stage.post("/api/v1/tasks/bulk", json!({"tasks": [mail, mail, mail]})).await;
    let bulk = json!({"task_type": "send", "queue": "bulk", "payload": 1});
    stage.post("/api/v1/tasks", bulk).await;
    let mut keyed = json!({
        "task_type": "send", "queue": "bulk", "payload": 2, "idempotency_key": "k",
    });
    stage.post("/api/v1/tasks", keyed.clone()).await;
    stage.post("/api/v1/tasks", keyed.clone()).await;
    keyed["payload"] = json!(3);
    assert_eq!(stage.ask("POST", "/api/v1/tasks", Some(keyed)).await.status, 422);

    stage.pass(4.0);
    let scrape = stage.scrape().await;
    let submitted = |queue| scrape.value("windlass_tasks_submitted_total", &[("queue", queue)]);
    let again = |queue| scrape.value("windlass_tasks_deduplicated_total", &[("queue", queue)]);
    assert_eq!((submitted("mail"), submitted("bulk")), (3.0, 2.0), "{kind:?}");
    assert_eq!((again("mail"), again("bulk")), (0.0, 1.0), "{kind:?}");
    let depth = |queue, status| {
        scrape.value("windlass_queue_depth", &[("queue", queue), ("status", status)])
    };
    assert_eq!((depth("mail", "pending"), depth("bulk", "pending")), (3.0, 2.0), "{kind:?}");
    assert_eq!((depth("mail", "running"), depth("bulk", "blocked")), (0.0, 0.0), "{kind:?}");
    assert_eq!(scrape.value("windlass_queue_oldest_seconds", &[("queue", "mail")]), 4.0);
    assert_eq!(scrape.value("windlass_last_lease_timestamp_seconds", &[]), 0.0);
    assert_eq!(scrape.value("windlass_task_wait_seconds_count", &[]), 0.0);

    // Five tasks that were due for 4 s each.
    let leased = stage.lease("w", "send").await;
    let leased_at = stage.now().as_millis() as f64 / 1000.0;
    let [a, b, c, d, e] = &leased[..] else { panic!("{kind:?} {leased:?}") };
    let start = json!({
        "task_id": a["task"]["task_id"], "token": a["token"], "started_seconds_ago": 1.5,
    });
    stage.post("/api/v1/leases/renew", json!({"renewals": [start]})).await;
    stage.pass(2.5);
    let error =
        |retryable| json!({"code": "handler_error", "message": "no", "retryable": retryable});
    let settles = json!({"settles": [
        // Told its start 1.5 s before the 2.5 s that passed: 4 s.
        outcome(a, "complete", json!({"result": null})),
        // Measured its run itself: 0.25 s.
        outcome(b, "complete", json!({"started_seconds_ago": 0.25})),
        // 1 s, and another attempt.
        outcome(c, "fail", json!({"started_seconds_ago": 1.0, "error": error(true)})),
        // Said nothing of its start: 2.5 s since the lease. The end of it.
        outcome(d, "fail", json!({"error": error(false)})),
    ]});
    stage.post("/api/v1/leases/settle", settles).await;
    // Once more with a token that is spent: refused, and not counted.
    let stale = json!({"settles": [outcome(a, "complete", json!({}))]});
    let stale = stage.post("/api/v1/leases/settle", stale).await;
    assert_eq!(stale["settled"][0]["error"]["code"], "lease_lost");

    let scrape = stage.scrape().await;
    let finished = |queue, status| {
        scrape.value("windlass_tasks_finished_total", &[("queue", queue), ("status", status)])
    };
    assert_eq!(finished("mail", "completed"), 2.0, "{kind:?}");
    assert_eq!(finished("bulk", "failed"), 1.0, "{kind:?}");
    assert_eq!(scrape.sum("windlass_tasks_finished_total"), 3.0, "{kind:?}");
    assert_eq!(scrape.value("windlass_task_retries_total", &[]), 1.0, "{kind:?}");
    assert_eq!(scrape.value("windlass_leases_expired_total", &[]), 0.0, "{kind:?}");
    let histogram = |name: &str| {
        let value = |part: &str| scrape.value(&format!("{name}_{part}"), &[]);
        let below = |le| scrape.value(&format!("{name}_bucket"), &[("le", le)]);
        (value("count"), value("sum"), below("2.5"), below("5.0"))
    };
    assert_eq!(histogram("windlass_task_wait_seconds"), (5.0, 20.0, 0.0, 5.0), "{kind:?}");
    // 4 + 0.25 + 1 + 2.5; a bound belongs to its bucket.
    assert_eq!(histogram("windlass_task_run_seconds"), (4.0, 7.75, 3.0, 4.0), "{kind:?}");
    assert_eq!(scrape.value("windlass_last_lease_timestamp_seconds", &[]), leased_at);
    let dead = |queue| scrape.value("windlass_queue_dead_letters", &[("queue", queue)]);
    assert_eq!((dead("bulk"), dead("mail")), (1.0, 0.0), "{kind:?}");

    // The worker of the fifth is lost; the third is due again by then.
    stage.pass(61.0);
    let swept = stage.post("/api/v1/sweep", json!({})).await;
    assert_eq!((swept["promoted"].as_u64(), swept["rescued"].as_u64()), (Some(1), Some(1)));
    // The rescued one is leased alone after 67.5 s, and given back: no run, no outcome.
    let leased = stage.lease("w", "send").await;
    assert_eq!(leased.len(), 1, "{kind:?}");
    assert_eq!(leased[0]["task"]["task_id"], e["task"]["task_id"]);
    let back = json!({"settles": [outcome(&leased[0], "hand_back", json!({}))]});
    stage.post("/api/v1/leases/settle", back).await;
    let third = c["task"]["task_id"].as_str().unwrap();
    stage.post(&format!("/api/v1/tasks/{third}/cancel"), json!({})).await;
    stage.post("/api/v1/queues/mail/pause", json!({})).await;

    let scrape = stage.scrape().await;
    assert_eq!(scrape.value("windlass_leases_expired_total", &[]), 1.0, "{kind:?}");
    assert_eq!(scrape.value("windlass_task_retries_total", &[]), 1.0, "{kind:?}");
    assert_eq!(scrape.value("windlass_task_wait_seconds_sum", &[]), 87.5, "{kind:?}");
    assert_eq!(scrape.value("windlass_task_wait_seconds_count", &[]), 6.0, "{kind:?}");
    assert_eq!(scrape.value("windlass_task_run_seconds_count", &[]), 4.0, "{kind:?}");
    // It had not run here when it was cancelled: its queue is not known.
    let cancelled = [("queue", ""), ("status", "cancelled")];
    assert_eq!(scrape.value("windlass_tasks_finished_total", &cancelled), 1.0, "{kind:?}");
    let paused = |queue| scrape.value("windlass_queue_paused", &[("queue", queue)]);
    assert_eq!((paused("mail"), paused("bulk")), (1.0, 0.0), "{kind:?}");

    // One lease call with five tasks, one with one; five submits, the refused one included.
    let calls =
        |operation| scrape.value("windlass_store_seconds_count", &[("operation", operation)]);
    assert_eq!((calls("lease"), calls("enqueue"), calls("due")), (2.0, 5.0, 1.0), "{kind:?}");
    assert_eq!(scrape.sum("windlass_store_errors_total"), 0.0, "{kind:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_are_counted_by_route_and_streams_while_they_are_open() {
    let stage = Stage::new(Kind::Memory).await;
    let task = json!({"task_type": "send", "queue": "mail"});
    let stored = stage.post("/api/v1/tasks", task).await;
    let id = stored["task_id"].as_str().unwrap();
    stage.get(&format!("/api/v1/tasks/{id}")).await;
    stage.get(&format!("/api/v1/tasks/{id}")).await;
    let foreign = "/api/v1/tasks/00000000-0000-7000-8000-000000000000";
    assert_eq!(stage.ask("GET", foreign, None).await.status, 404);
    assert_eq!(stage.ask("GET", "/api/v1/tasks/no-id", None).await.status, 404);
    assert_eq!(stage.ask("GET", "/api/v1/batches/no-id", None).await.status, 404);
    assert_eq!(stage.ask("GET", "/nowhere", None).await.status, 404);
    assert_eq!(stage.ask("POST", "/api/v1/tasks", Some(json!({"x": 1}))).await.status, 400);
    let mut events = stage.begin("GET", &format!("/api/v1/tasks/{id}/events"), None, "").await;
    let mut head = [0; 12];
    events.read_exact(&mut head).await.unwrap();
    assert_eq!(&head, b"HTTP/1.1 200");

    let scrape = stage.scrape().await;
    let requests = |method, route, status| {
        let labels = [("method", method), ("route", route), ("status", status)];
        scrape.value("windlass_http_requests_total", &labels)
    };
    assert_eq!(requests("POST", "/api/v1/tasks", "201"), 1.0);
    assert_eq!(requests("POST", "/api/v1/tasks", "400"), 1.0);
    assert_eq!(requests("GET", "/api/v1/tasks/{id}", "200"), 2.0);
    assert_eq!(requests("GET", "/api/v1/tasks/{id}", "404"), 2.0);
    assert_eq!(requests("GET", "/api/v1/batches/{id}", "404"), 1.0);
    assert_eq!(requests("GET", "none", "404"), 1.0);
    let took = [("method", "GET"), ("route", "/api/v1/tasks/{id}")];
    assert_eq!(scrape.value("windlass_http_request_seconds_count", &took), 4.0);
    assert_eq!(scrape.value("windlass_http_streams", &[]), 1.0);
    // The stream's own and the scrape's, at least: others may not have closed yet.
    assert!(scrape.value("windlass_http_connections", &[]) >= 2.0);
    assert_eq!(scrape.value("windlass_build_info", &[("version", env!("CARGO_PKG_VERSION"))]), 1.0);

    drop(events);
    let none_left = async {
        while stage.scrape().await.value("windlass_http_streams", &[]) > 0.0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), none_left).await.expect("the stream ended");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_stands_for_others_is_counted_beside_its_tasks() {
    for kind in BOTH {
        let stage = Stage::new(kind).await;
        let step = json!({"task_type": "send", "queue": "mail"});
        let named = |name: &str, depends_on: Value| {
            let mut stage = step.clone();
            stage["name"] = json!(name);
            stage["depends_on"] = depends_on;
            stage
        };
        let stages = [named("a", json!([])), named("b", json!(["a"]))];
        let pipeline = json!({"name": "p", "stages": stages, "idempotency_key": "k"});
        stage.post("/api/v1/pipelines", pipeline.clone()).await;
        // Known by its key: nothing was stored again.
        stage.post("/api/v1/pipelines", pipeline).await;
        stage.post("/api/v1/batches", json!({"tasks": [step, step]})).await;
        let block = json!({"steps": [1], "task_type": "send", "queue": "mail"});
        stage.post("/api/v1/parallel/execute", block).await;
        let scrape = stage.scrape().await;
        let stored = |of| scrape.value("windlass_composites_submitted_total", &[("kind", of)]);
        assert_eq!((stored("pipeline"), stored("batch"), stored("block")), (1.0, 1.0, 1.0));
        let submitted = scrape.value("windlass_tasks_submitted_total", &[("queue", "mail")]);
        assert_eq!(submitted, 5.0, "{kind:?}");
        let depth =
            |status| scrape.value("windlass_queue_depth", &[("queue", "mail"), ("status", status)]);
        // They run under no lease, and stand in no queue.
        let depths = (depth("pending"), depth("blocked"), depth("running"));
        assert_eq!(depths, (4.0, 1.0, 0.0), "{kind:?}");
        let queues = stage.get("/api/v1/queues").await;
        assert_eq!(queues["queues"].as_array().unwrap().len(), 1, "{kind:?} {queues}");
        let recent = stage.get("/api/v1/recent").await;
        assert_eq!(recent["tasks"].as_array().unwrap().len(), 5, "{kind:?}");
    }
}

//! Leases whose answers do not arrive go back, and are not counted.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use windlass::{ConnectOptions, ManualClock, TaskSpec, Timestamp};

use crate::raw::{PATIENCE, Raw, Stage};

/// Asks for one task, for an hour: what is lost comes back only when it is handed back.
async fn ask(stage: &Stage, worker: &str, wait: u32) -> Raw {
    let body = json!({ "worker": worker, "queues": ["default"], "handlers": ["t"], "limit": 1,
        "lease_seconds": 3600, "wait_seconds": wait });
    let mut raw = stage.connect().await;
    raw.send("POST", "/api/v1/leases", &[], &body.to_string()).await;
    raw
}

/// What a worker that stays is given.
async fn given(stage: &Stage) -> Value {
    ask(stage, "stays", 20).await.reply().await.json()["tasks"][0]["task"].clone()
}

async fn submit(stage: &Stage) -> String {
    let spec = TaskSpec::new("t", json!(null));
    stage.client.submit(spec).await.unwrap().task_id.to_string()
}

/// Resolves when the server holds `count` answers and streams.
async fn holds(stage: &Stage, count: usize) {
    let line = format!("\nwindlass_http_streams {count}\n");
    let held = async {
        loop {
            let reply = stage.ask("GET", "/metrics", "").await;
            if String::from_utf8(reply.body).unwrap().contains(&line) {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, held).await.expect("the server holds another number");
}

#[tokio::test]
async fn a_wait_whose_client_is_gone_takes_nothing() {
    let stage = Stage::new().await;
    let raw = ask(&stage, "goes", 60).await;
    holds(&stage, 1).await;
    drop(raw);
    holds(&stage, 0).await;
    let id = submit(&stage).await;
    let task = given(&stage).await;
    assert_eq!((&task["task_id"], &task["attempt"]), (&json!(id), &json!(0)));
}

// The client goes at the very moment in which it is given a task: before, while and after the answer
// is written.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_whose_client_goes_goes_back_uncounted() {
    let stage = Stage::new().await;
    for round in 0..60u64 {
        let raw = ask(&stage, "goes", 60).await;
        holds(&stage, 1).await;
        let id = submit(&stage).await;
        if round % 3 == 1 {
            tokio::time::sleep(Duration::from_micros(50 * round)).await;
        }
        if round % 3 == 2 {
            // The answer is there, and nobody reads it.
            raw.stream.readable().await.unwrap();
        }
        drop(raw);
        let task = given(&stage).await;
        assert_eq!((&task["task_id"], &task["attempt"]), (&json!(id), &json!(0)), "round {round}");
        stage.client.cancel(&id).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_without_a_wait_goes_back_too() {
    let stage = Stage::new().await;
    for round in 0..60 {
        let id = submit(&stage).await;
        let raw = ask(&stage, "goes", 0).await;
        if round % 2 == 1 {
            raw.stream.readable().await.unwrap();
        }
        drop(raw);
        // One that was asked for may not yet be there when the other looks: it looks again.
        let task = given(&stage).await;
        assert_eq!((&task["task_id"], &task["attempt"]), (&json!(id), &json!(0)), "round {round}");
        stage.client.cancel(&id).await.unwrap();
    }
}

// What a proxy sends as a rule, and a client that makes one call for each connection.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_on_a_connection_for_one_answer_goes_back_too() {
    let stage = Stage::new().await;
    let body = json!({ "worker": "goes", "queues": ["default"], "handlers": ["t"], "limit": 1,
        "lease_seconds": 3600 });
    for read in [false, true, false] {
        let id = submit(&stage).await;
        let mut raw = stage.connect().await;
        let close = [("connection", "close")];
        raw.send("POST", "/api/v1/leases", &close, &body.to_string()).await;
        if read {
            assert_eq!(raw.reply().await.json()["tasks"][0]["task"]["task_id"], id);
            assert!(raw.closed().await, "the server ends the connection at once");
        } else {
            raw.stream.readable().await.unwrap();
        }
        drop(raw);
        if read {
            let none = ask(&stage, "stays", 1).await.reply().await.json();
            assert_eq!(none["tasks"], json!([]));
        } else {
            let task = given(&stage).await;
            assert_eq!((&task["task_id"], &task["attempt"]), (&json!(id), &json!(0)));
        }
        stage.client.cancel(&id).await.unwrap();
    }
}

#[tokio::test]
async fn a_lease_that_was_read_stays() {
    let stage = Stage::new().await;
    let id = submit(&stage).await;
    let mut raw = ask(&stage, "reads", 0).await;
    assert_eq!(raw.reply().await.json()["tasks"][0]["task"]["task_id"], id);
    drop(raw);
    holds(&stage, 0).await;
    let task = stage.client.get(&id).await.unwrap();
    assert_eq!(task.lease.unwrap().worker, "reads");
    assert!(task.run_at > Timestamp::from_millis(0));
    let none = ask(&stage, "stays", 0).await.reply().await.json();
    assert_eq!(none["tasks"], json!([]));
}

#[tokio::test]
async fn what_is_leased_with_a_settle_goes_back_too() {
    let stage = Stage::new().await;
    let (first, second) = (submit(&stage).await, submit(&stage).await);
    let mut raw = ask(&stage, "goes", 0).await;
    let held = raw.reply().await.json()["tasks"][0].clone();
    assert_eq!(held["task"]["task_id"], first);
    let body = json!({
        "settles": [{ "task_id": first, "token": held["token"], "outcome": "complete" }],
        "then": { "worker": "goes", "queues": ["default"], "handlers": ["t"], "limit": 1,
            "lease_seconds": 3600 },
    });
    raw.send("POST", "/api/v1/leases/settle", &[], &body.to_string()).await;
    raw.stream.readable().await.unwrap();
    drop(raw);
    let task = given(&stage).await;
    assert_eq!((&task["task_id"], &task["attempt"]), (&json!(second), &json!(0)));
    // What was done is done.
    assert_eq!(stage.client.get(&first).await.unwrap().status.as_str(), "completed");
}

#[tokio::test]
async fn a_wait_ends_with_the_server() {
    let stage = Stage::new().await;
    let mut raw = ask(&stage, "w", 60).await;
    holds(&stage, 1).await;
    stage.server.stop();
    let reply = raw.reply().await;
    assert_eq!((reply.status, &reply.json()["tasks"]), (200, &json!([])));
    assert!(raw.closed().await);
    tokio::time::timeout(PATIENCE, stage.server.stopped()).await.unwrap();
}

// A suspect counts its attempt with the lease, and not when the lease did not arrive.
#[tokio::test]
async fn a_suspect_that_did_not_arrive_is_not_counted() {
    let clock = Arc::new(ManualClock::new(Timestamp::from_millis(1_000_000)));
    let options = ConnectOptions { clock: Some(clock.clone()), ..ConnectOptions::default() };
    let stage = Stage::of(windlass::connect_with("memory:", options).await.unwrap()).await;
    let id = submit(&stage).await;
    assert_eq!(given(&stage).await["task_id"], id);
    clock.advance(Duration::from_secs(3601));
    stage.client.sweep().await.unwrap();
    let before = stage.client.get(&id).await.unwrap();
    assert!(before.suspect);

    let raw = ask(&stage, "goes", 0).await;
    raw.stream.readable().await.unwrap();
    drop(raw);
    let mut task = given(&stage).await;
    // Backing off after the loss, it is due later.
    if task.is_null() {
        clock.advance(Duration::from_secs(3600));
        stage.client.sweep().await.unwrap();
        let raw = ask(&stage, "goes", 0).await;
        raw.stream.readable().await.unwrap();
        drop(raw);
        task = given(&stage).await;
    }
    assert_eq!(task["task_id"], id);
    assert_eq!(task["attempt"], before.attempt + 1);
}

// A drain: what the worker waits for is answered, so that nothing is granted to a peer that has gone.
#[tokio::test]
async fn a_wait_ends_when_its_worker_leaves_and_nobody_else_s() {
    let stage = Stage::new().await;
    let mut leaves = ask(&stage, "leaves", 60).await;
    let mut stays = ask(&stage, "stays", 60).await;
    holds(&stage, 2).await;
    let elsewhere = [("windlass-tenant", "other")];
    let [stay, leave] = ["stays", "leaves"].map(|name| format!("/api/v1/workers/{name}/leave"));
    assert_eq!(stage.ask_with("POST", &stay, &elsewhere, "").await.status, 204);
    assert_eq!(stage.ask("POST", &leave, "").await.status, 204);
    let reply = leaves.reply().await;
    assert_eq!((reply.status, &reply.json()["tasks"]), (200, &json!([])));
    holds(&stage, 1).await;
    let id = submit(&stage).await;
    assert_eq!(stays.reply().await.json()["tasks"][0]["task"]["task_id"], id);
}

#[tokio::test]
async fn a_wait_that_comes_after_its_worker_has_left_takes_nothing() {
    let stage = Stage::new().await;
    let id = submit(&stage).await;
    assert_eq!(stage.ask("POST", "/api/v1/workers/leaves/leave", "").await.status, 204);
    let none = ask(&stage, "leaves", 60).await.reply().await.json();
    assert_eq!(none["tasks"], json!([]));
    assert_eq!(given(&stage).await["task_id"], id);
}

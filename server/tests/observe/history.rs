//! How tasks came and went, step by step, by a clock that is moved by hand.

use std::time::Duration;

use serde_json::{Value, json};

use crate::stage::{BOTH, Kind, Stage};

const PATH: &str = "/api/v1/history";

async fn points(stage: &Stage, path: &str) -> Vec<Value> {
    stage.get(path).await["points"].as_array().expect("points").clone()
}

/// The sum of a field over all points.
fn sum(points: &[Value], field: &str) -> u64 {
    points.iter().filter_map(|point| point[field].as_u64()).sum()
}

fn went(points: &[Value]) -> [u64; 4] {
    ["submitted", "completed", "failed", "cancelled"].map(|field| sum(points, field))
}

async fn submit(stage: &Stage, count: usize) -> Vec<String> {
    let task = json!({ "task_type": "send", "queue": "mail", "retry": { "max_retries": 0 } });
    let mut ids = Vec::new();
    for _ in 0..count {
        let stored = stage.post("/api/v1/tasks", task.clone()).await;
        ids.push(stored["task_id"].as_str().expect("an id").to_owned());
    }
    ids
}

/// Leases what there is and ends it as told, in order.
async fn settle(stage: &Stage, outcomes: &[&str]) {
    let leased = stage.lease("w1", "send").await;
    for (lease, outcome) in leased.iter().zip(outcomes) {
        let mut settle = json!({
            "task_id": lease["task"]["task_id"], "token": lease["token"], "outcome": outcome,
        });
        if *outcome == "fail" {
            settle["error"] = json!({ "code": "handler_error", "message": "no" });
        }
        stage.post("/api/v1/leases/settle", json!({ "settles": [settle] })).await;
    }
}

#[tokio::test]
async fn what_came_and_went_is_told_in_steps() {
    for kind in BOTH {
        let stage = Stage::new(kind).await;
        let ids = submit(&stage, 5).await;
        stage.post(&format!("/api/v1/tasks/{}/cancel", ids[4]), json!({})).await;
        stage.pass(4.0);
        settle(&stage, &["complete", "fail"]).await;
        stage.pass(11.0);
        let history = stage.get(PATH).await;
        assert_eq!(history["step_seconds"], 10);
        let points = history["points"].as_array().unwrap();
        assert_eq!(went(points), [5, 1, 1, 1], "{kind:?}: {history}");
        let ended = points.iter().find(|point| point["completed"] == 1).unwrap();
        for field in ["latency_p50_seconds", "latency_p95_seconds"] {
            assert_eq!(ended[field], 4.0, "{kind:?}: {ended}");
        }
        let quiet = points.iter().find(|point| point["completed"] == 0).unwrap();
        assert_eq!(quiet["latency_p50_seconds"], Value::Null);
        // Two of the four leased were not settled: they run. Nobody looked when earlier steps ended.
        let (last, before) = points.split_last().unwrap();
        let depths = ["pending", "running", "scheduled", "blocked"].map(|field| &last[field]);
        assert_eq!(depths, [&json!(0), &json!(2), &json!(0), &json!(0)], "{kind:?}: {last}");
        assert_eq!(last["oldest_pending_seconds"], Value::Null);
        assert_eq!(before[0]["pending"], Value::Null);
        let at: Vec<&str> = points.iter().map(|point| point["at"].as_str().unwrap()).collect();
        assert!(at.is_sorted() && history["since"].as_str().unwrap() < at[0], "{history}");
        assert!(at.iter().all(|at| at.ends_with("0.000Z")), "steps end at whole tens: {at:?}");
    }
}

#[tokio::test]
async fn what_waits_is_told_with_its_age() {
    for kind in BOTH {
        let stage = Stage::new(kind).await;
        points(&stage, PATH).await;
        submit(&stage, 3).await;
        let later = json!({ "task_type": "send", "delay_seconds": 600.0 });
        stage.post("/api/v1/tasks", later).await;
        stage.pass(12.0);
        let all = points(&stage, PATH).await;
        let last = all.last().unwrap();
        assert_eq!((&last["pending"], &last["scheduled"]), (&json!(3), &json!(1)), "{kind:?}");
        assert_eq!(last["oldest_pending_seconds"], 12.0);
        // Each step is looked at when it has ended.
        stage.pass(10.0);
        let all = points(&stage, PATH).await;
        let ages: Vec<&Value> =
            all.iter().rev().map(|point| &point["oldest_pending_seconds"]).collect();
        assert_eq!(ages[..2], [&json!(22.0), &json!(12.0)]);
    }
}

#[tokio::test]
async fn what_another_process_does_is_told_too() {
    let stage = Stage::new(Kind::Sqlite).await;
    let another = stage.another().await;
    for _ in 0..3 {
        another.submit(windlass::TaskSpec::new("send", windlass::Payload::null())).await.unwrap();
    }
    stage.pass(12.0);
    let all = points(&stage, PATH).await;
    assert_eq!(went(&all), [3, 0, 0, 0]);
    assert_eq!(all.last().unwrap()["pending"], 3);
    another.close().await.unwrap();
}

#[tokio::test]
async fn a_tenant_is_told_its_own() {
    let stage = Stage::new(Kind::Memory).await;
    submit(&stage, 2).await;
    let task = json!({ "task_type": "send" });
    let other = "Windlass-Tenant: other\r\n";
    assert_eq!(stage.send("POST", "/api/v1/tasks", Some(task), other).await.status, 201);
    stage.pass(12.0);
    let told = stage.send("GET", PATH, None, other).await.json();
    let told = told["points"].as_array().unwrap();
    assert_eq!((went(told), &told.last().unwrap()["pending"]), ([1, 0, 0, 0], &json!(1)));
    let own = points(&stage, PATH).await;
    assert_eq!((went(&own), &own.last().unwrap()["pending"]), ([2, 0, 0, 0], &json!(2)));
    let nobody = stage.send("GET", PATH, None, "Windlass-Tenant: nobody\r\n").await.json();
    assert_eq!(nobody["points"], json!([]), "nothing is known of who did nothing");
    stage.pass(10.0);
    let asked = stage.send("GET", PATH, None, "Windlass-Tenant: nobody\r\n").await.json();
    assert_eq!(asked["points"][0]["submitted"], 0, "who asks is watched from then on");
}

#[tokio::test]
async fn an_hour_is_kept_and_less_can_be_asked_for() {
    let stage = Stage::new(Kind::Memory).await;
    let begin = points(&stage, PATH).await.len();
    assert!(begin <= 6, "a minute before the start at most");
    for _ in 0..370 {
        stage.pass(10.0);
        points(&stage, "/api/v1/history?minutes=1").await;
    }
    let all = stage.get(PATH).await;
    let hour = all["points"].as_array().unwrap();
    assert!((359..=360).contains(&hour.len()), "{}", hour.len());
    let minute = points(&stage, "/api/v1/history?minutes=1").await;
    assert_eq!(minute[..], hour[hour.len() - minute.len()..]);
    assert!((5..=6).contains(&minute.len()), "{}", minute.len());
    let oldest: windlass::Timestamp = serde_json::from_value(all["since"].clone()).unwrap();
    assert!(stage.now().since(oldest) <= Duration::from_secs(3600));
}

#[tokio::test]
async fn a_machine_that_slept_leaves_a_gap() {
    let stage = Stage::new(Kind::Memory).await;
    points(&stage, PATH).await;
    submit(&stage, 1).await;
    stage.pass(11.0);
    let before = points(&stage, PATH).await;
    stage.pass(1800.0);
    submit(&stage, 1).await;
    stage.pass(11.0);
    let after = points(&stage, PATH).await;
    assert_eq!(after.len(), before.len() + 6, "what ended within the last minute is counted");
    assert_eq!(went(&after), [2, 0, 0, 0]);
}

#[tokio::test]
async fn bad_minutes_are_refused_by_name() {
    let stage = Stage::new(Kind::Memory).await;
    for minutes in ["0", "61", "-1", "1.5", "ten", "", "1e1", "99999999999999999999"] {
        let reply = stage.ask("GET", &format!("{PATH}?minutes={minutes}"), None).await;
        let told = reply.json();
        let field = &told["error"]["details"]["field"];
        assert_eq!(
            (reply.status, &told["code"], field),
            (400, &json!("invalid_argument"), &json!("minutes"))
        );
    }
    for query in ["minutes=1&minutes=2", "hours=1"] {
        assert_eq!(stage.ask("GET", &format!("{PATH}?{query}"), None).await.status, 400, "{query}");
    }
    assert_eq!(stage.ask("POST", PATH, Some(json!({}))).await.status, 405);
}

#[tokio::test]
async fn a_store_that_is_gone_is_an_error() {
    let stage = Stage::new(Kind::Memory).await;
    stage.client.close().await.unwrap();
    stage.pass(11.0);
    let reply = stage.ask("GET", PATH, None).await;
    assert_eq!(reply.json()["code"], "client_closed", "{reply:?}");
}

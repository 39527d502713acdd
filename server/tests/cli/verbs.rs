//! `tasks cancel`, `tasks retry` and `tasks why`.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use windlass::{Clock, ConnectOptions, ManualClock};

use crate::stage::{Stage, complete, fail, perform, submit};

const UNKNOWN: &str = "019a0d5e-8f6b-7000-8000-000000000001";

#[test]
fn cancel_does_each_for_itself_and_ends_with_the_first_refusal() {
    let (stage, ids) = Stage::with(async |client| {
        let (one, two) = (submit(&client, "t", "1").await, submit(&client, "t", "2").await);
        [one.to_string(), two.to_string()]
    });
    let ran = stage.run(&["tasks", "cancel", &ids[0], UNKNOWN, &ids[1], "-o", "json"]);
    assert_eq!(ran.code, 3, "{ran:?}");
    let answer = ran.json();
    let ended: Vec<_> = answer["tasks"].as_array().unwrap().iter().map(|t| &t["status"]).collect();
    assert_eq!(ended, [&json!("cancelled"), &json!("cancelled")]);
    assert_eq!(answer["errors"][0]["code"], json!("task_not_found"));
    assert_eq!(answer["errors"][0]["task_id"], json!(UNKNOWN));
    let again = stage.run(&["tasks", "cancel", &ids[0]]);
    assert_eq!((again.code, again.out), (0, format!("{}  cancelled\n", ids[0])));
}

#[test]
fn cancel_of_a_finished_task_changes_nothing_and_is_no_error() {
    let (stage, id) = Stage::with(async |client| {
        submit(&client, "t", "null").await;
        perform(&client, "t", complete("1")).await.to_string()
    });
    let ran = stage.run(&["tasks", "cancel", &id]);
    assert_eq!((ran.code, ran.out), (0, format!("{id}  completed: unchanged\n")));
}

#[test]
fn retry_runs_failed_tasks_again_and_refuses_others() {
    let (stage, (failed, done)) = Stage::with(async |client| {
        submit(&client, "f", "null").await;
        let failed = perform(&client, "f", fail("boom")).await.to_string();
        submit(&client, "t", "null").await;
        (failed, perform(&client, "t", complete("1")).await.to_string())
    });
    let ran = stage.run(&["tasks", "retry", &done, &failed]);
    assert_eq!((ran.code, ran.error_code().as_str()), (1, "invalid_transition"), "{ran:?}");
    assert_eq!(ran.out, format!("{failed}  pending\n"), "the other was retried all the same");
    let task = stage.on_store(async |client| client.get(&failed).await.unwrap());
    assert_eq!(task.status.as_str(), "pending");
}

#[test]
fn why_says_that_no_worker_takes_the_task() {
    let (stage, id) = Stage::with(async |client| submit(&client, "t", "null").await.to_string());
    let ran = stage.run(&["tasks", "why", &id]);
    assert_eq!(ran.code, 0);
    assert!(ran.out.starts_with("pending: no live worker takes \"t\""), "{}", ran.out);
    let why = stage.run(&["tasks", "why", &id, "-o", "json"]).json();
    assert_eq!((&why["reason"], &why["task_id"]), (&json!("no_worker"), &json!(id)));
}

#[test]
fn all_that_match_are_counted_and_then_cancelled_or_run_again() {
    let (stage, ()) = Stage::with(async |client| {
        for task_type in ["t", "t", "other"] {
            submit(&client, task_type, "null").await;
        }
    });
    let count = |args: &[&str]| stage.run(&[&["tasks", "count"], args].concat()).out;
    assert_eq!(count(&["--type", "t"]), "2\n");
    assert_eq!(count(&["--until", "1d"]), "0\n");
    let json = stage.run(&["tasks", "count", "-o", "json"]).json();
    assert_eq!(json, json!({ "count": 3, "exact": true }));

    // Nobody can be asked here, so nothing is done; the count is told all the same.
    let asked = stage.run(&["tasks", "cancel", "--type", "t"]);
    assert_eq!((asked.code, asked.out.as_str()), (2, ""), "{asked:?}");
    assert!(asked.err.contains("2 tasks to cancel") && asked.err.contains("--yes"), "{asked:?}");
    assert_eq!(count(&["--status", "pending"]), "3\n");

    let done = stage.run(&["tasks", "cancel", "--type", "t", "--yes", "-o", "json"]);
    assert_eq!((done.code, done.json()), (0, json!({ "changed": 2, "more": false })), "{done:?}");
    assert_eq!(count(&["--status", "cancelled"]), "2\n");
    let again = stage.run(&["tasks", "retry", "--error", "before it ran", "-y"]);
    assert_eq!((again.code, again.out.as_str()), (0, "2 pending again\n"), "{again:?}");
    let none = stage.run(&["tasks", "retry", "--status", "failed", "--yes"]);
    assert_eq!((none.code, none.out.as_str()), (0, "0 pending again\n"), "{none:?}");

    for args in [&["--yes"][..], &[UNKNOWN, "--type", "t"]] {
        let ran = stage.run(&[&["tasks", "cancel"], args].concat());
        assert_eq!(ran.code, 2, "{ran:?}");
    }
    assert_eq!(count(&["--status", "pending"]), "3\n");
}

#[test]
fn what_is_stored_after_the_count_is_not_changed_in_place_of_what_was_counted() {
    let (stage, ids) = Stage::with(async |client| {
        [submit(&client, "t", "null").await, submit(&client, "t", "null").await]
    });
    let now = windlass::SystemClock.now();
    // An hour later by its own clock: after any count that this machine makes.
    let clock = Arc::new(ManualClock::new(now.after(Duration::from_secs(3600))));
    let later = stage.on_store(async |_| {
        let options = ConnectOptions { clock: Some(clock), ..ConnectOptions::default() };
        let client = windlass::connect_with(&stage.url(), options).await.expect("the store");
        let id = submit(&client, "t", "null").await;
        client.close().await.expect("closed");
        id
    });
    let status = |id: &str| stage.run(&["tasks", "get", id, "-o", "json"]).json()["status"].clone();
    for (verb, becomes) in [("cancel", "cancelled"), ("retry", "pending")] {
        let done =
            stage.run(&["tasks", verb, "--type", "t", "--until", "2100-01-01T00:00:00Z", "--yes"]);
        assert!(done.err.contains(&format!("2 tasks to {verb}")), "{done:?}");
        assert!(done.out.starts_with("2 "), "{done:?}");
        assert!(ids.iter().all(|id| status(&id.to_string()) == becomes));
        assert_eq!(status(&later.to_string()), "pending");
    }
}

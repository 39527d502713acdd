//! `tasks submit`, and what it refuses.

use std::time::Duration;

use serde_json::json;
use windlass::worker::{DeclaredHandler, Lane, WorkerConfig};
use windlass::{Outcome, Payload, Priority, TaskStatus};

use crate::stage::{Stage, complete, end, fail};

#[test]
fn submit_prints_the_id_and_stores_every_option() {
    let stage = Stage::empty();
    let ran = stage.run(&[
        "tasks",
        "submit",
        "thumbnail",
        r#"{"path": "a.jpg"}"#,
        "--queue",
        "slow",
        "--priority",
        "high",
        "--delay",
        "1h",
        "--timeout",
        "1.5m",
        "--max-retries",
        "7",
        "--key",
        "k",
        "--label",
        "env=prod",
        "--label",
        "a=b=c",
    ]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.err.contains("made a new store at"), "{}", ran.err);
    let task = stage.on_store(async |client| client.get(ran.out.trim()).await.unwrap());
    assert_eq!((task.task_type.as_str(), task.queue.as_str()), ("thumbnail", "slow"));
    assert_eq!(task.payload.as_str(), r#"{"path": "a.jpg"}"#, "byte for byte");
    assert_eq!((task.priority, task.status), (Priority::High, TaskStatus::Scheduled));
    assert_eq!(task.run_at.since(task.created_at), Duration::from_secs(3600));
    assert_eq!((task.timeout, task.retry.max_retries), (Some(Duration::from_secs(90)), Some(7)));
    assert_eq!(task.idempotency_key.as_deref(), Some("k"));
    assert_eq!(json!(task.labels), json!({ "env": "prod", "a": "b=c" }));
}

#[test]
fn json_is_the_submission_record() {
    let stage = Stage::empty();
    let first = stage.run(&["tasks", "submit", "t", "--key", "k", "-o", "json"]);
    assert_eq!((first.code, first.err.as_str()), (0, ""));
    let record = first.json();
    assert_eq!((&record["status"], &record["deduplicated"]), (&json!("pending"), &json!(false)));
    let again = stage.run(&["tasks", "submit", "t", "--key", "k", "-o", "json"]).json();
    assert_eq!((&again["task_id"], &again["deduplicated"]), (&record["task_id"], &json!(true)));
    let other = stage.run(&["tasks", "submit", "t", "[1]", "--key", "k", "-o", "json"]);
    assert_eq!((other.code, other.out.as_str()), (1, ""));
    assert_eq!(other.error_code(), "idempotency_conflict");
    let error: serde_json::Value = serde_json::from_str(&other.err).unwrap();
    assert_eq!(error["error"]["task_id"], record["task_id"], "the error's own fields are there");
}

#[test]
fn the_payload_comes_from_standard_input_or_a_file() {
    let stage = Stage::empty();
    std::fs::write(stage.file("rows.json"), "[1, 2]\n").unwrap();
    let ids = [
        stage.run_with(&["tasks", "submit", "t", "-"], b"{\"a\": 1}"),
        stage.run(&["tasks", "submit", "t", "@rows.json"]),
        stage.run(&["tasks", "submit", "t"]),
        stage.run(&["tasks", "submit", "t", "-5"]),
    ]
    .map(|ran| {
        assert_eq!(ran.code, 0, "{ran:?}");
        ran.out.trim().to_owned()
    });
    let payloads = stage.on_store(async |client| {
        let tasks = client.get_many(&ids).await.unwrap();
        tasks.iter().map(|task| task.payload.as_str().to_owned()).collect::<Vec<_>>()
    });
    assert_eq!(payloads, ["{\"a\": 1}", "[1, 2]\n", "{}", "-5"]);
}

#[test]
fn a_payload_that_is_no_json_or_too_long_is_refused_and_nothing_is_stored() {
    let stage = Stage::empty();
    stage.run(&["tasks", "submit", "t"]);
    let long = format!("\"{}\"", "x".repeat(1 << 20));
    std::fs::write(stage.file("long.json"), &long).unwrap();
    for (payload, code) in [
        ("{", "invalid_payload"),
        ("NaN", "invalid_payload"),
        (r#"{"a": 1, "a": 2}"#, "invalid_payload"),
        ("{} {}", "invalid_payload"),
        ("@long.json", "payload_too_large"),
        ("@missing.json", "invalid_argument"),
    ] {
        let ran = stage.run(&["tasks", "submit", "t", payload]);
        assert_eq!((ran.code, ran.error_code().as_str()), (2, code), "{payload}: {ran:?}");
    }
    let ran = stage.run_with(&["tasks", "submit", "t", "-"], b"\"\xff\"");
    assert_eq!((ran.code, ran.error_code().as_str()), (2, "invalid_payload"));
    let ran = stage.run_with(&["tasks", "submit", "t", "-"], long.as_bytes());
    assert_eq!((ran.code, ran.error_code().as_str()), (2, "payload_too_large"));
    for args in [["--queue", ""], ["--timeout", "0s"], ["--max-retries", "1001"], ["--key", ""]] {
        let ran = stage.run(&["tasks", "submit", "t", args[0], args[1]]);
        assert_eq!(
            (ran.code, ran.error_code().as_str()),
            (2, "invalid_argument"),
            "{args:?}: {ran:?}"
        );
    }
    let both = ["--delay", "1s", "--run-at", "2030-01-01T00:00:00Z"];
    assert_eq!(stage.run(&[&["tasks", "submit", "t"][..], &both].concat()).code, 2);
    let count = stage.on_store(async |client| client.counts().await.unwrap());
    assert_eq!(count.iter().map(|c| c.count).sum::<u64>(), 1);
}

#[test]
fn wait_prints_the_result_of_a_task_that_another_process_runs() {
    let stage = Stage::empty();
    let start = |args: &[&str]| {
        let mut command = stage.command(&[&["tasks", "submit", "t"], args].concat());
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        command.spawn().unwrap()
    };
    let work = |outcome: Outcome| {
        stage.on_store(async |client| {
            let handlers = vec![DeclaredHandler { name: "t".to_owned(), ..Default::default() }];
            let worker = client.worker(WorkerConfig { handlers, ..Default::default() }).unwrap();
            let job = worker.claim(Lane::Loop, 1).await.pop().unwrap();
            worker.complete(vec![(job.id, outcome)]);
            worker.drain();
            worker.stopped().await;
        });
    };
    let waiting = start(&["--wait"]);
    work(complete(r#"{"width": 320}"#));
    let ran = end(waiting);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(ran.out, "{\"width\": 320}\n", "the result alone, for the next command");
    assert!(ran.err.contains("completed"), "{ran:?}");

    let waiting = start(&["--wait=60s", "-o", "json"]);
    work(complete("[1]"));
    let ran = end(waiting);
    let task = ran.json();
    assert_eq!((ran.code, &task["status"], &task["result"]), (0, &json!("completed"), &json!([1])));

    let waiting = start(&["--wait", "--max-retries", "0"]);
    work(fail("no such picture"));
    let ran = end(waiting);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.out.is_empty() && ran.err.contains("no such picture"), "{ran:?}");
}

#[test]
fn wait_without_a_worker_says_so_and_leaves_the_task() {
    let stage = Stage::empty();
    for format in ["table", "json"] {
        let ran = stage.run(&["tasks", "submit", "t", "--wait=100ms", "-o", format]);
        assert_eq!((ran.code, ran.error_code().as_str()), (1, "worker_not_available"), "{ran:?}");
        assert!(ran.err.contains("windlass worker MODULE:APP"), "{ran:?}");
    }
    let counts = stage.on_store(async |client| client.counts().await.unwrap());
    assert_eq!((counts[0].status, counts[0].count), (TaskStatus::Pending, 2));
}

#[test]
fn the_payload_of_a_submit_is_kept_as_text() {
    // 2^53 + 1 and a trailing zero would not survive a number of JavaScript or of a JSON tree.
    let stage = Stage::empty();
    let text = r#"{"big":9007199254740993,"price":1.10}"#;
    let id = stage.run(&["tasks", "submit", "t", text]).out;
    let ran = stage.run(&["tasks", "get", id.trim(), "-o", "json"]);
    assert!(ran.out.contains("9007199254740993") && ran.out.contains("1.10"), "{}", ran.out);
    assert_eq!(Payload::new("payload", text).unwrap().len(), text.len());
}

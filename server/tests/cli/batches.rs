//! `tasks submit --batch`, and `batches get|watch|cancel`.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::{Value, json};
use windlass::{Payload, SubmitOptions, TaskSpec};

use crate::stage::{Stage, complete, end, fail, perform};

const LINES: &str = r#"{"task_type": "t", "payload": {"n": 1}, "max_retries": 0}

{"task_type": "t", "payload": {"n": 2}, "labels": {"env": "prod"}, "priority": "high", "max_retries": 0}
"#;

/// A batch of tasks of type `t`.
fn batch(tasks: usize) -> (Stage, String) {
    Stage::with(async |client| {
        let specs = vec![TaskSpec::new("t", Payload::null()).max_retries(0); tasks];
        let options = SubmitOptions { batch: true, ..Default::default() };
        let stored = client.submit_many(specs, options).await.unwrap();
        stored[0].batch_id.expect("a batch").to_string()
    })
}

#[test]
fn a_batch_of_json_lines_is_stored_from_a_file_or_standard_input() {
    let stage = Stage::empty();
    std::fs::write(stage.file("tasks.jsonl"), LINES).unwrap();
    let from_file = stage.run(&["tasks", "submit", "--batch", "@tasks.jsonl"]);
    assert_eq!(from_file.code, 0, "{from_file:?}");
    let id = from_file.out.trim();
    let page = stage.run(&["tasks", "ls", "--batch", id, "-o", "json"]).json();
    let payloads: Vec<_> =
        page["tasks"].as_array().unwrap().iter().map(|t| &t["payload"]).collect();
    assert_eq!(payloads, [&json!({ "n": 2 }), &json!({ "n": 1 })]);
    assert_eq!(
        (&page["tasks"][0]["priority"], &page["tasks"][0]["labels"]["env"]),
        (&json!(2), &json!("prod"))
    );

    let from_input =
        stage.run_with(&["tasks", "submit", "--batch", "-", "-o", "json"], LINES.as_bytes());
    let record = from_input.json();
    assert_eq!((from_input.code, record["submissions"].as_array().unwrap().len()), (0, 2));
    assert_eq!(record["submissions"][1]["batch_id"], record["batch_id"]);
    assert_ne!(record["batch_id"], json!(id));
}

#[test]
fn a_batch_with_one_wrong_line_is_refused_by_its_place_and_nothing_is_stored() {
    let stage = Stage::empty();
    let good = r#"{"task_type": "t"}"#;
    for (lines, code, field) in [
        (format!("{good}\n{{\"prioritee\": 1}}\n"), "invalid_argument", "tasks[1].prioritee"),
        (format!("{good}\n{good}\nnonsense\n"), "invalid_argument", "tasks[2]"),
        (format!("{good}\n[1]\n"), "invalid_argument", "tasks[1]"),
        (
            format!("{good}\n{{\"payload\": {{\"a\": 1, \"a\": 2}}}}\n"),
            "invalid_payload",
            "tasks[1].payload",
        ),
        ("\n\n".to_owned(), "invalid_argument", "tasks"),
    ] {
        let ran =
            stage.run_with(&["tasks", "submit", "--batch", "-", "-o", "json"], lines.as_bytes());
        assert_eq!((ran.code, ran.error_code().as_str()), (2, code), "{lines}: {ran:?}");
        let error: Value = serde_json::from_str(&ran.err).unwrap();
        assert_eq!(error["error"]["field"], json!(field), "{error}");
    }
    for args in [
        &["tasks", "submit", "--batch", "@missing.jsonl"][..],
        &["tasks", "submit", "--batch", "tasks.jsonl"],
        &["tasks", "submit", "t", "--batch", "-"],
        &["tasks", "submit", "--batch", "-", "--wait"],
        &["tasks", "submit", "--batch", "-", "--queue", "q"],
    ] {
        assert_eq!(stage.run(args).code, 2, "{args:?}");
    }
    let counts = stage.on_store(async |client| client.counts().await.unwrap());
    assert!(counts.is_empty(), "{counts:?}");
}

#[test]
fn a_batch_is_shown_with_its_counts() {
    let (stage, id) = batch(3);
    stage.on_store(async |client| perform(&client, "t", complete("1")).await);
    let shown = stage.run(&["batches", "get", &id]);
    assert_eq!(shown.code, 0, "{shown:?}");
    for line in ["status       running", "tasks        3", "pending      2", "completed    1"] {
        assert!(shown.out.contains(line), "{line}: {}", shown.out);
    }
    let record = stage.run(&["batches", "get", &id, "-o", "json"]).json();
    assert_eq!((&record["batch_id"], &record["total"]), (&json!(id), &json!(3)));
    assert_eq!(record["counts"], json!({ "pending": 2, "completed": 1 }));
    for verb in ["get", "watch", "cancel"] {
        for unknown in ["nonsense", "019a0d5e-8f6b-7000-8000-000000000001"] {
            let ran = stage.run(&["batches", verb, unknown]);
            assert_eq!((ran.code, ran.error_code().as_str()), (3, "batch_not_found"), "{ran:?}");
        }
    }
}

#[test]
fn watch_follows_a_batch_to_its_end_and_ends_with_1_when_a_task_failed() {
    let (stage, id) = batch(2);
    let mut command = stage.command(&["batches", "watch", &id, "-o", "json"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map(|line| serde_json::from_str::<Value>(&line.unwrap()).expect("a record"));
    let first = lines.next().expect("how it stands");
    assert_eq!((&first["status"], &first["total"]), (&json!("pending"), &json!(2)));
    stage.on_store(async |client| {
        perform(&client, "t", complete("1")).await;
        perform(&client, "t", fail("boom")).await;
    });
    let last = lines.last().expect("the end");
    assert_eq!(last["status"], json!("failed"));
    assert_eq!(last["counts"], json!({ "completed": 1, "failed": 1 }));
    assert_eq!(end(child).code, 1);

    let text = stage.run(&["batches", "watch", &id]);
    assert_eq!(text.code, 1);
    assert!(text.out.ends_with("failed: 1 completed, 1 failed\n"), "{}", text.out);
}

#[test]
fn a_watch_that_runs_out_of_time_names_a_task_and_cancel_ends_the_batch() {
    let (stage, id) = batch(2);
    let ran = stage.run(&["batches", "watch", &id, "--timeout", "1ms"]);
    assert_eq!((ran.code, ran.error_code().as_str()), (1, "task_timeout"), "{ran:?}");
    assert!(ran.out.contains("[------------------------]   0%  2 pending"), "{}", ran.out);

    let cancelled = stage.run(&["batches", "cancel", &id, "-o", "json"]).json();
    assert_eq!(
        (&cancelled["status"], &cancelled["counts"]),
        (&json!("cancelled"), &json!({ "cancelled": 2 }))
    );
    let again = stage.run(&["batches", "cancel", &id]);
    assert!(again.code == 0 && again.out.contains("cancelled    2"), "{again:?}");
    assert_eq!(stage.run(&["batches", "watch", &id]).code, 1);

    let (stage, id) = batch(1);
    stage.on_store(async |client| perform(&client, "t", complete("1")).await);
    assert_eq!(stage.run(&["batches", "watch", &id]).code, 0);
}

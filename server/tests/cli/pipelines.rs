//! `pipelines`, `parallel`, `state`, and `batches ls`.

use serde_json::json;
use windlass::{Outcome, Payload, TaskSpec};

use crate::stage::{Stage, complete, end, fail, perform};

const UNKNOWN: &str = "019a0d5e-8f6b-7000-8000-000000000001";
const ETL: &str = r#"{"name": "etl", "labels": {"env": "test"}, "stages": [
    {"name": "extract", "task_type": "extract", "max_retries": 0},
    {"name": "clean", "task_type": "clean", "depends_on": ["extract"], "max_retries": 0},
    {"name": "enrich", "task_type": "enrich", "depends_on": ["extract"], "max_retries": 0},
    {"name": "load", "task_type": "load", "depends_on": ["clean", "enrich"]}]}"#;

/// A folder with the pipeline stored, and its id.
fn etl() -> (Stage, String) {
    let stage = Stage::empty();
    std::fs::write(stage.file("etl.json"), ETL).unwrap();
    let stored = stage.run(&["pipelines", "submit", "etl.json"]);
    assert_eq!(stored.code, 0, "{stored:?}");
    (stage, stored.out.trim().to_owned())
}

#[test]
fn a_pipeline_is_stored_from_a_file_and_drawn_with_its_stages() {
    let (stage, id) = etl();
    stage.on_store(async |client| {
        perform(&client, "extract", complete("1")).await;
        perform(&client, "clean", fail("no such table")).await;
    });
    let shown = stage.run(&["pipelines", "show", &id]);
    assert_eq!(shown.code, 0, "{shown:?}");
    let lines: Vec<&str> = shown.out.lines().collect();
    assert!(lines[0].starts_with("etl  running  3 of 4 stages"), "{}", shown.out);
    for (line, (graph, status)) in lines[2..].iter().zip([
        ("●    extract", "completed"),
        ("├─╮", ""),
        ("✗ │  clean", "failed"),
        ("│ ○  enrich", "pending"),
        ("├─╯", ""),
        ("⊘    load", "cancelled"),
    ]) {
        assert!(line.contains(graph) && line.contains(status), "{graph} {status}: {}", shown.out);
    }
    assert!(shown.out.contains("no such table"), "{}", shown.out);
    let record = stage.run(&["pipelines", "show", &id, "-o", "json"]).json();
    assert_eq!(
        (&record["pipeline_id"], &record["stages"][1]["status"]),
        (&json!(id), &json!("failed"))
    );

    let retried = stage.run(&["pipelines", "retry", &id, "--stage", "clean", "-o", "json"]).json();
    assert_eq!(
        (&retried["status"], &retried["stages"][3]["status"]),
        (&json!("running"), &json!("blocked"))
    );
    let cancelled = stage.run(&["pipelines", "cancel", &id]);
    assert!(cancelled.code == 0 && cancelled.out.contains("cancelled"), "{cancelled:?}");
    assert_eq!(stage.run(&["pipelines", "retry", &id, "--stage", "none"]).code, 2);
    let done = stage.run(&["pipelines", "ls", "--status", "cancelled", "-q"]);
    assert_eq!(done.out.trim(), id);
    let table = stage.run(&["pipelines", "ls", "--name", "etl", "--label", "env=test"]);
    assert!(table.out.contains("4/4") && table.out.contains("cancelled"), "{table:?}");
    for verb in ["show", "cancel", "retry"] {
        for unknown in ["nonsense", UNKNOWN] {
            let ran = stage.run(&["pipelines", verb, unknown]);
            assert_eq!((ran.code, ran.error_code().as_str()), (3, "pipeline_not_found"), "{ran:?}");
        }
    }
}

#[test]
fn a_pipeline_is_followed_to_its_end_and_ends_with_how_it_ended() {
    let (stage, id) = etl();
    let mut command = stage.command(&["pipelines", "show", &id, "--watch"]);
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let child = command.spawn().unwrap();
    stage.on_store(async |client| {
        for stage in ["extract", "clean", "enrich", "load"] {
            perform(&client, stage, complete("1")).await;
        }
    });
    let ran = end(child);
    assert_eq!(ran.code, 0, "{ran:?}");
    for line in ["extract completed", "load completed", "etl  completed  4 of 4 stages"] {
        assert!(ran.out.contains(line), "{line}: {}", ran.out);
    }
    let again = stage.run(&["pipelines", "show", &id, "--watch", "-o", "json"]);
    let updates = again.json_lines();
    let ends = updates
        .iter()
        .filter(|update| update["kind"] == "status" && update["status"] == "completed");
    assert_eq!((again.code, ends.count()), (0, 1), "{again:?}");

    let short = stage
        .run_with(&["pipelines", "submit", "-", "--watch", "--timeout", "50ms"], ETL.as_bytes());
    assert_eq!(short.code, 1, "{short:?}");
    let key = ["pipelines", "submit", "etl.json", "--key", "k", "-o", "json"];
    let (first, second) = (stage.run(&key).json(), stage.run(&key).json());
    assert_eq!(
        (&first["pipeline_id"], &second["deduplicated"]),
        (&second["pipeline_id"], &json!(true))
    );
}

#[test]
fn a_file_that_is_wrong_is_refused_by_its_place_and_nothing_is_stored() {
    let stage = Stage::empty();
    for (text, field) in [
        (r#"{"name": "p", "stages": [{"name": "a", "depends_on": ["a"]}]}"#, "depends_on"),
        (r#"{"name": "p", "stages": [{"name": "a", "prio": 1}]}"#, "stages[0].prio"),
        ("nonsense", "pipeline"),
    ] {
        let ran = stage.run_with(&["pipelines", "submit", "-", "-o", "json"], text.as_bytes());
        assert_eq!((ran.code, ran.error_code().as_str()), (2, "invalid_argument"), "{ran:?}");
        assert!(ran.err.contains(&format!("\"field\":\"{field}\"")), "{ran:?}");
    }
    let custom = stage.run_with(&["parallel", "-"], br#"{"strategy": "custom", "steps": []}"#);
    assert_eq!((custom.code, custom.error_code().as_str()), (2, "invalid_argument"), "{custom:?}");
    assert_eq!(stage.run(&["pipelines", "submit", "missing.json"]).code, 2);
    let empty = stage.run(&["pipelines", "ls"]);
    assert!(empty.code == 0 && empty.err.contains("no pipelines match"), "{empty:?}");
}

#[test]
fn a_block_is_waited_for_and_told_step_by_step() {
    let stage = Stage::empty();
    let block = br#"{"name": "b", "task_type": "t", "steps": [{"n": 1}, {"n": 2}], "retry": {"max_retries": 0}}"#;
    std::fs::write(stage.file("b.json"), block).unwrap();
    let stored = stage.run(&["parallel", "b.json", "-o", "json"]).json();
    assert_eq!(stored["status"], "running");
    let mut command = stage.command(&["parallel", "b.json", "--key", "k", "--wait=60s"]);
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let child = command.spawn().unwrap();
    stage.on_store(async |client| {
        // Those of the first block stand before those that are waited for.
        for _ in 0..2 {
            perform(&client, "t", complete("1")).await;
        }
        let second = async {
            loop {
                if client.count(Default::default(), 10).await.unwrap().count == 4 {
                    break;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(60), second).await.expect("stored");
        perform(&client, "t", complete("\"seven\"")).await;
        perform(&client, "t", fail("boom")).await;
    });
    let ran = end(child);
    assert_eq!(ran.code, 0, "{ran:?}");
    for text in ["completed", "\"seven\"", "boom", "partial: 1 completed, 1 failed"] {
        assert!(ran.out.contains(text), "{text}: {}", ran.out);
    }
    let json = stage.run(&["parallel", "b.json", "--key", "k", "--wait", "-o", "json"]).json();
    assert_eq!((&json["overall_status"], &json["total_tasks"]), (&json!("partial"), &json!(2)));
}

#[test]
fn a_state_is_printed_and_a_batch_is_listed() {
    let (stage, ()) = Stage::with(async |client| {
        let mut spec = TaskSpec::new("t", Payload::null());
        spec.state_key = Some("counter".to_owned());
        client.submit(spec).await.unwrap();
        let state = Some(Payload::new("state", r#"{"n": 7}"#).unwrap());
        perform(&client, "t", Outcome::Complete { result: Payload::null(), state }).await;
        let tasks = vec![TaskSpec::new("t", Payload::null())];
        let spec = windlass::BatchSpec { name: Some("import".to_owned()), ..Default::default() };
        let options = windlass::SubmitOptions::default();
        client.service().submit_batch("default", spec, tasks, options).await.unwrap();
    });
    let state = stage.run(&["state", "get", "counter"]);
    assert_eq!((state.code, state.out.as_str()), (0, "{\"n\": 7}\n"));
    let none = stage.run(&["state", "get", "none", "-o", "json"]);
    assert_eq!((none.code, &none.json()["exists"]), (3, &json!(false)));
    let batches = stage.run(&["batches", "ls"]);
    assert!(batches.out.contains("import") && batches.out.contains("0/1"), "{batches:?}");
    let page = stage.run(&["batches", "ls", "--name", "import", "-o", "json"]).json();
    assert_eq!(page["tasks"][0]["kind"], "batch");
}

//! `tasks watch` and `tasks logs`: history as it is and as it grows.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::json;

use crate::stage::{Stage, complete, end, fail, perform, submit};

fn ended(outcome: windlass::Outcome) -> (Stage, String) {
    Stage::with(async |client| {
        submit(&client, "t", "null").await;
        perform(&client, "t", outcome).await.to_string()
    })
}

#[test]
fn watch_of_an_ended_task_tells_its_whole_history_once() {
    let (stage, id) = ended(complete("7"));
    let ran = stage.run(&["tasks", "watch", &id, "-o", "json"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let updates = ran.json_lines();
    let kinds: Vec<_> = updates.iter().map(|u| u["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["status", "status", "log", "progress", "log", "status"]);
    let seqs: Vec<_> = updates.iter().map(|u| u["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, [1, 2, 3, 4, 5, 6]);
    assert_eq!(updates[5]["status"], json!("completed"));
    let rest = stage.run(&["tasks", "watch", &id, "-o", "json", "--after", "4"]).json_lines();
    assert_eq!(rest, updates[4..]);

    let text = stage.run(&["tasks", "watch", &id]);
    assert_eq!(text.out.lines().count(), 7, "the warning has two lines: {}", text.out);
    for word in ["pending", "running", "opening", " 50%  half", "warning slow", "completed"] {
        assert!(text.out.contains(word), "{word}: {}", text.out);
    }
}

#[test]
fn watch_of_a_failed_or_cancelled_task_ends_with_1() {
    let (stage, id) = ended(fail("boom"));
    let ran = stage.run(&["tasks", "watch", &id]);
    assert_eq!(ran.code, 1);
    assert!(ran.out.contains("failed: boom"), "{}", ran.out);
    let id = stage.on_store(async |client| {
        let id = submit(&client, "t", "null").await.to_string();
        client.cancel(&id).await.unwrap();
        id
    });
    assert_eq!(stage.run(&["tasks", "watch", &id]).code, 1);
}

#[test]
fn watch_follows_a_task_that_another_process_runs() {
    let (stage, id) = Stage::with(async |client| submit(&client, "t", "null").await.to_string());
    let mut command = stage.command(&["tasks", "watch", &id, "-o", "json"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let first = lines.next().expect("the submission").unwrap();
    assert!(first.contains("pending"), "{first}");
    stage.on_store(async |client| perform(&client, "t", complete("7")).await);
    let last = lines.map(Result::unwrap).last().expect("the end");
    assert!(last.contains("completed"), "{last}");
    assert_eq!(end(child).code, 0);
}

#[test]
fn a_watch_that_runs_out_of_time_leaves_the_task() {
    let (stage, id) = Stage::with(async |client| submit(&client, "t", "null").await.to_string());
    let ran = stage.run(&["tasks", "watch", &id, "--timeout", "100ms"]);
    assert_eq!((ran.code, ran.error_code().as_str()), (1, "worker_not_available"), "{ran:?}");
    let task = stage.on_store(async |client| client.get(&id).await.unwrap());
    assert_eq!(task.status.as_str(), "pending");
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_watch_with_130() {
    let (stage, id) = Stage::with(async |client| submit(&client, "t", "null").await.to_string());
    let mut command = stage.command(&["tasks", "watch", &id]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut first).unwrap();
    assert!(first.contains("pending"), "{first}");
    let process = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(process, rustix::process::Signal::INT).unwrap();
    let ran = end(child);
    assert_eq!(ran.code, 130, "{ran:?}");
    assert!(ran.err.contains("interrupted"), "{ran:?}");
}

#[test]
fn logs_are_the_handlers_lines_from_a_level_up() {
    let (stage, id) = ended(complete("7"));
    let ran = stage.run(&["tasks", "logs", &id, "-o", "json"]);
    let lines: Vec<_> = ran.json_lines().iter().map(|u| u["message"].clone()).collect();
    assert_eq!((ran.code, lines), (0, vec![json!("opening"), json!("slow\nvery")]));
    let ran = stage.run(&["tasks", "logs", &id, "--level", "info", "--follow"]);
    assert_eq!(ran.code, 0);
    assert!(ran.out.contains("slow\nvery") && !ran.out.contains("opening"), "{}", ran.out);
    let waiting = stage.on_store(async |client| submit(&client, "t", "null").await.to_string());
    let ran = stage.run(&["tasks", "logs", &waiting]);
    assert_eq!((ran.code, ran.out.as_str()), (0, ""), "without --follow it does not wait");
}

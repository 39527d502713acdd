//! `events tail`: on a file, and through a server that goes away for a while.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Stdio};

use serde_json::{Value, json};

use crate::stage::{Serving, Stage, complete, end, fail, perform, submit};

/// A tail that has begun: what happens from now on is told.
fn begun(stage: &Stage, args: &[&str]) -> Child {
    let mut command = stage.command(&[&["events", "tail"], args].concat());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    // Read byte by byte: what follows on standard error is for the end of the command.
    let err = child.stderr.take().unwrap();
    let mut err = BufReader::with_capacity(1, err);
    err.read_line(&mut line).unwrap();
    assert!(line.contains("following"), "{line}");
    child.stderr = Some(err.into_inner());
    child
}

#[test]
fn a_tail_tells_the_life_of_every_task_from_now_on() {
    let (stage, _) = Stage::with(async |client| submit(&client, "before", "null").await);
    let mut child = begun(&stage, &["--count", "6"]);
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut told = String::new();
    let ids = stage.on_store(async |client| {
        let done = submit(&client, "a", "1").await;
        let failed = submit(&client, "b", "2").await;
        // The handlers begin after the tail has: what began before it is not its to tell.
        for _ in 0..2 {
            out.read_line(&mut told).unwrap();
        }
        perform(&client, "a", complete("1")).await;
        perform(&client, "b", fail("boom\x1b[2J")).await;
        [done, failed].map(|id| id.to_string())
    });
    out.read_to_string(&mut told).unwrap();
    let ran = end(child);
    assert_eq!(ran.code, 0, "{told} {ran:?}");
    let of = |id: &str| {
        let lines = told.lines().filter(|line| line.contains(id));
        lines.map(|line| line.split_whitespace().nth(1).unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(of(&ids[0]), ["submitted", "started", "completed"], "{told}");
    assert_eq!(of(&ids[1]), ["submitted", "started", "failed"], "{told}");
    assert!(told.contains("b: boom") && !told.contains('\u{1b}'), "{told}");
    assert!(!told.contains("before"), "{told}");
}

#[test]
fn a_tail_through_a_server_is_restricted_and_survives_its_restart() {
    let (stage, ()) = Stage::with(async |_| {});
    let serving = Serving::on(&stage, &[], &[]);
    let url = serving.url().to_owned();
    let mut command =
        stage.command(&["events", "tail", "-o", "json", "--type", "w", "--url", &url]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (told, tell) = std::sync::mpsc::channel();
    let out = child.stdout.take().unwrap();
    let reader = std::thread::spawn(move || {
        for line in BufReader::new(out).lines() {
            let event: Value = serde_json::from_str(&line.unwrap()).expect("an event");
            if told.send(event).is_err() {
                break;
            }
        }
    });
    let happen = |task_type: &str| {
        stage.on_store(async |client| submit(&client, task_type, "null").await.to_string())
    };
    // Nothing says when a tail for programs has begun, so tasks are submitted until one is told.
    let patience = std::time::Duration::from_millis(200);
    let mut tries = 0;
    let first = loop {
        happen("w");
        happen("other");
        match tell.recv_timeout(patience) {
            Ok(event) => break event,
            Err(_) if tries < 100 => tries += 1,
            Err(error) => panic!("{error}"),
        }
    };
    assert_eq!((&first["event"], &first["task_type"]), (&json!("task.submitted"), &json!("w")));
    assert_eq!((&first["status"], &first["seq"]), (&json!("pending"), &json!(1)));

    drop(serving);
    let id = happen("w");
    let listen = url.trim_start_matches("http://").to_owned();
    let mut command = stage.command(&["serve", "--listen", &listen, "-o", "json"]);
    let serving = Serving::start({
        command.env("WINDLASS_LOG_LEVEL", "off");
        command
    });
    let long = std::time::Duration::from_secs(60);
    let found = loop {
        let event = tell.recv_timeout(long).expect("what happened meanwhile is told");
        assert_eq!(event["task_type"], json!("w"));
        if event["task_id"] == json!(id) {
            break event;
        }
    };
    assert_eq!(found["event"], json!("task.submitted"));
    child.kill().unwrap();
    child.wait().unwrap();
    drop(tell);
    reader.join().unwrap();
    drop(serving);
}

//! What only a terminal gets: colours, and a line that is drawn over.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::process::Stdio;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::stage::{Stage, complete, perform, submit};

/// Runs a command that succeeds on a terminal; answers what the terminal got.
fn on_a_terminal(stage: &Stage, args: &[&str], vars: &[(&str, &str)]) -> String {
    let (seen, ended) = seen_on_a_terminal(stage, args, vars);
    assert!(ended.success(), "{seen}");
    seen
}

/// Runs a command with standard output and error on a terminal; answers what the terminal got.
fn seen_on_a_terminal(
    stage: &Stage,
    args: &[&str],
    vars: &[(&str, &str)],
) -> (String, std::process::ExitStatus) {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let name = ptsname(&ours, Vec::new()).unwrap().into_string().unwrap();
    let theirs = || {
        let file = OpenOptions::new().read(true).write(true).open(&name).unwrap();
        Stdio::from(file)
    };
    let mut command = stage.command(args);
    command.env("TERM", "xterm").envs(vars.iter().copied()).stdout(theirs()).stderr(theirs());
    let mut child = command.spawn().unwrap();
    // Otherwise the command's own ends would be held open here, and reading would never end.
    drop(command);
    let mut seen = Vec::new();
    // The end of a terminal is an error, not an empty read.
    let _ = File::from(ours).read_to_end(&mut seen);
    (String::from_utf8(seen).unwrap(), child.wait().unwrap())
}

#[test]
fn a_terminal_gets_colours_unless_they_are_refused() {
    let (stage, ()) = Stage::with(async |client| {
        submit(&client, "t", "null").await;
    });
    for args in [["tasks", "ls"], ["queues", "ls"]] {
        assert!(on_a_terminal(&stage, &args, &[]).contains("\x1b["), "{args:?}");
        for var in [("NO_COLOR", "1"), ("TERM", "dumb")] {
            let plain = on_a_terminal(&stage, &args, &[var]);
            assert!(
                !plain.contains('\x1b') && plain.contains("PENDING") | plain.contains("pending"),
                "{plain}"
            );
        }
        assert!(!stage.run(&args).out.contains('\x1b'), "no terminal, no colours");
    }
    assert!(!on_a_terminal(&stage, &["tasks", "ls", "-o", "json"], &[]).contains('\x1b'));
}

#[test]
fn progress_is_drawn_over_and_leaves_nothing_behind() {
    let (stage, id) = Stage::with(async |client| {
        submit(&client, "t", "null").await;
        perform(&client, "t", complete("7")).await.to_string()
    });
    let seen = on_a_terminal(&stage, &["tasks", "watch", &id], &[("NO_COLOR", "1")]);
    let bar = seen.find("50%  half").expect("the bar");
    let after = &seen[bar..];
    assert!(after.contains("\r\x1b[2K"), "wiped before the next line: {after:?}");
    assert!(!after[..after.find("\r\x1b[2K").unwrap()].contains('\n'), "{after:?}");
}

#[test]
fn a_batch_is_drawn_over_while_it_goes_on() {
    let (stage, id) = Stage::with(async |client| {
        let specs = vec![windlass::TaskSpec::new("t", windlass::Payload::null()); 2];
        let options = windlass::SubmitOptions { batch: true, ..Default::default() };
        let stored = client.submit_many(specs, options).await.unwrap();
        perform(&client, "t", complete("1")).await;
        stored[0].batch_id.unwrap().to_string()
    });
    let args = ["batches", "watch", &id, "--timeout", "1ms"];
    let (seen, ended) = seen_on_a_terminal(&stage, &args, &[("NO_COLOR", "1")]);
    assert_eq!(ended.code(), Some(1));
    let bar =
        seen.find("[############------------]  50%  1 pending, 1 completed").expect("the bar");
    let after = &seen[bar..];
    let wiped = after.find("\r\x1b[2K").expect("wiped before the error");
    assert!(!after[..wiped].contains('\n') && after.contains("it goes on"), "{after:?}");
}

#[test]
fn a_pipeline_is_drawn_over_until_it_has_ended() {
    let (stage, id) = Stage::with(async |client| {
        let text = r#"{"name": "p", "stages": [{"name": "a", "task_type": "t"},
            {"name": "b", "task_type": "t", "depends_on": ["a"]}]}"#;
        let spec = windlass::PipelineSpec::from_wire(text).unwrap();
        let options = windlass::SubmitOptions::default();
        let stored = client.service().submit_pipeline("default", spec, options).await.unwrap();
        stored.pipeline_id.to_string()
    });
    let work = stage.on_store_later(async |client| {
        // The watcher may have seen it before, between, or after: the last drawing is what counts.
        perform(&client, "t", complete("1")).await;
        perform(&client, "t", complete("1")).await;
    });
    let seen = on_a_terminal(&stage, &["pipelines", "show", &id, "--watch"], &[("COLUMNS", "60")]);
    work.join().expect("the work is done");
    let last = seen.rsplit("\x1b[J").next().unwrap();
    assert!(last.contains("2 of 2 stages") && last.contains("\x1b[32m●"), "{last:?}");
    let args = ["pipelines", "show", &id, "--watch", "--timeout", "1s"];
    assert!(on_a_terminal(&stage, &args, &[("NO_COLOR", "1")]).contains("●  a"));
}

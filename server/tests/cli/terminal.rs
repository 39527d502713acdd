//! What only a terminal gets: colours, and a line that is drawn over.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::process::Stdio;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::stage::{Stage, complete, perform, submit};

/// Runs a command with standard output and error on a terminal; answers what the terminal got.
fn on_a_terminal(stage: &Stage, args: &[&str], vars: &[(&str, &str)]) -> String {
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
    assert!(child.wait().unwrap().success());
    String::from_utf8(seen).unwrap()
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

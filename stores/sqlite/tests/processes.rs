//! Several processes on one file, and processes that are killed.

mod common;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use common::{TENANT, completions, open, order, run, submit};
use windlass_core::rules::ids::IdSource;
use windlass_core::store::Applied;
use windlass_core::{Store, TaskId, TaskStatus};

const PROCESSES: usize = 4;
const EACH: usize = 150;

/// Runs one of the ignored functions below in a process of its own.
fn start(role: &str, file: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "--nocapture", role])
        .env("WINDLASS_TEST_FILE", file)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

fn file() -> std::path::PathBuf {
    std::env::var_os("WINDLASS_TEST_FILE").expect("started by another test").into()
}

#[test]
#[ignore = "run by another test as a process of its own"]
fn submits_and_drains() {
    let store = open(&file()).unwrap();
    let ids = IdSource::default();
    run(async {
        for _ in 0..EACH {
            submit(&store, &ids).await.unwrap();
        }
        loop {
            let leased = store.lease(order(&ids, 7)).await.unwrap();
            if leased.tasks.is_empty() {
                break;
            }
            let (applied, _) = store.settle(completions(&leased.tasks), None).await.unwrap();
            assert!(applied.iter().all(|one| matches!(one, Ok(Applied::Done(_)))), "{applied:?}");
        }
    });
}

#[test]
fn processes_that_open_submit_and_drain_together_lose_and_double_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tasks.db");
    // They also make the file and its schema together.
    let children: Vec<Child> = (0..PROCESSES).map(|_| start("submits_and_drains", &file)).collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
    let counts = run(open(&file).unwrap().counts(TENANT)).unwrap();
    assert_eq!(counts.len(), 1, "{counts:?}");
    assert_eq!(counts[0].status, TaskStatus::Completed);
    assert_eq!(counts[0].count, (PROCESSES * EACH) as u64);
}

#[test]
#[ignore = "run by another test as a process of its own"]
fn submits_until_killed() {
    let store = open(&file()).unwrap();
    let ids = IdSource::default();
    run(async {
        loop {
            let id = submit(&store, &ids).await.unwrap();
            let mut out = std::io::stdout().lock();
            writeln!(out, "acknowledged {id}").unwrap();
            out.flush().unwrap();
        }
    });
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tasks.db");
    let mut children: Vec<Child> = (0..2).map(|_| start("submits_until_killed", &file)).collect();
    let mut acknowledged: Vec<TaskId> = Vec::new();
    for (i, child) in children.iter_mut().enumerate() {
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let mut ids = lines.filter_map(|line| {
            line.strip_prefix("acknowledged ").and_then(|id| id.parse::<TaskId>().ok())
        });
        acknowledged.extend(ids.by_ref().take(100 + 50 * i));
        child.kill().unwrap();
        // What was written before the kill was acknowledged too.
        acknowledged.extend(ids);
        child.wait().unwrap();
    }
    assert!(acknowledged.len() >= 250, "{}", acknowledged.len());
    let store = open(&file).unwrap();
    let found = run(store.get(TENANT, acknowledged)).unwrap();
    assert!(found.iter().all(Option::is_some));
    run(submit(&store, &IdSource::default())).unwrap();
}

#[test]
#[ignore = "run by another test as a process of its own"]
fn submits_once() {
    run(submit(&open(&file()).unwrap(), &IdSource::default())).unwrap();
}

#[test]
fn a_submit_wakes_other_processes_and_not_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tasks.db");
    let store = open(&file).unwrap();
    let (send, receive) = mpsc::channel();
    store.on_change(Arc::new(move || {
        let _ = send.send(());
    }));
    run(submit(&store, &IdSource::default())).unwrap();
    assert!(receive.recv_timeout(Duration::from_millis(200)).is_err(), "its own submit");
    let mut child = start("submits_once", &file);
    receive.recv_timeout(Duration::from_secs(20)).expect("another's submit");
    assert!(child.wait().unwrap().success());
}

/// Runs `child` in a fork of this process; the id of the fork.
#[cfg(unix)]
fn fork(child: impl FnOnce() -> bool) -> i32 {
    // SAFETY: the child ends without unwinding and without running anything of the parent's.
    unsafe {
        match libc::fork() {
            0 => libc::_exit(if child() { 0 } else { 1 }),
            id => id,
        }
    }
}

/// Whether a fork ended well.
#[cfg(unix)]
fn ended_well(id: i32) -> bool {
    let mut status = -1;
    // SAFETY: waits for a child of this process; `status` lives for the call.
    unsafe { libc::waitpid(id, &mut status, 0) };
    status == 0
}

#[cfg(unix)]
fn wait_for(sign: &Path) {
    let started = std::time::Instant::now();
    // A parent or child that failed leaves no sign; then the other must not wait for ever.
    while !sign.exists() && started.elapsed() < Duration::from_secs(30) {
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[cfg(unix)]
#[test]
#[ignore = "run by another test as a process of its own"]
fn forks_with_an_open_store() {
    let file = file();
    let store = open(&file).unwrap();
    let ids = IdSource::default();
    store.on_change(Arc::new(|| {}));
    let id = run(submit(&store, &ids)).unwrap();
    let (opened, closed) = (file.with_extension("opened"), file.with_extension("closed"));
    let child = fork(|| {
        let read = run(store.get(TENANT, vec![id])).unwrap_err().code();
        let written = run(submit(&store, &ids)).unwrap_err().code();
        drop(store.clone());
        let own = open(&file).unwrap();
        let found = run(own.get(TENANT, vec![id])).unwrap()[0].is_some();
        std::fs::write(&opened, "").unwrap();
        wait_for(&closed);
        let stored = run(submit(&own, &ids)).is_ok();
        (read, written) == ("store_unavailable", "store_unavailable") && found && stored
    });
    wait_for(&opened);
    run(submit(&store, &ids)).unwrap();
    // The last connection to be closed removes the log. The child's is still open.
    run(store.close()).unwrap();
    drop(store);
    assert!(file.with_extension("db-wal").exists(), "the child's connection counts");
    std::fs::write(&closed, "").unwrap();
    assert!(ended_well(child));
    assert_eq!(run(open(&file).unwrap().counts(TENANT)).unwrap()[0].count, 3);
}

#[cfg(unix)]
#[test]
#[ignore = "run by another test as a process of its own"]
fn forks_while_it_writes() {
    let file = file();
    let store = open(&file).unwrap();
    let ids = IdSource::default();
    let over = std::sync::atomic::AtomicBool::new(false);
    let mut own = 0;
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let mut done = 0;
                    while !over.load(std::sync::atomic::Ordering::Relaxed) {
                        run(submit(&store, &ids)).unwrap();
                        run(store.counts(TENANT)).unwrap();
                        done += 1;
                    }
                    done
                })
            })
            .collect();
        let children: Vec<i32> = (0..20)
            .map(|_| {
                // Ids of the parent would be given twice.
                let ids = IdSource::default();
                fork(|| run(submit(&open(&file).unwrap(), &ids)).is_ok())
            })
            .collect();
        assert!(children.into_iter().all(ended_well));
        over.store(true, std::sync::atomic::Ordering::Relaxed);
        own = writers.into_iter().map(|writer| writer.join().unwrap()).sum();
    });
    assert_eq!(run(store.counts(TENANT)).unwrap()[0].count, own + 20);
}

#[cfg(unix)]
#[test]
fn a_fork_is_refused_opens_its_own_and_harms_nothing() {
    for role in ["forks_with_an_open_store", "forks_while_it_writes"] {
        a_fork_harms_nothing(role);
    }
}

#[cfg(unix)]
fn a_fork_harms_nothing(role: &str) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tasks.db");
    let output = start(role, &file).wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let damage: String = rusqlite::Connection::open(&file)
        .unwrap()
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(damage, "ok");
}

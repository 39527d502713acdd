//! Batches and pipelines on a file: two processes on one graph, and a part that the database fails on.

mod common;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use common::{TENANT, completions, new_task, open, order, run};
use rusqlite::Connection;
use windlass_core::engine::composite::Plan;
use windlass_core::rules::ids::IdSource;
use windlass_core::store::{Applied, Composition, Edge};
use windlass_core::words::{Members, Parent, TaskKind};
use windlass_core::{Store, Task, TaskId, TaskStatus, UpdateKind};
use windlass_sqlite::SqliteStore;

/// Stages of a layer of the pipeline.
const WIDE: u32 = 40;
/// Layers that are so wide; one stage lies between two of them.
const LAYERS: u32 = 5;

/// A pipeline of wide layers: each stage of a layer waits for the one before it, and that for the layer
/// before.
fn layers(ids: &IdSource) -> Composition {
    let mut task = new_task(ids, 0);
    task.spec.payload = Plan::default().to_payload();
    task.place.kind = TaskKind::Pipeline;
    let parent = Parent { task_id: task.task_id, kind: TaskKind::Pipeline };
    let mut all =
        Composition { task, members: vec![], edges: vec![], hooks: vec![], depth_limit: None };
    let mut add = |after: std::ops::Range<u32>| {
        let mut stage = new_task(ids, 10);
        let to = all.members.len() as u32;
        stage.place.parent = Some(parent);
        stage.place.stage = Some(format!("stage-{to}"));
        stage.place.waits = after.len() as u32;
        all.members.push(stage);
        all.edges.extend(after.map(|from| Edge { from, to }));
        to
    };
    let mut last = add(0..0);
    for _ in 0..LAYERS {
        let first = last + 1;
        for _ in 0..WIDE {
            add(last..last + 1);
        }
        last = add(first..first + WIDE);
    }
    all
}

fn composite(store: &SqliteStore, id: TaskId) -> Task {
    run(store.get(TENANT, vec![id])).unwrap().remove(0).unwrap()
}

#[test]
#[ignore = "run by another test as a process of its own"]
fn drains_a_graph() {
    let file = std::env::var_os("WINDLASS_TEST_FILE").expect("started by another test");
    let id: TaskId = std::env::var("WINDLASS_TEST_TASK").unwrap().parse().unwrap();
    let store = open(Path::new(&file)).unwrap();
    let (changed, changes) = mpsc::channel();
    store.on_change(Arc::new(move || {
        let _ = changed.send(());
    }));
    std::io::stdout().write_all(b"ready\n").unwrap();
    let ids = IdSource::default();
    loop {
        let leased = run(store.lease(order(&ids, 3))).unwrap();
        if !leased.tasks.is_empty() {
            let (applied, _) = run(store.settle(completions(&leased.tasks), None)).unwrap();
            assert!(applied.iter().all(|one| matches!(one, Ok(Applied::Done(_)))), "{applied:?}");
        } else if run(store.get(TENANT, vec![id])).unwrap()[0]
            .as_ref()
            .is_some_and(|task| task.status.is_final())
        {
            break;
        } else {
            // The other process tells of what it let go; a hint may be lost.
            let _ = changes.recv_timeout(Duration::from_millis(100));
        }
    }
}

#[test]
fn two_processes_on_one_graph_run_each_stage_once_and_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tasks.db");
    let store = open(&file).unwrap();
    let all = layers(&IdSource::default());
    let (id, total) = (all.task.task_id, all.members.len() as u32);
    let child = || {
        Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "--nocapture", "drains_a_graph"])
            .env("WINDLASS_TEST_FILE", &file)
            .env("WINDLASS_TEST_TASK", id.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let mut children: Vec<Child> = (0..2).map(|_| child()).collect();
    for child in &mut children {
        let lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
        assert!(lines.map_while(Result::ok).any(|line| line.contains("ready")));
    }
    run(store.compose(all)).unwrap();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
    let task = composite(&store, id);
    let whole = Members { total, completed: total, first: Some(true), ..Members::default() };
    assert_eq!((task.status, task.members), (TaskStatus::Completed, Some(whole)));
    let graph = run(store.graph(TENANT, id)).unwrap().unwrap();
    assert!(graph.members.iter().all(|one| one.attempt == 1), "each ran once");
    let find = |id: TaskId| graph.members.iter().find(|one| one.task_id == id).unwrap();
    for (from, to) in &graph.edges {
        assert!(find(*from).finished_at <= find(*to).started_at, "{from} before {to}");
    }
    // Its history tells of each stage's end once, and then of its own.
    let (task, history) = run(store.updates(TENANT, id, 0, 10_000)).unwrap().unwrap();
    let ends = history.iter().filter(|entry| {
        matches!(&entry.kind, UpdateKind::Member { status: TaskStatus::Completed, .. })
    });
    assert_eq!(ends.count(), total as usize);
    assert!(history.iter().all(|entry| entry.seq < task.last_seq), "the end is the last");
}

// What the database fails on leaves nothing behind of what would have followed, and its neighbours
// in the same call are stored with what follows from them.
#[test]
fn a_completion_that_fails_lets_nobody_go() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tasks.db");
    let store = open(&file).unwrap();
    let told = Arc::new(Mutex::new(Vec::new()));
    let own = told.clone();
    store.on_follow(Arc::new(move |followed| own.lock().unwrap().extend(followed.iter().copied())));
    let ids = IdSource::default();
    let pair = || {
        let mut all = layers(&ids);
        all.members.truncate(2);
        all.edges.truncate(1);
        all
    };
    let (bad, good) = (pair(), pair());
    let first = |all: &Composition| (all.members[0].task_id, all.members[1].task_id);
    let ((bad_first, bad_next), (_, good_next)) = (first(&bad), first(&good));
    let (bad_id, good_id) = (bad.task.task_id, good.task.task_id);
    run(store.compose(bad)).unwrap();
    run(store.compose(good)).unwrap();
    let trigger = format!(
        "CREATE TRIGGER broken BEFORE UPDATE ON tasks WHEN new.id = x'{:032x}' AND new.status = 2 \
         BEGIN SELECT raise(ABORT, 'broken'); END",
        u128::from_be_bytes(*bad_next.as_bytes())
    );
    Connection::open(&file).unwrap().execute_batch(&trigger).unwrap();
    let leased = run(store.lease(order(&ids, 2))).unwrap();
    assert_eq!(leased.tasks.len(), 2);
    let (applied, _) = run(store.settle(completions(&leased.tasks), None)).unwrap();
    let failed = applied.iter().filter(|one| one.is_err()).count();
    assert_eq!((failed, applied.len()), (1, 2), "{applied:?}");
    let status = |id: TaskId| composite(&store, id).status;
    assert_eq!((status(bad_first), status(bad_next)), (TaskStatus::Running, TaskStatus::Blocked));
    assert_eq!(composite(&store, bad_id).members.unwrap().completed, 0);
    assert_eq!(status(good_next), TaskStatus::Pending);
    assert_eq!(composite(&store, good_id).members.unwrap().completed, 1);
    let told: Vec<TaskId> = told.lock().unwrap().iter().map(|one| one.task_id).collect();
    assert!(told.contains(&good_next) && !told.contains(&bad_next), "{told:?}");
    assert!(!told.contains(&bad_id), "{told:?}");
    let counts = run(store.counts(TENANT)).unwrap();
    let counts: Vec<_> = counts.iter().map(|count| (count.status, count.count)).collect();
    let one = |status| (status, 1);
    use TaskStatus::{Blocked, Completed, Pending, Running};
    assert_eq!(counts, [one(Blocked), one(Pending), one(Running), one(Completed)]);
}

//! What a file may be, and what is done when it is something else, old, new, copied or full.

mod common;

use std::path::Path;

use common::{Mount, TENANT, group, open, run, submit};
use rusqlite::Connection;
use windlass_core::rules::ids::IdSource;
use windlass_core::{BatchId, Clock, Error, Store, SystemClock, TaskId, TaskStatus};
use windlass_sqlite::{migrate, migrate_plan};

fn refused(path: &Path) -> Error {
    match open(path) {
        Ok(_) => panic!("{} was opened", path.display()),
        Err(error) => error,
    }
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    for text in ["# notes\n".to_owned(), "notes ".repeat(2000)] {
        let file = folder.path().join("notes.txt");
        std::fs::write(&file, &text).unwrap();
        assert_eq!(refused(&file).code(), "invalid_store");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing beside it");
    }
}

#[test]
fn another_programs_database_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("other.db");
    Connection::open(&file).unwrap().execute_batch("CREATE TABLE tasks (x)").unwrap();
    let error = refused(&file);
    assert_eq!(error.code(), "invalid_store");
    assert!(error.to_string().contains("another program"), "{error}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing beside it");
}

#[test]
fn an_empty_file_becomes_a_store() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("empty.db");
    std::fs::write(&file, "").unwrap();
    run(submit(&open(&file).unwrap(), &IdSource::default())).unwrap();
}

#[test]
fn a_newer_schema_is_worked_beside_when_it_allows_it_and_refused_when_not() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tasks.db");
    drop(open(&file).unwrap());
    let set = |key: &str, value: u32| {
        let connection = Connection::open(&file).unwrap();
        connection.execute("UPDATE meta SET value = ?2 WHERE key = ?1", (key, value)).unwrap();
    };
    set("version", 99);
    run(submit(&open(&file).unwrap(), &IdSource::default())).unwrap();
    assert_eq!(migrate_plan(&file).unwrap().found, 99);
    set("min_compatible", 98);
    match refused(&file) {
        Error::SchemaIncompatible { found, supported, .. } => {
            assert_eq!((found, supported), (99, 5));
        }
        other => panic!("{other}"),
    }
    assert_eq!(migrate_plan(&file).unwrap_err().code(), "schema_incompatible");
}

#[test]
fn a_dry_run_shows_the_steps_and_takes_none() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tasks.db");
    let plan = migrate(&file, true).unwrap();
    assert_eq!((plan.found, plan.supported, plan.pending.len()), (0, 5, 5));
    assert!(plan.pending[0].sql.contains("CREATE TABLE tasks"));
    assert!(!file.exists());
    assert_eq!(migrate(&file, false).unwrap(), plan);
    let after = migrate_plan(&file).unwrap();
    assert_eq!((after.found, after.min_compatible, after.pending.len()), (5, 5, 0));
}

/// A store as a build left it whose schema had this version.
fn old(file: &Path, version: u32) -> Connection {
    let connection = Connection::open(file).unwrap();
    let steps = migrate(&file.with_extension("none"), true).unwrap().pending;
    connection
        .execute_batch(
            "PRAGMA application_id = 1464747084; PRAGMA journal_mode = WAL;
             CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;",
        )
        .unwrap();
    for step in steps.iter().filter(|step| step.version <= version) {
        connection.execute_batch(step.sql).unwrap();
        for (key, value) in [("version", step.version), ("min_compatible", step.min_compatible)] {
            connection.execute("REPLACE INTO meta VALUES (?1, ?2)", (key, value)).unwrap();
        }
    }
    connection
}

/// A row as builds before schema 4 wrote it.
fn old_row(connection: &Connection, ids: &IdSource, status: u8, batch: Option<BatchId>) -> TaskId {
    let id = ids.task(SystemClock.now());
    let state_key = batch.is_none().then_some("user:1");
    connection
        .execute(
            "INSERT INTO tasks (id, status, version, tenant, queue, handler, suspect, priority, run_at, \
             created_at, attempt, submitted_as, last_seq, first_seq, cancel_requested, lease_counted, \
             task_type, batch_id, state_key, payload) VALUES \
             (?1, ?2, 1, ?3, 'default', 'work', 0, 3, 1, 1, 0, 2, 1, 1, 0, 0, 'work', ?4, ?5, 'null')",
            (id.as_bytes(), status, TENANT, batch.map(|id| *id.as_bytes()), state_key),
        )
        .unwrap();
    connection
        .execute(
            "INSERT INTO counts VALUES (?1, 'default', ?2, 1) ON CONFLICT DO UPDATE SET n = n + 1",
            (TENANT, status),
        )
        .unwrap();
    id
}

#[test]
fn a_store_of_an_older_build_is_brought_up_to_date() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tasks.db");
    let id = old_row(&old(&file, 1), &IdSource::default(), 2, None);
    let plan = migrate(&file, true).unwrap();
    let versions = (plan.found, plan.min_compatible, plan.supported);
    assert_eq!((versions, plan.pending.len()), ((1, 1, 5), 4));
    let steps: Vec<_> = plan.pending.iter().map(|s| (s.version, s.min_compatible)).collect();
    assert_eq!(steps, [(2, 1), (3, 1), (4, 4), (5, 5)]);
    assert_eq!(migrate_plan(&file).unwrap(), plan, "a dry run takes no step");
    let store = open(&file).unwrap();
    assert!(run(store.get(TENANT, vec![id])).unwrap()[0].is_some());
    run(store.pause(TENANT, "default", true)).unwrap();
    assert_eq!(run(store.paused(TENANT)).unwrap(), ["default"]);
    let after = migrate_plan(&file).unwrap();
    assert_eq!((after.found, after.min_compatible, after.pending.len()), (5, 5, 0));
}

// A build of schema 3 would complete a member without counting down who waits for it.
#[test]
fn a_build_that_leased_before_this_schema_leases_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tasks.db");
    let older = old(&file, 3);
    let lease = "SELECT num FROM tasks INDEXED BY tasks_ready WHERE status = 2 AND tenant = 'x'";
    let look = || older.prepare(lease)?.exists([]);
    assert_eq!(look(), Ok(false));
    drop(open(&file).unwrap());
    assert!(look().unwrap_err().to_string().contains("no such index"));
}

// It would leave its task at the head of the line for ever, or two of one key running at once.
#[test]
fn a_build_from_before_this_schema_writes_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tasks.db");
    let (older, ids) = (old(&file, 3), IdSource::default());
    let [waits, runs] = [2, 3].map(|status| old_row(&older, &ids, status, None));
    let store = open(&file).unwrap();
    let statuses = || {
        let tasks = run(store.get(TENANT, vec![waits, runs])).unwrap();
        tasks.into_iter().map(|task| task.unwrap().status).collect::<Vec<_>>()
    };
    // The one that runs comes first, though it was stored later.
    assert_eq!(statuses(), [TaskStatus::Blocked, TaskStatus::Running]);
    older.execute_batch("BEGIN IMMEDIATE; UPDATE tasks SET status = 4 WHERE status = 3").unwrap();
    let count =
        "INSERT INTO counts VALUES ('x', 'default', 4, 1) ON CONFLICT DO UPDATE SET n = n + 1";
    let refused = older.execute_batch(count).unwrap_err();
    assert!(refused.to_string().contains("no such table"), "{refused}");
    older.execute_batch("ROLLBACK").unwrap();
    assert_eq!(statuses(), [TaskStatus::Blocked, TaskStatus::Running]);
    // What is final holds no line up, whoever ended it.
    older.execute_batch("UPDATE tasks SET status = 4, finished_at = 1").unwrap();
    let mut later = group(&ids, 1, 1);
    later.tasks[0].spec.state_key = Some("user:1".to_owned());
    let later = run(store.enqueue(vec![later])).unwrap().remove(0).unwrap().remove(0);
    assert_eq!(later.status, TaskStatus::Pending);
}

#[test]
fn a_batch_from_before_composites_is_counted_and_completes() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tasks.db");
    let (ids, batch) = (IdSource::default(), IdSource::default().batch(SystemClock.now()));
    {
        let older = old(&file, 3);
        for _ in 0..3 {
            old_row(&older, &ids, 2, Some(batch));
        }
    }
    let store = open(&file).unwrap();
    assert!(run(store.graph(TENANT, batch.into())).unwrap().is_none());
    assert_eq!(run(store.batch(TENANT, batch)).unwrap(), [(TaskStatus::Pending, 3)].into());
    let leased = run(store.lease(common::order(&ids, 3))).unwrap();
    let all = common::completions(&leased.tasks);
    run(store.settle(all, None)).unwrap();
    assert_eq!(run(store.batch(TENANT, batch)).unwrap(), [(TaskStatus::Completed, 3)].into());
}

#[test]
fn tasks_whose_state_key_was_only_carried_stand_in_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tasks.db");
    let ids = IdSource::default();
    let [first, second, third] = {
        let older = old(&file, 3);
        [2, 2, 1].map(|status| old_row(&older, &ids, status, None))
    };
    let store = open(&file).unwrap();
    let statuses = || {
        let tasks = run(store.get(TENANT, vec![first, second, third])).unwrap();
        tasks.into_iter().map(|task| task.unwrap().status).collect::<Vec<_>>()
    };
    assert_eq!(statuses(), [TaskStatus::Pending, TaskStatus::Blocked, TaskStatus::Blocked]);
    let counts = run(store.counts(TENANT)).unwrap();
    let counts: Vec<_> = counts.into_iter().map(|count| (count.status, count.count)).collect();
    assert_eq!(counts, [(TaskStatus::Blocked, 2), (TaskStatus::Pending, 1)]);
    for _ in 0..3 {
        let leased = run(store.lease(common::order(&ids, 3))).unwrap();
        assert_eq!(leased.tasks.len(), 1, "one at a time");
        run(store.settle(common::completions(&leased.tasks), None)).unwrap();
    }
    assert_eq!(statuses(), [TaskStatus::Completed; 3]);
}

#[test]
fn a_copy_taken_while_it_is_open_has_what_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tasks.db");
    let store = open(&file).unwrap();
    let id = run(submit(&store, &IdSource::default())).unwrap();
    let copy = folder.path().join("copy.db");
    std::fs::copy(&file, &copy).unwrap();
    std::fs::copy(folder.path().join("tasks.db-wal"), folder.path().join("copy.db-wal")).unwrap();
    let found = run(open(&copy).unwrap().get(TENANT, vec![id])).unwrap();
    assert!(found[0].is_some());
}

#[test]
fn a_closed_store_refuses_and_leaves_one_whole_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tasks.db");
    let store = open(&file).unwrap();
    let id = run(submit(&store, &IdSource::default())).unwrap();
    run(store.close()).unwrap();
    assert_eq!(run(store.close()).unwrap_err().code(), "client_closed");
    assert_eq!(run(submit(&store, &IdSource::default())).unwrap_err().code(), "client_closed");
    assert_eq!(run(store.get(TENANT, vec![id])).unwrap_err().code(), "client_closed");
    assert!(!folder.path().join("tasks.db-wal").exists(), "the log was copied and removed");
    assert!(run(open(&file).unwrap().get(TENANT, vec![id])).unwrap()[0].is_some());
}

#[test]
fn a_read_only_folder_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tasks.db");
    drop(open(&file).unwrap());
    let source = folder.path().to_str().unwrap();
    let Some(mount) = Mount::new(&["--bind", "-o", "ro", source]) else { return };
    assert_eq!(refused(&mount.path.join("tasks.db")).code(), "store_read_only");
    assert_eq!(refused(&mount.path.join("new.db")).code(), "store_read_only");
}

#[test]
fn a_full_disk_is_told_and_work_goes_on_when_there_is_room() {
    let Some(mount) = Mount::new(&["-t", "tmpfs", "-o", "size=3m", "tmpfs"]) else { return };
    let ballast = mount.path.join("ballast");
    std::fs::write(&ballast, vec![0; 1 << 20]).unwrap();
    let store = open(&mount.path.join("tasks.db")).unwrap();
    let ids = IdSource::default();
    run(async {
        let (mut stored, mut told) = (0, None);
        for _ in 0..100 {
            match store.enqueue(vec![group(&ids, 10, 5_000)]).await {
                Ok(answers) => match &answers[0] {
                    Ok(_) => stored += 10,
                    Err(error) => told = Some(error.code()),
                },
                Err(error) => told = Some(error.code()),
            }
            if told.is_some() {
                break;
            }
        }
        assert_eq!(told, Some("store_full"));
        assert!(stored > 0);
        // A store that is opened now is told the same, or opens.
        if let Err(error) = open(&mount.path.join("another.db")) {
            assert_eq!(error.code(), "store_full");
        }
        let counted = store.counts(TENANT).await.unwrap();
        assert_eq!(counted[0].count, stored, "what was refused left no trace");
        std::fs::remove_file(&ballast).unwrap();
        store.enqueue(vec![group(&ids, 10, 5_000)]).await.unwrap().remove(0).unwrap();
        assert_eq!(store.counts(TENANT).await.unwrap()[0].count, stored + 10);
    });
}

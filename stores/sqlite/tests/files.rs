//! What a file may be, and what is done when it is something else, old, new, copied or full.

mod common;

use std::path::Path;

use common::{Mount, TENANT, group, open, run, submit};
use rusqlite::Connection;
use windlass_core::rules::ids::IdSource;
use windlass_core::{Error, Store};
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
            assert_eq!((found, supported), (99, 3));
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
    assert_eq!((plan.found, plan.supported, plan.pending.len()), (0, 3, 3));
    assert!(plan.pending[0].sql.contains("CREATE TABLE tasks"));
    assert!(!file.exists());
    assert_eq!(migrate(&file, false).unwrap(), plan);
    let after = migrate_plan(&file).unwrap();
    assert_eq!((after.found, after.min_compatible, after.pending.len()), (3, 1, 0));
}

#[test]
fn a_store_of_an_older_build_is_brought_up_to_date_and_stays_open_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tasks.db");
    let id = {
        let store = open(&file).unwrap();
        let id = run(submit(&store, &IdSource::default())).unwrap();
        run(store.close()).unwrap();
        id
    };
    let sql = "DROP TABLE paused_queues; DROP INDEX tasks_completed; UPDATE meta SET value = 1";
    Connection::open(&file).unwrap().execute_batch(sql).unwrap();
    let plan = migrate(&file, true).unwrap();
    let versions = (plan.found, plan.min_compatible, plan.supported);
    assert_eq!((versions, plan.pending.len()), ((1, 1, 3), 2));
    let steps: Vec<_> = plan.pending.iter().map(|s| (s.version, s.min_compatible)).collect();
    assert_eq!(steps, [(2, 1), (3, 1)]);
    assert_eq!(migrate_plan(&file).unwrap(), plan, "a dry run takes no step");
    let store = open(&file).unwrap();
    assert!(run(store.get(TENANT, vec![id])).unwrap()[0].is_some());
    run(store.pause(TENANT, "default", true)).unwrap();
    assert_eq!(run(store.paused(TENANT)).unwrap(), ["default"]);
    let after = migrate_plan(&file).unwrap();
    assert_eq!((after.found, after.min_compatible, after.pending.len()), (3, 1, 0));
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

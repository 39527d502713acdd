//! Many threads on one store: nothing is lost, doubled or mixed up.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{TENANT, completions, group, open, order, run, submit};
use windlass_core::rules::ids::IdSource;
use windlass_core::store::Applied;
use windlass_core::{Store, TaskStatus};

const THREADS: usize = 8;
const EACH: usize = 200;

#[test]
fn threads_that_submit_and_drain_together_lose_and_double_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("tasks.db")).unwrap();
    let ids = Arc::new(IdSource::default());
    let done = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                run(async {
                    for _ in 0..EACH {
                        submit(&store, &ids).await.unwrap();
                    }
                    loop {
                        let leased = store.lease(order(&ids, 9)).await.unwrap();
                        if leased.tasks.is_empty() {
                            break;
                        }
                        let settled = completions(&leased.tasks);
                        let (applied, _) = store.settle(settled, None).await.unwrap();
                        let whole = applied.iter().all(|one| matches!(one, Ok(Applied::Done(_))));
                        assert!(whole, "{applied:?}");
                        done.fetch_add(applied.len(), Ordering::Relaxed);
                    }
                });
            });
        }
    });
    assert_eq!(done.into_inner(), THREADS * EACH);
    let counts = run(store.counts(TENANT)).unwrap();
    assert_eq!((counts.len(), counts[0].status), (1, TaskStatus::Completed));
    assert_eq!(counts[0].count, (THREADS * EACH) as u64);
}

#[test]
fn writers_that_wait_for_each_others_turns_are_never_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tasks.db");
    // Two stores on one file take turns as two processes do, so callers, threads and turns meet in
    // every order. A caller that is forgotten would wait for ever.
    let stores = [open(&file).unwrap(), open(&file).unwrap(), open(&file).unwrap()];
    let (done, finished) = std::sync::mpsc::channel();
    for store in stores.iter().flat_map(|store| [store.clone(), store.clone()]) {
        let done = done.clone();
        std::thread::spawn(move || {
            let ids = IdSource::default();
            run(async {
                for _ in 0..300 {
                    submit(&store, &ids).await.unwrap();
                }
            });
            done.send(()).unwrap();
        });
    }
    for _ in 0..6 {
        finished.recv_timeout(std::time::Duration::from_secs(120)).expect("nobody is forgotten");
    }
    assert_eq!(run(stores[0].counts(TENANT)).unwrap()[0].count, 6 * 300);
}

#[test]
fn a_group_that_the_database_fails_on_harms_no_neighbour() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("tasks.db")).unwrap();
    let ids = IdSource::default();
    run(async {
        let first = group(&ids, 2, 10);
        store.enqueue(vec![first.clone()]).await.unwrap().remove(0).unwrap();
        // An id that is stored already: the database refuses its second task, after the first one
        // was written.
        let mut bad = group(&ids, 2, 10);
        bad.tasks[1].task_id = first.tasks[0].task_id;
        let fresh = bad.tasks[0].task_id;
        let (before, after) = (group(&ids, 1, 10), group(&ids, 3, 10));
        let (one, all) = tokio::join!(
            store.enqueue(vec![group(&ids, 1, 10)]),
            store.enqueue(vec![before, bad, after]),
        );
        one.unwrap().remove(0).unwrap();
        let answers = all.unwrap();
        assert_eq!(answers[0].as_ref().unwrap().len(), 1);
        assert_eq!(answers[1].as_ref().unwrap_err().code(), "store_unavailable");
        assert_eq!(answers[2].as_ref().unwrap().len(), 3);
        assert_eq!(store.get(TENANT, vec![fresh]).await.unwrap(), [None]);
        assert_eq!(store.counts(TENANT).await.unwrap()[0].count, 2 + 1 + 1 + 3);
    });
}

#[test]
fn a_write_outlives_the_future_that_asked_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tasks.db");
    let store = open(&file).unwrap();
    let ids = IdSource::default();
    let wanted = group(&ids, 1, 10);
    let id = wanted.tasks[0].task_id;
    run(async {
        let mut asked = store.enqueue(vec![wanted]);
        let polled = futures_util::poll!(&mut asked);
        assert!(polled.is_pending(), "others may queue theirs first");
        drop(asked);
    });
    drop(store);
    assert!(run(open(&file).unwrap().get(TENANT, vec![id])).unwrap()[0].is_some());
}

#[test]
fn a_large_log_is_copied_and_starts_over() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tasks.db");
    let store = open(&file).unwrap();
    let ids = IdSource::default();
    let log = || std::fs::metadata(folder.path().join("tasks.db-wal")).unwrap().len();
    run(async {
        // 200 MB in all; without checkpoints the log would hold every byte of it.
        for _ in 0..200 {
            store.enqueue(vec![group(&ids, 100, 10_000)]).await.unwrap().remove(0).unwrap();
        }
    });
    assert!(log() < 120 << 20, "{} bytes", log());
    drop(store);
    assert!(std::fs::metadata(&file).unwrap().len() > 190 << 20);
}

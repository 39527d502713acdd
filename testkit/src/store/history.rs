//! A task's history as readers see it.

use std::time::Duration;

use windlass_core::engine;
use windlass_core::{Outcome, Renewal, TaskError, TaskStatus, Update, UpdateKind};

use super::bench::{Bench, TENANT, heartbeat, line, progress};

super::cases![
    a_plain_task_tells_three_entries_and_stores_none,
    every_change_is_told_once,
    any_place_can_be_read_from,
    what_failed_before_a_retry_stays_told,
    long_lines_are_kept_whole,
    row_and_entries_are_of_one_moment,
];

fn statuses(history: &[Update]) -> Vec<TaskStatus> {
    history
        .iter()
        .filter_map(|update| match &update.kind {
            UpdateKind::Status { status, .. } => Some(*status),
            _ => None,
        })
        .collect()
}

fn a_plain_task_tells_three_entries_and_stores_none(bench: &Bench) {
    let leased = bench.leased(bench.spec());
    bench.complete(&leased);
    let id = leased.task.task_id;
    let (task, rows) = bench.run(bench.store.updates(TENANT, id, 0, 10)).unwrap().unwrap();
    assert!(rows.is_empty(), "a plain task costs no extra rows");
    assert_eq!(task.last_seq, 3);
    let told = bench.history(id, 0, 10);
    assert_eq!(statuses(&told), [TaskStatus::Pending, TaskStatus::Running, TaskStatus::Completed]);
    assert!(told[2].is_final());
}

/// A task with everything: progress, logs, failure, backoff, snooze, a lost worker.
fn eventful(bench: &Bench) -> windlass_core::TaskId {
    let leased = bench.leased(bench.spec());
    let id = leased.task.task_id;
    bench.renew(Renewal {
        started: Some(Duration::ZERO),
        updates: vec![progress(5.0), line("a")],
        ..heartbeat(&leased)
    });
    bench.settle(&leased, Outcome::Fail { error: TaskError::new("handler_error", "no") });
    bench.advance(2.0);
    bench.promote();
    let leased = bench.lease_one();
    bench.settle(&leased, Outcome::Snooze { after: Duration::from_secs(1) });
    bench.advance(2.0);
    bench.promote();
    let leased = bench.lease_one();
    bench.start(&leased);
    bench.advance(100.0);
    bench.rescue();
    bench.advance(100.0);
    bench.promote();
    let leased = bench.lease_one();
    bench.renew(Renewal { updates: vec![line("b")], ..heartbeat(&leased) });
    bench.complete(&leased);
    id
}

fn every_change_is_told_once(bench: &Bench) {
    use TaskStatus::*;
    let id = eventful(bench);
    let told = bench.history(id, 0, 100);
    let want = [
        Pending, Running, Scheduled, Pending, Running, Scheduled, Pending, Running, Scheduled,
        Pending, Running, Completed,
    ];
    assert_eq!(statuses(&told), want);
    assert_eq!(told.len(), 15, "and two lines and one progress");
    assert_eq!(told.iter().map(|u| u.seq).collect::<Vec<_>>(), (1..=15).collect::<Vec<_>>());
}

fn any_place_can_be_read_from(bench: &Bench) {
    let id = eventful(bench);
    let all = bench.history(id, 0, 100);
    for after in 0..=16u64 {
        let want: Vec<_> = all.iter().filter(|u| u.seq > after).cloned().collect();
        assert_eq!(bench.history(id, after, 100), want, "after {after}");
        for limit in [1u32, 2, 5] {
            let short = bench.history(id, after, limit);
            assert_eq!(short, want[..want.len().min(limit as usize)], "after {after}, {limit}");
        }
    }
}

fn what_failed_before_a_retry_stays_told(bench: &Bench) {
    use TaskStatus::*;
    let leased = bench.leased(bench.spec());
    let id = leased.task.task_id;
    bench.fail(&leased, "first");
    let before = bench.history(id, 0, 10);
    let retry = engine::retry::decide(&bench.task(id)).unwrap();
    bench.apply(vec![retry]);
    let leased = bench.lease_one();
    bench.complete(&leased);
    let told = bench.history(id, 0, 10);
    assert_eq!(statuses(&told), [Pending, Running, Failed, Pending, Running, Completed]);
    assert_eq!(told[..3], before[..], "numbers and entries never change");
}

fn long_lines_are_kept_whole(bench: &Bench) {
    let leased = bench.leased(bench.spec());
    let text = "\u{00e9}".repeat(8 * 1024);
    bench.renew(Renewal { updates: vec![line(&text)], ..heartbeat(&leased) });
    match &bench.history(leased.task.task_id, 1, 10)[0].kind {
        UpdateKind::Log { message, .. } => assert_eq!(*message, text),
        other => panic!("a log line, not {other:?}"),
    }
}

fn row_and_entries_are_of_one_moment(bench: &Bench) {
    let leased = bench.leased(bench.spec());
    let id = leased.task.task_id;
    let reader = bench.connect();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for i in 0..200 {
                bench.renew(Renewal { updates: vec![line(&i.to_string())], ..heartbeat(&leased) });
            }
        });
        while !writer.is_finished() {
            let (task, rows) =
                bench.runtime.block_on(reader.updates(TENANT, id, 0, 1000)).unwrap().unwrap();
            assert_eq!(rows.last().map_or(1, |row| row.seq), task.last_seq);
            assert_eq!(rows.len() as u64, task.last_seq - 1);
        }
    });
    assert_eq!(bench.task(id).last_seq, 201);
}

//! Many stages that meet in one, and end at once on many threads.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use windlass_core::engine::transition::Transition;
use windlass_core::store::{Applied, Prune};
use windlass_core::{
    BatchSpec, LeasedTask, Outcome, StageSpec, TaskError, TaskStatus, UpdateKind, engine,
};

use super::bench::{Bench, completion, outcome_of};
use super::composing::shaped;
use super::races::threads;

super::cases![
    a_thousand_that_meet_let_the_last_go_once,
    a_batch_that_ends_on_many_threads_ends_once,
    what_fails_among_many_dooms_once,
    what_many_members_do_at_once_is_told_one_by_one,
];

/// `count` stages, and one after them all.
fn fan_in(bench: &Bench, count: usize) -> (windlass_core::TaskId, Vec<windlass_core::TaskId>) {
    let mut spec = shaped(&[]);
    let task = bench.spec().max_retries(0);
    for n in 0..count {
        let stage = StageSpec { name: n.to_string(), depends_on: vec![], task: task.clone() };
        spec.stages.push(stage);
    }
    let depends_on = (0..count).map(|n| n.to_string()).collect();
    spec.stages.push(StageSpec { name: "last".to_owned(), depends_on, task });
    bench.pipeline_of(spec)
}

/// Fails for good.
fn failure(leased: &LeasedTask) -> Transition {
    let error = TaskError::new("handler_error", "no").fatal();
    let settle = outcome_of(leased, Outcome::Fail { error });
    engine::settle::decide(&leased.task, &settle, 0.5)
}

fn a_thousand_that_meet_let_the_last_go_once(bench: &Bench) {
    let (id, stages) = fan_in(bench, 1000);
    let leased = bench.lease(1000);
    let released = AtomicUsize::new(0);
    threads(bench, 8, |i, store| {
        for some in leased.chunks(5).skip(i).step_by(8) {
            let order = bench.order(bench.request(10));
            let done = some.iter().map(completion).collect();
            let (applied, next) = bench.runtime.block_on(store.settle(done, Some(order))).unwrap();
            assert!(applied.iter().all(|applied| matches!(applied, Ok(Applied::Done(_)))));
            for leased in next.tasks {
                assert_eq!(leased.task.task_id, stages[1000]);
                released.fetch_add(1, Ordering::SeqCst);
                bench.runtime.block_on(store.settle(vec![completion(&leased)], None)).unwrap();
            }
        }
    });
    assert_eq!(released.into_inner(), 1);
    let pipeline = bench.task(id);
    assert_eq!(pipeline.status, TaskStatus::Completed);
    assert_eq!(pipeline.members.unwrap().completed, 1001);
    let told = bench.told(id);
    assert_eq!(told.iter().filter(|word| *word == "last pending").count(), 1);
    assert_eq!(told.iter().filter(|word| *word == "completed").count(), 1);
}

fn a_batch_that_ends_on_many_threads_ends_once(bench: &Bench) {
    let hook = windlass_core::TaskSpec::new("hook", windlass_core::Payload::null());
    let spec = BatchSpec { on_complete: Some(hook), ..BatchSpec::default() };
    let (id, _) = bench.batch(spec, vec![bench.spec(); 400]);
    let leased = bench.lease(400);
    threads(bench, 8, |i, store| {
        for leased in leased.iter().skip(i).step_by(8) {
            bench.runtime.block_on(store.settle(vec![completion(leased)], None)).unwrap();
        }
    });
    let batch = bench.task(id);
    assert_eq!((batch.status, batch.members.unwrap().completed), (TaskStatus::Completed, 400));
    assert_eq!(bench.told(id).iter().filter(|word| *word == "completed").count(), 1);
    let mut request = bench.request(10);
    request.handlers = vec!["hook".to_owned()];
    assert_eq!(bench.lease_by(request).tasks.len(), 1);
}

fn what_fails_among_many_dooms_once(bench: &Bench) {
    let (id, stages) = fan_in(bench, 64);
    let leased = bench.lease(64);
    threads(bench, 4, |i, store| {
        for leased in leased.iter().skip(i).step_by(4) {
            bench.runtime.block_on(store.settle(vec![failure(leased)], None)).unwrap();
        }
    });
    assert_eq!(bench.status(stages[64]), TaskStatus::Cancelled);
    let members = bench.task(id).members.unwrap();
    assert_eq!((members.failed, members.cancelled), (64, 1));
    assert_eq!(bench.status(id), TaskStatus::Failed);
}

fn what_many_members_do_at_once_is_told_one_by_one(bench: &Bench) {
    let (id, _) = fan_in(bench, 100);
    let leased = bench.lease(100);
    let settle = |(n, leased)| if n == 50 { failure(leased) } else { completion(leased) };
    bench.apply(leased.iter().enumerate().map(settle).collect());
    // Stored, a start and an end of each, the last cancelled, the end.
    let all = bench.history(id, 0, 1000);
    assert_eq!(
        all.iter().map(|entry| entry.seq).collect::<Vec<_>>(),
        (1..=203).collect::<Vec<_>>()
    );
    for (n, leased) in leased.iter().enumerate() {
        let end = if n == 50 { TaskStatus::Failed } else { TaskStatus::Completed };
        for (entry, want) in all[1 + 2 * n..].iter().zip([TaskStatus::Running, end]) {
            let UpdateKind::Member { member_id, stage, status, attempt, error } = &entry.kind
            else {
                panic!("{entry:?} is of no member")
            };
            let place = (member_id, stage.as_deref(), *status, *attempt);
            assert_eq!(place, (&leased.task.task_id, Some(n.to_string().as_str()), want, 1));
            assert_eq!(error.is_some(), want == TaskStatus::Failed);
        }
    }
    let same = |from: usize, most: usize| {
        let some = bench.history(id, from as u64, most as u32);
        assert_eq!(some, all[from..(from + most).min(203)], "{most} after {from}");
    };
    (0..203).for_each(|after| [1, 3, 64, 1000].into_iter().for_each(|most| same(after, most)));
    for kept in [30, 30, 29] {
        let (older_than, keep_keys) = (Duration::from_secs(86_400), Duration::from_secs(86_400));
        let limit = 100;
        let prune = Prune { older_than, keep_keys, keep: None, updates_per_task: kept, limit };
        bench.run(bench.store.prune(prune)).unwrap();
        // The first and the last are no rows of the history.
        let first = 203 - kept;
        assert_eq!(bench.task(id).first_seq, first);
        let told = bench.history(id, 0, 1000);
        assert_eq!(told[0].seq, first - 1);
        assert!(matches!(told[0].kind, UpdateKind::Resync { .. }));
        assert_eq!(told[1..], all[first as usize - 1..]);
        same(180, 2);
    }
}

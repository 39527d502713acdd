//! Many stages that meet in one, and end at once on many threads.

use std::sync::atomic::{AtomicUsize, Ordering};

use windlass_core::store::Applied;
use windlass_core::{BatchSpec, StageSpec, TaskStatus};

use super::bench::{Bench, completion};
use super::composing::shaped;
use super::races::threads;

super::cases![
    a_thousand_that_meet_let_the_last_go_once,
    a_batch_that_ends_on_many_threads_ends_once,
    what_fails_among_many_dooms_once,
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
            let error = windlass_core::TaskError::new("handler_error", "no").fatal();
            let outcome = windlass_core::Outcome::Fail { error };
            let settle = super::bench::outcome_of(leased, outcome);
            let fails = windlass_core::engine::settle::decide(&leased.task, &settle, 0.5);
            bench.runtime.block_on(store.settle(vec![fails], None)).unwrap();
        }
    });
    assert_eq!(bench.status(stages[64]), TaskStatus::Cancelled);
    let members = bench.task(id).members.unwrap();
    assert_eq!((members.failed, members.cancelled), (64, 1));
    assert_eq!(bench.status(id), TaskStatus::Failed);
}

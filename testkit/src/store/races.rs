//! Many threads on several connections.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::time::Duration;

use windlass_core::engine;
use windlass_core::store::{Applied, LeaseOrder};
use windlass_core::{Outcome, Renewal, RetryOptions, Store, TaskError, TaskId, TaskStatus};

use super::bench::{Bench, TENANT, completion, heartbeat, outcome_of};

super::cases![
    eight_workers_run_two_thousand_tasks_once_each,
    outcomes_of_all_kinds_keep_the_counts,
    submitters_and_workers_share_a_store,
    two_sweeps_take_a_task_back_once,
    a_sweep_against_renewals_takes_what_is_not_renewed,
    of_eight_settles_with_one_token_one_is_recorded,
];

/// Runs `body` on `count` threads, each with a connection of its own.
pub(super) fn threads<T: Send>(
    bench: &Bench,
    count: usize,
    body: impl Fn(usize, Arc<dyn Store>) -> T + Sync,
) -> Vec<T> {
    let barrier = Barrier::new(count);
    let stores: Vec<_> = (0..count).map(|_| bench.connect()).collect();
    std::thread::scope(|scope| {
        let threads: Vec<_> = stores
            .into_iter()
            .enumerate()
            .map(|(i, store)| {
                let (barrier, body) = (&barrier, &body);
                scope.spawn(move || {
                    barrier.wait();
                    body(i, store)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    })
}

fn order(bench: &Bench, worker: usize, limit: u32) -> LeaseOrder {
    let mut request = bench.request(limit);
    request.worker = format!("w{worker}");
    bench.order(request)
}

fn eight_workers_run_two_thousand_tasks_once_each(bench: &Bench) {
    for _ in 0..4 {
        bench.store_all((0..500).map(|_| bench.spec()).collect());
    }
    let runs: Mutex<HashMap<TaskId, u32>> = Mutex::default();
    threads(bench, 8, |worker, store| {
        let mut leased =
            bench.runtime.block_on(store.lease(order(bench, worker, 7))).unwrap().tasks;
        while !leased.is_empty() {
            for task in &leased {
                *runs.lock().unwrap().entry(task.task.task_id).or_default() += 1;
            }
            let done = leased.iter().map(completion).collect();
            let then = Some(order(bench, worker, 7));
            let (applied, next) = bench.runtime.block_on(store.settle(done, then)).unwrap();
            assert!(applied.iter().all(|applied| matches!(applied, Ok(Applied::Done(_)))));
            leased = next.tasks;
        }
    });
    let runs = runs.into_inner().unwrap();
    assert_eq!(runs.len(), 2000);
    assert!(runs.values().all(|count| *count == 1));
    let counts = bench.run(bench.store.counts(TENANT)).unwrap();
    assert_eq!((counts.len(), counts[0].status, counts[0].count), (1, TaskStatus::Completed, 2000));
}

fn outcomes_of_all_kinds_keep_the_counts(bench: &Bench) {
    bench.store_all((0..400).map(|_| bench.spec().max_retries(1)).collect());
    let turn = AtomicUsize::new(0);
    threads(bench, 8, |worker, store| {
        loop {
            let leased =
                bench.runtime.block_on(store.lease(order(bench, worker, 5))).unwrap().tasks;
            if leased.is_empty() {
                return;
            }
            let decide = |leased: &windlass_core::LeasedTask| {
                let outcome = match turn.fetch_add(1, Ordering::Relaxed) % 5 {
                    0 => Outcome::complete(windlass_core::Payload::null()),
                    1 => Outcome::Fail { error: TaskError::new("handler_error", "no") },
                    2 => Outcome::Snooze { after: Duration::from_secs(9) },
                    3 => Outcome::Cancel { reason: None },
                    _ => Outcome::HandBack,
                };
                engine::settle::decide(&leased.task, &outcome_of(leased, outcome), 0.5)
            };
            let transitions = leased.iter().map(decide).collect();
            let (applied, _) = bench.runtime.block_on(store.settle(transitions, None)).unwrap();
            assert!(applied.iter().all(|applied| matches!(applied, Ok(Applied::Done(_)))));
        }
    });
    assert_eq!(bench.total(TENANT), 400);
}

fn submitters_and_workers_share_a_store(bench: &Bench) {
    let (left, done) = (AtomicUsize::new(4), AtomicUsize::new(0));
    threads(bench, 8, |i, store| {
        if i < 4 {
            for n in 0..100 {
                let mut group = bench.group(vec![bench.spec(), bench.spec()]);
                if n % 10 == 0 {
                    // Every tenth is refused, and must leave no trace.
                    group.depth_limit = Some(0);
                }
                let answer = bench.runtime.block_on(store.enqueue(vec![group])).unwrap().remove(0);
                assert_eq!(answer.is_err(), n % 10 == 0);
            }
            left.fetch_sub(1, Ordering::SeqCst);
            return;
        }
        loop {
            let over = left.load(Ordering::SeqCst) == 0;
            let leased = bench.runtime.block_on(store.lease(order(bench, i, 10))).unwrap().tasks;
            if leased.is_empty() && over {
                return;
            }
            done.fetch_add(leased.len(), Ordering::SeqCst);
            let transitions = leased.iter().map(completion).collect();
            bench.runtime.block_on(store.settle(transitions, None)).unwrap();
        }
    });
    assert_eq!(done.into_inner(), 4 * 90 * 2);
    assert_eq!(bench.total(TENANT), 720);
}

fn two_sweeps_take_a_task_back_once(bench: &Bench) {
    let ids = bench.store_all((0..200).map(|_| bench.spec()).collect());
    for leased in bench.lease(200).iter().take(100) {
        bench.start(leased);
    }
    bench.advance(61.0);
    let taken: usize = threads(bench, 4, |_, store| {
        let expired = bench.runtime.block_on(store.due(1000)).unwrap().expired;
        let decide = |task| engine::rescue::decide(task, RetryOptions::default(), 0.5);
        let transitions = expired.iter().map(decide).collect();
        let (applied, _) = bench.runtime.block_on(store.settle(transitions, None)).unwrap();
        applied.iter().filter(|applied| matches!(applied, Ok(Applied::Done(_)))).count()
    })
    .into_iter()
    .sum();
    assert_eq!(taken, 200);
    for (i, id) in ids.iter().enumerate() {
        assert_eq!(bench.task(*id).attempt, u32::from(i < 100));
    }
}

fn a_sweep_against_renewals_takes_what_is_not_renewed(bench: &Bench) {
    bench.store_all((0..300).map(|_| bench.spec()).collect());
    let leased = bench.lease(300);
    bench.advance(61.0);
    let held: Vec<bool> = threads(bench, 2, |i, store| {
        if i == 0 {
            let expired = bench.runtime.block_on(store.due(1000)).unwrap().expired;
            for task in &expired {
                let rescue = engine::rescue::decide(task, RetryOptions::default(), 0.5);
                bench.runtime.block_on(store.settle(vec![rescue], None)).unwrap();
            }
            return Vec::new();
        }
        let beat = |l| Renewal { extend: Some(Duration::from_secs(60)), ..heartbeat(l) };
        leased
            .iter()
            .rev()
            .map(|l| {
                let answer = bench.runtime.block_on(store.renew(TENANT, vec![beat(l)])).unwrap()[0];
                answer == windlass_core::Renewed::Held
            })
            .collect()
    })
    .remove(1);
    for (leased, held) in leased.iter().rev().zip(held) {
        let task = bench.task(leased.task.task_id);
        assert_eq!(task.status == TaskStatus::Running, held, "held exactly when told so");
        assert_ne!(task.suspect, held);
    }
}

fn of_eight_settles_with_one_token_one_is_recorded(bench: &Bench) {
    let leased = bench.leased(bench.spec());
    let done = threads(bench, 8, |i, store| {
        let outcome = if i % 2 == 0 {
            completion(&leased)
        } else {
            let error = TaskError::new("handler_error", "no").fatal();
            engine::settle::decide(&leased.task, &outcome_of(&leased, Outcome::Fail { error }), 0.5)
        };
        let (applied, _) = bench.runtime.block_on(store.settle(vec![outcome], None)).unwrap();
        matches!(applied[0], Ok(Applied::Done(_)))
    });
    assert_eq!(done.iter().filter(|done| **done).count(), 1);
    assert!(bench.task(leased.task.task_id).status.is_final());
}

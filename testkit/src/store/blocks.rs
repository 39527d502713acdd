//! Steps under a strategy.

use std::time::Duration;

use windlass_core::engine::composite;
use windlass_core::{BlockSpec, TaskStatus};

use super::bench::{Bench, completion};
use super::composing::{block_of, code};
use TaskStatus::{Blocked, Cancelled, Completed, Failed, Pending, Running, Scheduled};

super::cases![
    all_runs_every_step,
    all_steps_failed_is_a_failure,
    the_first_success_ends_the_rest,
    a_race_is_what_its_winner_was,
    a_quorum_ends_when_it_can_no_longer_be_reached,
    so_many_steps_run_at_once,
    throttled_steps_start_one_after_another,
    an_empty_block_has_ended,
    a_block_whose_time_is_over_fails,
    a_cancelled_block_stops_its_steps,
    a_step_does_not_run_again,
    a_step_that_waits_makes_no_room_by_its_end,
    of_many_winners_at_once_the_verdict_is_one,
];

fn tally(bench: &Bench, id: windlass_core::TaskId) -> (u32, u32, u32) {
    let members = bench.task(id).members.unwrap();
    (members.completed, members.failed, members.cancelled)
}

fn all_runs_every_step(bench: &Bench) {
    let (id, steps) = bench.block(block_of("all", 3));
    let leased = bench.lease_these(&steps);
    assert_eq!(leased[2].task.payload.as_str(), "2");
    bench.complete(&leased[1]);
    bench.fail(&leased[0], "no");
    assert_eq!(bench.status(id), Running);
    bench.complete(&leased[2]);
    assert_eq!((bench.status(id), tally(bench, id)), (Completed, (2, 1, 0)));
    let verdict = composite::overall(&bench.task(id)).unwrap();
    assert_eq!(verdict.as_str(), "partial");
    assert_eq!(bench.graph(id).members.len(), 3);
}

fn all_steps_failed_is_a_failure(bench: &Bench) {
    let (id, _) = bench.block(block_of("all", 2));
    for leased in bench.lease(2) {
        bench.fail(&leased, "no");
    }
    let block = bench.task(id);
    assert_eq!((block.status, code(&block)), (Failed, composite::EXECUTION_FAILED));
}

fn the_first_success_ends_the_rest(bench: &Bench) {
    let (id, steps) = bench.block(block_of("any_success", 4));
    let leased = bench.lease(3);
    bench.fail(&leased[0], "no");
    assert_eq!(bench.status(id), Running);
    bench.complete(&leased[1]);
    assert_eq!((bench.status(id), tally(bench, id)), (Completed, (1, 1, 2)));
    assert_eq!(bench.statuses(&steps), [Failed, Completed, Running, Cancelled]);
    assert!(bench.task(steps[2]).cancel_requested);
    let before = bench.task(id);
    bench.complete(&leased[2]);
    assert_eq!(bench.task(id), before, "a late success changes nothing");
}

fn a_race_is_what_its_winner_was(bench: &Bench) {
    let (id, steps) = bench.block(block_of("race", 3));
    let leased = bench.lease(1);
    bench.fail(&leased[0], "no");
    assert_eq!((bench.status(id), tally(bench, id)), (Failed, (0, 1, 2)));
    assert_eq!(bench.statuses(&steps[1..]), [Cancelled, Cancelled]);
    let (won, _) = bench.block(block_of("race", 3));
    let leased = bench.lease(1);
    bench.complete(&leased[0]);
    assert_eq!(bench.status(won), Completed);
}

fn a_quorum_ends_when_it_can_no_longer_be_reached(bench: &Bench) {
    let (id, steps) = bench.block(BlockSpec { quorum: Some(3), ..block_of("quorum", 4) });
    let leased = bench.lease(2);
    bench.fail(&leased[0], "no");
    assert_eq!(bench.status(id), Running);
    bench.fail(&leased[1], "no");
    assert_eq!(bench.status(id), Failed);
    assert_eq!(bench.statuses(&steps[2..]), [Cancelled, Cancelled]);
}

fn so_many_steps_run_at_once(bench: &Bench) {
    let spec = BlockSpec { max_concurrency: Some(2), ..block_of("all", 5) };
    let (id, steps) = bench.block(spec);
    assert_eq!(bench.statuses(&steps), [Pending, Pending, Blocked, Blocked, Blocked]);
    let two = bench.lease_these(&steps[..2]);
    bench.fail(&two[0], "no");
    assert_eq!(bench.statuses(&steps[1..]), [Running, Pending, Blocked, Blocked]);
    let third = bench.lease_these(&steps[2..3]);
    // Two that end in one write let two go.
    bench.apply(vec![completion(&two[1]), completion(&third[0])]);
    assert_eq!(bench.statuses(&steps[3..]), [Pending, Pending]);
    assert_eq!(bench.work_off(), 2);
    assert_eq!((bench.status(id), tally(bench, id)), (Completed, (4, 1, 0)));
}

fn throttled_steps_start_one_after_another(bench: &Bench) {
    let spec = BlockSpec { rate_per_second: Some(2.0), ..block_of("throttled", 4) };
    let (id, steps) = bench.block(spec);
    assert_eq!(bench.statuses(&steps), [Pending, Scheduled, Scheduled, Scheduled]);
    let at: Vec<_> = steps.iter().map(|id| bench.task(*id).run_at.since(bench.now())).collect();
    assert_eq!(at, [0, 500, 1000, 1500].map(Duration::from_millis));
    bench.advance(1.0);
    bench.promote();
    assert_eq!(bench.work_off(), 3);
    bench.advance(0.5);
    bench.promote();
    assert_eq!(bench.work_off(), 1);
    assert_eq!(bench.status(id), Completed);
}

fn an_empty_block_has_ended(bench: &Bench) {
    for strategy in ["all", "any_success", "race", "throttled"] {
        let composition = bench.composer().block(block_of(strategy, 0)).unwrap();
        let composed = bench.compose(composition);
        assert_eq!(composed.task.status, Completed, "{strategy}");
        let block = bench.task(composed.task.task_id);
        assert_eq!((block.status, block.progress), (Completed, Some(100.0)));
    }
}

fn a_block_whose_time_is_over_fails(bench: &Bench) {
    let spec = BlockSpec { timeout_seconds: Some(Duration::from_secs(5)), ..block_of("all", 3) };
    let (id, steps) = bench.block(spec);
    let leased = bench.lease(2);
    bench.complete(&leased[0]);
    bench.advance(5.0);
    let due = bench.run(bench.store.due(10)).unwrap().expired;
    bench.apply(due.iter().map(composite::time_out).collect());
    assert_eq!((bench.status(id), tally(bench, id)), (Failed, (1, 0, 2)));
    assert_eq!(bench.statuses(&steps), [Completed, Running, Cancelled]);
    assert_eq!(composite::overall(&bench.task(id)).unwrap().as_str(), "timeout");
}

fn a_cancelled_block_stops_its_steps(bench: &Bench) {
    let spec = BlockSpec { max_concurrency: Some(1), ..block_of("all", 3) };
    let (id, steps) = bench.block(spec);
    bench.cancel_whole(id);
    assert_eq!(bench.statuses(&steps), [Cancelled; 3]);
    assert_eq!(composite::overall(&bench.task(id)).unwrap().as_str(), "cancelled");
}

fn a_step_does_not_run_again(bench: &Bench) {
    let (id, steps) = bench.block(block_of("all", 1));
    let leased = bench.lease_one();
    bench.fail(&leased, "no");
    for id in [id, steps[0]] {
        let refused = windlass_core::engine::retry::decide(&bench.task(id)).unwrap_err();
        assert_eq!(refused.code(), "invalid_transition");
    }
}

fn a_step_that_waits_makes_no_room_by_its_end(bench: &Bench) {
    let spec = BlockSpec { max_concurrency: Some(1), ..block_of("all", 4) };
    let (id, steps) = bench.block(spec);
    let cancel = |n: usize| {
        let task = bench.task(steps[n]);
        bench.apply(windlass_core::engine::cancel::decide(&task).into_iter().collect());
    };
    cancel(1);
    assert_eq!(bench.statuses(&steps), [Pending, Cancelled, Blocked, Blocked]);
    cancel(0);
    assert_eq!(bench.statuses(&steps[2..]), [Pending, Blocked]);
    assert_eq!(bench.work_off(), 2);
    assert_eq!((bench.status(id), tally(bench, id)), (Completed, (2, 0, 2)));
}

fn of_many_winners_at_once_the_verdict_is_one(bench: &Bench) {
    let (id, _) = bench.block(block_of("any_success", 64));
    let leased = bench.lease(64);
    super::races::threads(bench, 8, |i, store| {
        for leased in leased.iter().skip(i).step_by(8) {
            bench.runtime.block_on(store.settle(vec![completion(leased)], None)).unwrap();
        }
    });
    let told = bench.told(id);
    assert_eq!(told.iter().filter(|word| *word == "completed").count(), 1, "{told:?}");
    let members = bench.task(id).members.unwrap();
    assert_eq!((bench.status(id), members.ended(), members.failed), (Completed, 64, 0));
}

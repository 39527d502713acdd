//! What a sweep finds and does.

use std::time::Duration;

use windlass_core::engine;
use windlass_core::store::{Applied, Due, EnqueueGroup};
use windlass_core::{RetryOptions, TaskStatus};

use super::bench::{Bench, TENANT};

super::cases![
    nothing_is_due_in_an_empty_store,
    scheduled_tasks_are_due_at_their_time_earliest_first,
    leases_are_due_at_their_deadline_earliest_first,
    the_limit_is_for_each_kind,
    next_tells_when_to_look_again,
    all_tenants_are_swept,
    a_promoted_task_keeps_its_place_in_time,
    an_attempt_that_counted_has_failed_and_one_that_did_not_goes_back,
    attempts_end_a_task_that_kills_its_workers,
    a_promotion_after_a_cancel_is_stale,
];

fn due(bench: &Bench, limit: u32) -> Due {
    bench.run(bench.store.due(limit)).unwrap()
}

fn nothing_is_due_in_an_empty_store(bench: &Bench) {
    assert_eq!(due(bench, 10), Due::default());
    bench.add(bench.spec());
    assert_eq!(
        due(bench, 10),
        Due::default(),
        "a pending task waits for a worker, not for a sweep"
    );
}

fn scheduled_tasks_are_due_at_their_time_earliest_first(bench: &Bench) {
    let delays = [3u64, 1, 2, 9];
    let specs = delays.map(|seconds| bench.spec().delay(Duration::from_secs(seconds)));
    let ids = bench.store_all(specs.to_vec());
    bench.advance(2.999);
    let found: Vec<_> = due(bench, 10).scheduled.iter().map(|task| task.task_id).collect();
    assert_eq!(found, [ids[1], ids[2]]);
    bench.advance(0.001);
    let found = due(bench, 10).scheduled;
    assert_eq!(found.iter().map(|task| task.task_id).collect::<Vec<_>>(), [ids[1], ids[2], ids[0]]);
    assert_eq!(found[0], bench.task(ids[1]), "rows are whole");
    assert_eq!(bench.promote().len(), 3);
    assert!(due(bench, 10).scheduled.is_empty());
    assert_eq!(bench.lease(10).len(), 3);
}

fn leases_are_due_at_their_deadline_earliest_first(bench: &Bench) {
    let first = bench.leased(bench.spec());
    bench.advance(10.0);
    let second = bench.leased(bench.spec());
    bench.advance(49.999);
    assert!(due(bench, 10).expired.is_empty());
    bench.advance(100.0);
    let expired = due(bench, 10).expired;
    let ids: Vec<_> = expired.iter().map(|task| task.task_id).collect();
    assert_eq!(ids, [first.task.task_id, second.task.task_id]);
    assert_eq!(expired[0], bench.task(ids[0]));
}

fn the_limit_is_for_each_kind(bench: &Bench) {
    bench.store_all((0..5).map(|_| bench.spec()).collect());
    bench.lease(5);
    bench.store_all((0..5).map(|_| bench.spec().delay(Duration::from_secs(1))).collect());
    bench.advance(61.0);
    let found = due(bench, 3);
    assert_eq!((found.scheduled.len(), found.expired.len()), (3, 3));
}

fn next_tells_when_to_look_again(bench: &Bench) {
    bench.add(bench.spec().delay(Duration::from_secs(90)));
    let lease_ends = bench.now().after(Duration::from_secs(60));
    bench.leased(bench.spec());
    assert_eq!(due(bench, 10).next, Some(lease_ends));
    bench.advance(61.0);
    bench.rescue();
    assert_eq!(due(bench, 10).next, Some(bench.now().after(Duration::from_secs(29))));
    bench.advance(29.0);
    bench.promote();
    assert_eq!(due(bench, 10).next, None);
}

fn all_tenants_are_swept(bench: &Bench) {
    let spec = || bench.spec().delay(Duration::from_secs(1));
    let mine = bench.add(spec());
    let tasks = vec![bench.new_task_of("other", spec())];
    let theirs = tasks[0].task_id;
    let group = EnqueueGroup { tenant: "other".to_owned(), tasks, depth_limit: None };
    bench.enqueue(vec![group]).remove(0).unwrap();
    bench.advance(1.0);
    assert_eq!(bench.promote().len(), 2);
    for (tenant, id) in [(TENANT, mine), ("other", theirs)] {
        assert_eq!(bench.find(tenant, id).unwrap().status, TaskStatus::Pending);
    }
}

fn a_promoted_task_keeps_its_place_in_time(bench: &Bench) {
    let early = bench.add(bench.spec().delay(Duration::from_secs(1)));
    bench.advance(2.0);
    let late = bench.add(bench.spec());
    bench.promote();
    let leased: Vec<_> = bench.lease(10).iter().map(|l| l.task.task_id).collect();
    assert_eq!(leased, [early, late], "due a second before the other was stored");
}

fn an_attempt_that_counted_has_failed_and_one_that_did_not_goes_back(bench: &Bench) {
    bench.store_all(vec![bench.spec(), bench.spec(), bench.spec().max_retries(0)]);
    let leased = bench.lease(3);
    bench.start(&leased[0]);
    bench.start(&leased[2]);
    bench.advance(61.0);
    assert_eq!(bench.rescue().len(), 3);
    let rows: Vec<_> = leased.iter().map(|l| bench.task(l.task.task_id)).collect();
    let told: Vec<_> = rows
        .iter()
        .map(|task| (task.status, task.attempt, task.error.as_ref().map(|e| e.code.as_str())))
        .collect();
    let code = Some("lease_expired");
    assert_eq!(
        told,
        [
            (TaskStatus::Scheduled, 1, code),
            (TaskStatus::Pending, 0, None),
            (TaskStatus::Failed, 1, code)
        ]
    );
    assert!(rows.iter().all(|task| task.suspect));
}

fn attempts_end_a_task_that_kills_its_workers(bench: &Bench) {
    // Lost once uncounted, then leased alone: each loss counts, and 1 + 2 retries are the end.
    let id = bench.add(bench.spec().max_retries(2));
    let mut losses = 0;
    while !bench.task(id).status.is_final() {
        assert!(losses < 10, "it must end");
        bench.advance(200.0);
        bench.promote();
        if !bench.lease(1).is_empty() {
            losses += 1;
            bench.advance(61.0);
            bench.rescue();
        }
    }
    assert_eq!((losses, bench.task(id).attempt), (4, 3));
    assert_eq!(bench.task(id).status, TaskStatus::Failed);
}

fn a_promotion_after_a_cancel_is_stale(bench: &Bench) {
    let id = bench.add(bench.spec().delay(Duration::from_secs(1)));
    bench.advance(1.0);
    let found = due(bench, 10).scheduled.remove(0);
    let cancel = engine::cancel::decide(&found).unwrap();
    let applied = bench.apply(vec![cancel, engine::promote::decide(&found)]);
    assert!(matches!((&applied[0], &applied[1]), (Applied::Done(_), Applied::Stale(_))));
    assert_eq!(bench.task(id).status, TaskStatus::Cancelled);
    // And against the other: a rescue decided twice happens once.
    let leased = bench.leased(bench.spec());
    bench.advance(61.0);
    let lost = due(bench, 10).expired.remove(0);
    let decide = || engine::rescue::decide(&lost, RetryOptions::default(), 0.5);
    let applied = bench.apply(vec![decide(), decide()]);
    assert!(matches!((&applied[0], &applied[1]), (Applied::Done(_), Applied::Stale(_))));
    assert_eq!(bench.task(leased.task.task_id).last_seq, 2);
}

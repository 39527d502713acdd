//! What changed lately.

use std::time::Duration;

use windlass_core::store::EnqueueGroup;
use windlass_core::{Payload, Task, TaskId, TaskStatus, Timestamp};

use super::bench::{Bench, TENANT};

super::cases![
    what_was_stored_finished_or_runs_is_told_the_latest_first,
    what_is_older_and_waits_is_not_told,
    a_task_whose_id_is_older_than_its_row_is_told,
    one_task_is_told_once,
    the_limit_keeps_the_latest,
    what_may_be_large_is_left_out,
    another_tenants_tasks_are_not_told,
    what_was_pruned_is_not_told,
];

fn recent(bench: &Bench, since: Timestamp, limit: u32) -> Vec<Task> {
    bench.run(bench.store.recent(TENANT, since, limit)).unwrap()
}

fn ids(tasks: &[Task]) -> Vec<TaskId> {
    tasks.iter().map(|task| task.task_id).collect()
}

fn what_was_stored_finished_or_runs_is_told_the_latest_first(bench: &Bench) {
    let old = bench.store_all((0..4).map(|_| bench.spec()).collect());
    let leased = bench.lease(3);
    bench.start(&leased[0]);
    bench.advance(50.0);
    let since = bench.now();
    bench.complete(&leased[1]);
    bench.advance(1.0);
    let fresh = bench.add(bench.spec().queue("another"));
    bench.advance(1.0);
    bench.fail(&leased[2], "no");
    // The first still runs, and has not changed for long; the fourth waits since long ago.
    assert_eq!(ids(&recent(bench, since, 100)), [old[2], fresh, old[1], old[0]]);
    let later = since.after(Duration::from_millis(1));
    assert_eq!(ids(&recent(bench, later, 100)), [old[2], fresh, old[0]], "at or after, no earlier");
    let after = bench.now().after(Duration::from_millis(1));
    assert_eq!(ids(&recent(bench, after, 100)), [old[0]], "what runs is told in any case");
}

fn what_is_older_and_waits_is_not_told(bench: &Bench) {
    bench.store_all(vec![bench.spec(), bench.spec().delay(Duration::from_secs(99))]);
    let done = bench.lease_one();
    bench.complete(&done);
    bench.advance(1.0);
    assert!(recent(bench, bench.now(), 100).is_empty());
}

fn a_task_whose_id_is_older_than_its_row_is_told(bench: &Bench) {
    // A submit that waited for room in its queue is stored later than its id tells.
    let group = bench.group(vec![bench.spec()]);
    bench.advance(400.0);
    let since = bench.now();
    bench.add(bench.spec());
    let late = bench.enqueue(vec![group]).remove(0).unwrap()[0].task_id;
    assert!(ids(&recent(bench, since, 100)).contains(&late));
}

fn one_task_is_told_once(bench: &Bench) {
    let since = bench.now();
    let done = bench.leased(bench.spec());
    bench.complete(&done);
    let runs = bench.leased(bench.spec());
    bench.start(&runs);
    let told = recent(bench, since, 100);
    assert_eq!(told.len(), 2);
    let status = |task: &Task| (task.task_id, task.status);
    assert!(told.iter().map(status).any(|t| t == (done.task.task_id, TaskStatus::Completed)));
    assert!(told.iter().map(status).any(|t| t == (runs.task.task_id, TaskStatus::Running)));
}

fn the_limit_keeps_the_latest(bench: &Bench) {
    let since = bench.now();
    let stored: Vec<TaskId> = (0..8)
        .map(|_| {
            bench.advance(1.0);
            bench.add(bench.spec())
        })
        .collect();
    bench.advance(1.0);
    let leased = bench.lease(2);
    // What is leased and has not begun is as old as it was.
    assert_eq!(ids(&recent(bench, since, 3)), [stored[7], stored[6], stored[5]]);
    bench.complete(&leased[0]);
    bench.advance(1.0);
    bench.start(&leased[1]);
    assert_eq!(ids(&recent(bench, since, 3)), [stored[1], stored[0], stored[7]]);
    assert_eq!(ids(&recent(bench, since, 1)), [stored[1]]);
    assert_eq!(recent(bench, since, 8).len(), 8);
}

fn what_may_be_large_is_left_out(bench: &Bench) {
    let since = bench.now();
    for size in [10, 100_000] {
        let payload = Payload::new("payload", format!("{:?}", "x".repeat(size))).unwrap();
        let mut spec = bench.spec().label("env", "test");
        spec.initial_state = Some(payload.clone());
        spec.payload = payload;
        let leased = bench.leased(spec);
        bench.complete(&leased);
        let row = bench.task(leased.task.task_id);
        assert!(row.result.is_some() && row.initial_state.is_some());
        let light = Task { payload: Payload::null(), result: None, initial_state: None, ..row };
        assert!(recent(bench, since, 10).contains(&light), "everything else is as it is");
    }
}

fn another_tenants_tasks_are_not_told(bench: &Bench) {
    let since = bench.now();
    let mine = bench.add(bench.spec());
    let tasks: Vec<_> = (0..5).map(|_| bench.new_task_of("other", bench.spec())).collect();
    let group = EnqueueGroup { tenant: "other".to_owned(), tasks, depth_limit: None };
    bench.enqueue(vec![group]).remove(0).unwrap();
    assert_eq!(ids(&recent(bench, since, 1)), [mine], "how many others have must not show");
    assert_eq!(bench.run(bench.store.recent("other", since, 9)).unwrap().len(), 5);
    assert!(bench.run(bench.store.recent("nobody", since, 9)).unwrap().is_empty());
}

fn what_was_pruned_is_not_told(bench: &Bench) {
    let since = bench.now();
    let done = bench.leased(bench.spec());
    bench.complete(&done);
    let prune = windlass_core::store::Prune {
        older_than: Duration::from_secs(60),
        keep_keys: Duration::ZERO,
        keep: None,
        updates_per_task: 100,
        limit: 100,
    };
    bench.advance(61.0);
    assert_eq!(bench.run(bench.store.prune(prune)).unwrap(), 1);
    let next = bench.add(bench.spec());
    assert_eq!(ids(&recent(bench, since, 10)), [next]);
}

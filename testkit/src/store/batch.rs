//! How the tasks of a batch stand.

use std::time::Duration;

use windlass_core::store::Prune;
use windlass_core::{BatchId, Counts, TaskStatus};

use super::bench::{Bench, TENANT};

super::cases![
    counts_follow_every_change,
    an_unknown_batch_has_no_tasks,
    another_tenant_sees_nothing_of_it,
    tasks_that_were_pruned_are_not_counted,
    other_tasks_are_not_counted,
];

fn counts(bench: &Bench, tenant: &str, batch: BatchId) -> Vec<(TaskStatus, u64)> {
    let counts: Counts = bench.run(bench.store.batch(tenant, batch)).unwrap();
    counts.into_iter().collect()
}

/// Stores a batch of `size` tasks of the usual handler.
fn batch_of(bench: &Bench, size: usize) -> BatchId {
    let batch = bench.ids.batch(bench.now());
    let mut group = bench.group((0..size).map(|_| bench.spec()).collect());
    group.tasks.iter_mut().for_each(|task| task.batch_id = Some(batch));
    bench.enqueue(vec![group]).remove(0).unwrap();
    batch
}

fn counts_follow_every_change(bench: &Bench) {
    use TaskStatus::{Cancelled, Completed, Failed, Pending, Running};
    let batch = batch_of(bench, 5);
    assert_eq!(counts(bench, TENANT, batch), [(Pending, 5)]);
    let leased = bench.lease(3);
    assert_eq!(counts(bench, TENANT, batch), [(Pending, 2), (Running, 3)]);
    bench.complete(&leased[0]);
    bench.fail(&leased[1], "no");
    let waiting = bench.task(
        bench
            .run(bench.store.list(
                TENANT,
                windlass_core::Filter { status: vec![Pending], ..Default::default() },
                None,
                1,
            ))
            .unwrap()
            .tasks[0]
            .task_id,
    );
    bench.apply(windlass_core::engine::cancel::decide(&waiting).into_iter().collect());
    let want = [(Pending, 1), (Running, 1), (Completed, 1), (Failed, 1), (Cancelled, 1)];
    assert_eq!(counts(bench, TENANT, batch), want);
    let failed = bench.task(leased[1].task.task_id);
    bench.apply(vec![windlass_core::engine::retry::decide(&failed).unwrap()]);
    let want = [(Pending, 2), (Running, 1), (Completed, 1), (Cancelled, 1)];
    assert_eq!(counts(bench, TENANT, batch), want);
}

fn an_unknown_batch_has_no_tasks(bench: &Bench) {
    batch_of(bench, 1);
    assert!(counts(bench, TENANT, bench.ids.batch(bench.now())).is_empty());
}

fn another_tenant_sees_nothing_of_it(bench: &Bench) {
    let batch = batch_of(bench, 2);
    assert!(counts(bench, "other", batch).is_empty());
    assert_eq!(counts(bench, TENANT, batch), [(TaskStatus::Pending, 2)]);
}

fn tasks_that_were_pruned_are_not_counted(bench: &Bench) {
    let batch = batch_of(bench, 2);
    let done = bench.lease_one();
    bench.complete(&done);
    bench.advance(61.0);
    let prune = Prune {
        older_than: Duration::from_secs(60),
        keep_keys: Duration::ZERO,
        keep: None,
        updates_per_task: 100,
        limit: 100,
    };
    assert_eq!(bench.run(bench.store.prune(prune)).unwrap(), 1);
    assert_eq!(counts(bench, TENANT, batch), [(TaskStatus::Pending, 1)]);
    let last = bench.lease_one();
    bench.complete(&last);
    bench.advance(61.0);
    assert_eq!(bench.run(bench.store.prune(prune)).unwrap(), 1);
    assert!(counts(bench, TENANT, batch).is_empty());
}

fn other_tasks_are_not_counted(bench: &Bench) {
    bench.add(bench.spec());
    let (one, two) = (batch_of(bench, 1), batch_of(bench, 2));
    assert_eq!(counts(bench, TENANT, one), [(TaskStatus::Pending, 1)]);
    assert_eq!(counts(bench, TENANT, two), [(TaskStatus::Pending, 2)]);
}

//! What must hold in every store at any time.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use windlass_core::engine::history;
use windlass_core::{Filter, Store, Task, TaskKind, TaskStatus, UpdateKind};

use super::bench::{Bench, TENANT};

impl Bench<'_> {
    /// Checks the store after a case.
    pub(super) fn audit(&self) {
        if self.closed.load(Ordering::SeqCst) {
            return;
        }
        for tenant in [TENANT, "other"] {
            let tasks = self.run(every_task(&*self.store, tenant, None));
            self.counts_equal_rows(tenant, &tasks);
            for task in &tasks {
                lease_fits_status(task);
                self.history_has_no_gap(tenant, task);
            }
            for kind in TaskKind::ALL.into_iter().filter(|kind| !kind.is_task()) {
                for composite in self.run(every_task(&*self.store, tenant, Some(kind))) {
                    self.members_are_counted(tenant, &composite);
                    self.history_has_no_gap(tenant, &composite);
                }
            }
        }
    }

    fn members_are_counted(&self, tenant: &str, task: &Task) {
        assert!(task.lease.is_none(), "nobody leases what stands for others: {task:?}");
        let graph = self.run(self.store.graph(tenant, task.task_id)).expect("the store answers");
        let graph = graph.expect("a composite has a graph");
        let count = |status| graph.members.iter().filter(|m| m.status == status).count() as u32;
        let tally = task.members.expect("a composite has a tally");
        assert_eq!(tally.total as usize, graph.members.len(), "{task:?}");
        if task.status.is_final() {
            // What ends after the verdict does not count.
            assert_eq!(tally.open(), 0, "{task:?}");
            return;
        }
        let statuses = [TaskStatus::Completed, TaskStatus::Failed, TaskStatus::Cancelled];
        assert_eq!(statuses.map(count), [tally.completed, tally.failed, tally.cancelled]);
        assert!(tally.open() > 0, "what is decided has ended: {task:?}");
    }

    fn counts_equal_rows(&self, tenant: &str, tasks: &[Task]) {
        let mut rows: BTreeMap<(String, TaskStatus), u64> = BTreeMap::new();
        for task in tasks {
            *rows.entry((task.queue.clone(), task.status)).or_default() += 1;
        }
        let counts = self.run(self.store.counts(tenant)).expect("the store answers");
        assert!(counts.iter().all(|count| count.count > 0), "zeros are left out");
        let counts: BTreeMap<_, _> =
            counts.into_iter().map(|count| ((count.queue, count.status), count.count)).collect();
        assert_eq!(counts, rows, "counts equal rows of {tenant}");
    }

    fn history_has_no_gap(&self, tenant: &str, task: &Task) {
        let answer = self.run(self.store.updates(tenant, task.task_id, 0, 10_000));
        let (same, rows) = answer.expect("the store answers").expect("the task is there");
        assert_eq!(same, *task, "updates and list show one row");
        let seen = history::assemble(&same, rows, 0, 10_000);
        let resync = seen.iter().filter(|u| matches!(u.kind, UpdateKind::Resync { .. })).count();
        let first = if task.first_seq > 1 { task.first_seq - 1 } else { 1 };
        assert_eq!(resync, usize::from(task.first_seq > 1), "one resync where history is pruned");
        let seqs: Vec<u64> = seen.iter().map(|update| update.seq).collect();
        assert_eq!(seqs, (first..=task.last_seq).collect::<Vec<_>>(), "no gap in {}", task.task_id);
        if let Some(UpdateKind::Status { status, .. }) = seen
            .iter()
            .rev()
            .map(|u| &u.kind)
            .find(|kind| matches!(kind, UpdateKind::Status { .. }))
            && task.status != TaskStatus::Running
        {
            assert_eq!(*status, task.status, "the last status told is the row's");
        }
    }
}

/// Walks a tenant's list to its end.
pub(super) async fn every_task(
    store: &dyn Store,
    tenant: &str,
    kind: Option<TaskKind>,
) -> Vec<Task> {
    let (mut tasks, mut cursor) = (Vec::new(), None);
    loop {
        let filter = Filter { kind, ..Filter::default() };
        let page = store.list(tenant, filter, cursor, 1000).await.expect("the store answers");
        tasks.extend(page.tasks);
        match page.next {
            Some(next) => cursor = Some(next),
            None => return tasks,
        }
    }
}

fn lease_fits_status(task: &Task) {
    let running = task.status == TaskStatus::Running;
    assert_eq!(task.lease.is_some(), running, "a lease exactly while running: {task:?}");
    assert_eq!(task.token.is_some(), running, "a token exactly while running: {task:?}");
    assert_eq!(
        task.finished_at.is_some(),
        task.status.is_final(),
        "a finish exactly when final: {task:?}"
    );
}

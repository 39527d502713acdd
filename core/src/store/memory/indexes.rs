//! What finds rows without walking them all, and counts them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::graphs::Graphs;
use super::lines::Lines;
use crate::engine::composite::deadline;
use crate::words::{Task, TaskId, TaskKind, TaskStatus, Timestamp};

/// Counts of a tenant's queues, by status.
pub(super) type Counted = HashMap<String, BTreeMap<String, [u64; 7]>>;

/// Every index of a table, beside its rows.
pub(super) struct Indexes<'a> {
    pub(super) lines: &'a mut Lines,
    pub(super) counts: &'a mut Counted,
    pub(super) scheduled: &'a mut BTreeSet<(Timestamp, TaskId)>,
    pub(super) leased: &'a mut BTreeSet<(Timestamp, TaskId)>,
    pub(super) finished: &'a mut BTreeSet<(Timestamp, TaskId)>,
    pub(super) graphs: &'a mut Graphs,
}

impl Indexes<'_> {
    fn count(&mut self, task: &Task) -> &mut u64 {
        if !self.counts.contains_key(&task.tenant) {
            self.counts.insert(task.tenant.clone(), BTreeMap::new());
        }
        let queues = self.counts.get_mut(&task.tenant).expect("the tenant was just inserted");
        if !queues.contains_key(&task.queue) {
            queues.insert(task.queue.clone(), [0; 7]);
        }
        let counts = queues.get_mut(&task.queue).expect("the queue was just inserted");
        &mut counts[task.status as usize]
    }

    /// A row is so from now on.
    pub(super) fn insert(&mut self, task: &Task) {
        if task.kind.is_task() {
            *self.count(task) += 1;
        }
        match task.status {
            TaskStatus::Pending => self.lines.insert(task),
            TaskStatus::Scheduled => {
                self.scheduled.insert((task.run_at, task.task_id));
            }
            TaskStatus::Running => {
                self.leased.extend(expiry(task).map(|at| (at, task.task_id)));
            }
            TaskStatus::Blocked => self.graphs.blocks(task),
            status if status.is_final() => {
                self.finished.insert((finish(task), task.task_id));
            }
            _ => {}
        }
    }

    /// A row was so until now.
    pub(super) fn remove(&mut self, task: &Task) {
        if task.kind.is_task() {
            *self.count(task) -= 1;
        }
        match task.status {
            TaskStatus::Pending => self.lines.remove(task),
            TaskStatus::Scheduled => {
                self.scheduled.remove(&(task.run_at, task.task_id));
            }
            TaskStatus::Running => {
                if let Some(at) = expiry(task) {
                    self.leased.remove(&(at, task.task_id));
                }
            }
            TaskStatus::Blocked => self.graphs.unblocks(task),
            status if status.is_final() => {
                self.finished.remove(&(finish(task), task.task_id));
            }
            _ => {}
        }
    }
}

/// When a sweep must look at a running task: at the end of its lease, or of a composite's time.
fn expiry(task: &Task) -> Option<Timestamp> {
    match task.kind {
        TaskKind::Task => Some(task.lease.as_ref().map(|l| l.expires_at).unwrap_or_default()),
        _ => deadline(task),
    }
}

fn finish(task: &Task) -> Timestamp {
    task.finished_at.unwrap_or_default()
}

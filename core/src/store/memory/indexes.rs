//! Where a row is found without walking them all, and counted, by its status.

use super::index::Index;
use super::lines::Lines;
use super::queues::Queues;
use super::rows::{Row, Slot};
use crate::engine::composite::deadline;
use crate::rules::order::Place;
use crate::words::{Task, TaskId, TaskKind, TaskStatus, Timestamp};

/// Every index that goes by status.
#[derive(Default)]
pub(super) struct Indexes {
    pub(super) queues: Queues,
    pub(super) lines: Lines,
    pub(super) scheduled: Index,
    pub(super) leased: Index,
    pub(super) finished: Index,
    /// Steps that wait for their turn, by their block.
    blocked: Index,
}

impl Indexes {
    /// A row is so from now on.
    pub(super) fn insert(&mut self, row: &Row, slot: Slot) {
        let task = &row.task;
        if task.kind.is_task() {
            *self.queues.count(row.queue, task.status) += 1;
        }
        if task.status == TaskStatus::Pending {
            self.lines.insert(row, slot);
        } else if let Some((index, place)) = self.place(task) {
            // A step that waits in a line only has had its turn.
            if task.status != TaskStatus::Blocked || task.waits > 0 {
                index.insert(place, slot);
            }
        }
    }

    /// A row was so until now.
    pub(super) fn remove(&mut self, row: &Row) {
        let task = &row.task;
        if task.kind.is_task() {
            *self.queues.count(row.queue, task.status) -= 1;
        }
        if task.status == TaskStatus::Pending {
            self.lines.remove(row);
        } else if let Some((index, place)) = self.place(task) {
            index.remove(place);
        }
    }

    /// Where a task that is not pending is found.
    fn place(&mut self, task: &Task) -> Option<(&mut Index, Place)> {
        let id = task.task_id;
        let (index, at) = match task.status {
            TaskStatus::Scheduled => (&mut self.scheduled, task.run_at),
            TaskStatus::Running => (&mut self.leased, expiry(task)?),
            TaskStatus::Blocked => return Some((&mut self.blocked, Place::of(block(task)?, id))),
            status if status.is_final() => {
                (&mut self.finished, task.finished_at.unwrap_or_default())
            }
            _ => return None,
        };
        Some((index, Place::at(at, id)))
    }

    /// The first step of a block that is blocked.
    pub(super) fn next_step(&self, block: TaskId) -> Option<TaskId> {
        let number = Place::of(block, block).number();
        self.blocked.of(number).next().map(|(place, _)| place.id())
    }
}

/// When a sweep must look at a running task: at the end of its lease, or of a composite's time.
fn expiry(task: &Task) -> Option<Timestamp> {
    match task.kind {
        TaskKind::Task => Some(task.lease.as_ref().map(|l| l.expires_at).unwrap_or_default()),
        _ => deadline(task),
    }
}

fn block(task: &Task) -> Option<TaskId> {
    task.parent().filter(|parent| parent.kind == TaskKind::Block).map(|parent| parent.task_id)
}

//! How a task is cancelled.

use crate::engine::composite;
use crate::engine::transition::{Guard, Transition};
use crate::words::{Task, TaskError, TaskKind, TaskStatus};

/// The statuses of tasks that it changes.
pub const TAKES: &[TaskStatus] =
    &[TaskStatus::Blocked, TaskStatus::Scheduled, TaskStatus::Pending, TaskStatus::Running];

/// A waiting task is cancelled at once; a running one is asked to stop and keeps its status until its
/// code has stopped. A block or a pipeline ends at once, and its members with it. `None` for a finished task,
/// or one already asked: no error and no change; for a batch too, which ends with its members.
pub fn decide(task: &Task) -> Option<Transition> {
    let guard = Guard::Version(task.version);
    match task.kind {
        TaskKind::Task => {}
        TaskKind::Batch => return None,
        TaskKind::Block | TaskKind::Pipeline => return composite::cancel(task),
    }
    match task.status {
        TaskStatus::Running if task.cancel_requested => None,
        TaskStatus::Running => {
            let mut to = Transition::new(task, guard, TaskStatus::Running);
            to.cancel_requested = Some(true);
            Some(to)
        }
        status if status.is_final() => None,
        _ => {
            let mut to = Transition::new(task, guard, TaskStatus::Cancelled);
            to.cancel_requested = Some(true);
            to.error = Some(TaskError::new("task_cancelled", "cancelled before it ran").fatal());
            Some(to)
        }
    }
}

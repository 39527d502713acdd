//! How a scheduled task becomes pending.

use crate::engine::transition::{Guard, Transition};
use crate::words::{Task, TaskStatus};

/// The task's time has come. It keeps its `run_at`, which orders it among its like.
pub fn decide(task: &Task) -> Transition {
    Transition::new(task, Guard::Version(task.version), TaskStatus::Pending)
}

//! What becomes of a task whose worker stopped renewing.

use crate::engine::settle::after_failure;
use crate::engine::transition::{Guard, Transition};
use crate::words::{RetryOptions, Task, TaskError, TaskStatus};

/// Code of an attempt whose lease passed.
pub const LEASE_EXPIRED: &str = "lease_expired";

/// Takes back a running task whose lease has passed.
///
/// An attempt that counted is a failed one, with `lease_expired`. One that did not goes back
/// uncounted. Either way the task is suspect from then on.
pub fn decide(task: &Task, declared: RetryOptions, chance: f64) -> Transition {
    let guard = Guard::Version(task.version);
    let lease = task.lease.as_ref();
    let counted = lease.is_some_and(|lease| lease.counted);
    let worker = lease.map_or("unknown", |lease| lease.worker.as_str());
    let text = format!("worker {worker} stopped renewing its lease");
    let error = TaskError::new(LEASE_EXPIRED, &text);
    let mut to = if counted || task.cancel_requested {
        after_failure(task, guard, task.attempt, &error, declared, None, chance)
    } else {
        Transition::new(task, guard, TaskStatus::Pending)
    };
    to.message = Some(text);
    to.suspect = Some(true);
    to
}

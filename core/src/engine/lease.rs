//! How a lease is granted and kept.

use std::time::Duration;

use crate::engine::transition::{append, count_attempt};
use crate::words::{
    Lease, LeaseToken, LeasedTask, Renewal, Renewed, Task, TaskStatus, Timestamp, Update,
};

/// Gives a pending task to `worker` until `now + ttl`; returns what the worker gets.
///
/// A suspect is leased alone, and its attempt counts at once: if it kills its worker again, only it
/// pays, and it cannot run forever. The store takes note of that for those whom it concerns, as of a start that
/// a heartbeat reports. The state of a task with a `state_key` is for the store to add.
pub fn grant(
    task: &mut Task,
    worker: &str,
    token: LeaseToken,
    ttl: Duration,
    now: Timestamp,
) -> (LeasedTask, Vec<Update>) {
    let mut rows = Vec::new();
    task.status = TaskStatus::Running;
    task.token = Some(token);
    task.lease =
        Some(Lease { worker: worker.to_owned(), expires_at: now.after(ttl), counted: false });
    if task.suspect {
        count_attempt(task, now, &mut rows);
    }
    task.version += 1;
    (LeasedTask { task: task.clone(), token, state: None }, rows)
}

/// Records a heartbeat on a task whose token matches. Returns the answer, the entries to store, and
/// whether the row changed.
pub fn renew(task: &mut Task, renewal: &Renewal, now: Timestamp) -> (Renewed, Vec<Update>, bool) {
    let mut rows = Vec::new();
    if task.status != TaskStatus::Running || task.token != Some(renewal.token) {
        return (Renewed::Lost, rows, false);
    }
    let before = (task.last_seq, task.lease.as_ref().map(|lease| lease.expires_at));
    if let Some(ago) = renewal.started {
        count_attempt(task, now.before(ago), &mut rows);
    }
    append(task, &renewal.updates, now, &mut rows);
    if let (Some(ttl), Some(lease)) = (renewal.extend, task.lease.as_mut()) {
        // A late heartbeat never shortens a lease.
        lease.expires_at = lease.expires_at.max(now.after(ttl));
    }
    let changed = before != (task.last_seq, task.lease.as_ref().map(|lease| lease.expires_at));
    task.version += u64::from(changed);
    let answer = if task.cancel_requested { Renewed::CancelRequested } else { Renewed::Held };
    (answer, rows, changed)
}

//! What follows from the outcome of an attempt.

use std::time::Duration;

use crate::engine::transition::{Guard, Transition};
use crate::error::Result;
use crate::rules::limits::{self, PAYLOAD_BYTES};
use crate::rules::retry::Policy;
use crate::words::{Outcome, Payload, RetryOptions, Settle, Task, TaskError, TaskStatus, When};

/// Code of an attempt that ran past its timeout.
pub const TASK_TIMEOUT: &str = "task_timeout";

/// Checks what a worker reports, and cuts an over-long error.
///
/// # Errors
///
/// `payload_too_large`, `invalid_argument`.
pub fn check(mut settle: Settle) -> Result<Settle> {
    settle.updates.iter().try_for_each(limits::check_update)?;
    limits::check_retry(&settle.declared)?;
    settle.outcome = match settle.outcome {
        Outcome::Complete { result, state } => {
            limits::size("result", result.len(), PAYLOAD_BYTES)?;
            limits::size("state", state.as_ref().map_or(0, Payload::len), PAYLOAD_BYTES)?;
            Outcome::Complete { result, state }
        }
        Outcome::Fail { error } => Outcome::Fail { error: limits::cut_error(error) },
        Outcome::Retry { after, error } => {
            Outcome::Retry { after, error: limits::cut_error(error) }
        }
        other => other,
    };
    Ok(settle)
}

/// A completion needs no look at the row: a handler that finishes is completed, cancelled or not.
pub fn complete(settle: &Settle, tenant: &str) -> Option<Transition> {
    let Outcome::Complete { result, state } = &settle.outcome else { return None };
    let guard = Guard::Lease(settle.token);
    let mut to = Transition::to(settle.task_id, tenant.to_owned(), guard, TaskStatus::Completed);
    to.result = Some(result.clone());
    to.state.clone_from(state);
    started(&mut to, settle);
    Some(to)
}

/// Decides from the row; `chance` is the draw for the jitter. The caller has seen that the token is
/// the row's.
pub fn decide(task: &Task, settle: &Settle, chance: f64) -> Transition {
    let guard = Guard::Version(task.version);
    let counted = task.lease.as_ref().is_some_and(|lease| lease.counted);
    let attempt = task.attempt + u32::from(!counted);
    let mut to = match &settle.outcome {
        Outcome::Complete { result, state } => {
            let mut to = Transition::new(task, guard, TaskStatus::Completed);
            to.result = Some(result.clone());
            to.state.clone_from(state);
            to
        }
        Outcome::Fail { error } => {
            after_failure(task, guard, attempt, error, settle.declared, None, chance)
        }
        Outcome::Retry { after, error } => {
            after_failure(task, guard, attempt, error, settle.declared, *after, chance)
        }
        Outcome::Cancel { reason } => cancelled(task, guard, reason.as_deref()),
        Outcome::Snooze { .. } | Outcome::HandBack if task.cancel_requested => {
            cancelled(task, guard, None)
        }
        Outcome::Snooze { after } => {
            let mut to = Transition::new(task, guard, TaskStatus::Scheduled);
            to.run_at = Some(When::After(*after));
            to.message = Some("snoozed".to_owned());
            to.uncount = true;
            to
        }
        Outcome::HandBack => {
            let mut to = Transition::new(task, guard, TaskStatus::Pending);
            to.message = Some("handed back".to_owned());
            to.uncount = true;
            to
        }
    };
    if settle.outcome == Outcome::HandBack {
        to.started = settle.started;
        to.updates.clone_from(&settle.updates);
    } else {
        started(&mut to, settle);
    }
    to
}

fn started(to: &mut Transition, settle: &Settle) {
    // An outcome implies a start, also from a worker that did not say when.
    to.started = settle.started.or(Some(Duration::ZERO));
    to.updates.clone_from(&settle.updates);
}

fn cancelled(task: &Task, guard: Guard, reason: Option<&str>) -> Transition {
    let mut to = Transition::new(task, guard, TaskStatus::Cancelled);
    let text = reason.unwrap_or("cancelled on request");
    to.error = Some(limits::cut_error(TaskError::new("task_cancelled", text).fatal()));
    to
}

/// What follows when attempt number `attempt` of a task failed: another one, or the end.
///
/// `after` is a delay the handler asked for; `None` backs off by the policy.
pub fn after_failure(
    task: &Task,
    guard: Guard,
    attempt: u32,
    error: &TaskError,
    declared: RetryOptions,
    after: Option<Duration>,
    chance: f64,
) -> Transition {
    let policy = Policy::resolve(task.retry, declared);
    let timed_out = error.code == TASK_TIMEOUT;
    let again =
        error.retryable && policy.allows(attempt) && (!timed_out || policy.retry_on_timeout);
    if task.cancel_requested {
        return cancelled(task, guard, Some("cancelled on request, after an attempt that failed"));
    }
    let mut to = if again {
        let delay = after.unwrap_or_else(|| policy.delay(attempt, chance));
        let status = if delay.is_zero() { TaskStatus::Pending } else { TaskStatus::Scheduled };
        let mut to = Transition::new(task, guard, status);
        to.run_at = Some(When::After(delay));
        to
    } else {
        Transition::new(task, guard, TaskStatus::Failed)
    };
    to.error = Some(error.clone());
    to
}

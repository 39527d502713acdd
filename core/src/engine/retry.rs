//! How a failed or cancelled task is run again on request.

use crate::engine::transition::{Guard, Transition};
use crate::error::{Error, Result};
use crate::words::{Task, TaskKind, TaskStatus, When};

/// The statuses of tasks that it changes.
pub const TAKES: &[TaskStatus] = &[TaskStatus::Failed, TaskStatus::Cancelled];

/// The task starts over, with no attempts made: pending, or with a `state_key` blocked until its turn comes
/// again, which `engine::follow` gives. Its history goes on.
///
/// # Errors
///
/// `invalid_transition` unless it is `failed` or `cancelled`, for what stands for others, for a step of
/// a block: its verdict holds, and its room is given to other steps; and for a hook that was cancelled
/// before its batch came to the end that it waits for: it would run at another.
pub fn decide(task: &Task) -> Result<Transition> {
    // Stages are put where they belong by who knows their pipeline.
    let waited = task.waits > 0 && task.pipeline_id.is_none();
    if !TAKES.contains(&task.status)
        || !task.kind.is_task()
        || task.block_id.is_some()
        || (task.status == TaskStatus::Cancelled && waited)
    {
        return Err(Error::InvalidTransition {
            task_id: task.task_id,
            status: task.status,
            verb: "retry".into(),
            needs: match task.kind {
                TaskKind::Task if TAKES.contains(&task.status) && task.block_id.is_none() => {
                    "its batch to run again, which it waits for".into()
                }
                TaskKind::Task if task.block_id.is_none() => "failed or cancelled".into(),
                TaskKind::Task => "a task that is no step of a block, whose verdict holds".into(),
                _ => "a task of its own".into(),
            },
        });
    }
    let waits = task.state_key.is_some();
    let status = if waits { TaskStatus::Blocked } else { TaskStatus::Pending };
    let mut to = Transition::new(task, Guard::Version(task.version), status);
    to.waits = Some(0);
    to.run_at = Some(When::Now);
    to.start_over = true;
    to.suspect = Some(false);
    to.cancel_requested = Some(false);
    to.message = Some("retried on request".to_owned());
    Ok(to)
}

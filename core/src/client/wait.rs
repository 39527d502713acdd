//! Waiting for the end of tasks. A wait has a timeout of its own that never touches the task.

use std::time::Duration;

use crate::client::{Client, parse};
use crate::error::{Error, Result};
use crate::words::{Payload, Task, TaskStatus};

/// How long one question may wait for an answer.
const POLL: Duration = Duration::from_secs(20);
/// When a wait looks whether any worker would take the task.
const LOOK_FOR_WORKER: Duration = Duration::from_secs(2);

impl Client {
    /// The task, once it has ended, however it ended.
    ///
    /// # Errors
    ///
    /// `task_not_found`; when `timeout` passes first, `worker_not_available` if no live worker takes
    /// the task, else `task_timeout`.
    pub async fn wait(&self, task_id: &str, timeout: Option<Duration>) -> Result<Task> {
        let mut tasks = self.wait_many(&[task_id.to_owned()], timeout, false).await?;
        tasks.pop().ok_or_else(|| Error::internal("a wait answered nothing"))
    }

    /// The tasks in the order of their ids, once all have ended; with `fail_fast` as soon as one
    /// failed or was cancelled, the others as they stand. Cancels nothing. Errors as `wait`.
    pub async fn wait_many(
        &self,
        task_ids: &[String],
        timeout: Option<Duration>,
        fail_fast: bool,
    ) -> Result<Vec<Task>> {
        let ids = parse(task_ids)?;
        let start = self.host.monotonic();
        let mut looked = false;
        loop {
            let spent = self.host.monotonic().saturating_sub(start);
            let left = timeout.map_or(POLL, |limit| limit.saturating_sub(spent));
            let next = if looked { POLL } else { LOOK_FOR_WORKER };
            let tasks =
                self.service.wait(&self.tenant, ids.clone(), fail_fast, left.min(next)).await?;
            if is_over(&tasks, fail_fast) {
                return Ok(tasks);
            }
            let spent = self.host.monotonic().saturating_sub(start);
            let waits = tasks.iter().find(|task| task.status.is_waiting());
            if let Some(limit) = timeout
                && spent >= limit
            {
                return Err(self.ran_out(&tasks, limit).await);
            }
            if let (false, Some(task)) = (looked, waits)
                && spent >= LOOK_FOR_WORKER
            {
                looked = true;
                if !self.has_worker(task).await {
                    tracing::warn!(
                        task_id = %task.task_id,
                        "no live worker takes task type {:?} from queue {:?}; start one, for example: \
                         windlass worker MODULE:APP",
                        task.task_type,
                        task.queue,
                    );
                }
            }
        }
    }

    /// JSON text of the task's answer, once it has completed.
    ///
    /// # Errors
    ///
    /// As `wait`, and `task_failed`, `task_cancelled`.
    pub async fn result(&self, task_id: &str, timeout: Option<Duration>) -> Result<Payload> {
        result_of(self.wait(task_id, timeout).await?)
    }

    async fn ran_out(&self, tasks: &[Task], timeout: Duration) -> Error {
        let open = tasks.iter().find(|task| !task.status.is_final());
        match open {
            Some(task) if task.status == TaskStatus::Pending && !self.has_worker(task).await => {
                Error::WorkerNotAvailable {
                    task_id: task.task_id,
                    task_type: task.task_type.clone(),
                    timeout,
                }
            }
            open => Error::TaskTimeout {
                task_id: open.map_or_else(String::new, |task| task.task_id.to_string()),
                timeout,
            },
        }
    }

    async fn has_worker(&self, task: &Task) -> bool {
        match self.service.workers(&self.tenant).await {
            Ok(workers) => workers.iter().any(|w| w.takes(&task.queue, &task.handler)),
            Err(_) => true,
        }
    }
}

/// The answer of an ended task.
///
/// # Errors
///
/// `task_failed`, `task_cancelled`; `task_timeout` if it has not ended.
pub fn result_of(task: Task) -> Result<Payload> {
    match task.status {
        TaskStatus::Completed => Ok(task.result.unwrap_or_default()),
        TaskStatus::Failed => Err(Error::TaskFailed {
            task_id: task.task_id,
            error: Box::new(task.error.unwrap_or_else(|| {
                crate::words::TaskError::new("internal", "the task failed without an error")
            })),
        }),
        TaskStatus::Cancelled => Err(Error::TaskCancelled { task_id: task.task_id }),
        _ => Err(Error::TaskTimeout { task_id: task.task_id.to_string(), timeout: Duration::ZERO }),
    }
}

fn is_over(tasks: &[Task], fail_fast: bool) -> bool {
    let bad = |task: &Task| matches!(task.status, TaskStatus::Failed | TaskStatus::Cancelled);
    tasks.iter().all(|task| task.status.is_final()) || (fail_fast && tasks.iter().any(bad))
}

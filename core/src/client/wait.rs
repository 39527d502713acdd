//! Waiting for the end of tasks. A wait has a timeout of its own that never touches the task.

use std::time::Duration;

use crate::client::{Client, parse};
use crate::error::{Error, Result};
use crate::future::BoxFuture;
use crate::runtime::host::Host;
use crate::words::{Payload, Task, TaskError, TaskId, TaskStatus};

/// How long one question may wait for an answer.
const POLL: Duration = Duration::from_secs(20);
/// When a wait looks whether any worker would take the task.
const LOOK_FOR_WORKER: Duration = Duration::from_secs(2);

/// What a wait reads of a task.
pub trait Waited {
    /// Its id.
    fn task_id(&self) -> TaskId;
    /// How it stands.
    fn status(&self) -> TaskStatus;
    /// Its type, for people.
    fn task_type(&self) -> &str;
    /// Its queue.
    fn queue(&self) -> &str;
    /// The handler that it needs.
    fn handler(&self) -> &str;
}

impl Waited for Task {
    fn task_id(&self) -> TaskId {
        self.task_id
    }

    fn status(&self) -> TaskStatus {
        self.status
    }

    fn task_type(&self) -> &str {
        &self.task_type
    }

    fn queue(&self) -> &str {
        &self.queue
    }

    fn handler(&self) -> &str {
        &self.handler
    }
}

/// Who a wait asks.
pub trait Waits {
    /// A task, in whatever form it is handed on.
    type Task: Waited;

    /// The host that measures time.
    fn host(&self) -> &dyn Host;

    /// The tasks as they stand once all have ended, or `wait` is over; see `Service::wait`.
    fn wait(
        &self,
        ids: Vec<TaskId>,
        fail_fast: bool,
        wait: Duration,
    ) -> BoxFuture<'_, Result<Vec<Self::Task>>>;

    /// Whether any live worker would take the task.
    fn has_worker<'a>(&'a self, task: &'a Self::Task) -> BoxFuture<'a, Result<bool>>;
}

impl Waits for Client {
    type Task = Task;

    fn host(&self) -> &dyn Host {
        &*self.host
    }

    fn wait(
        &self,
        ids: Vec<TaskId>,
        fail_fast: bool,
        wait: Duration,
    ) -> BoxFuture<'_, Result<Vec<Task>>> {
        self.service.wait(&self.tenant, ids, fail_fast, wait)
    }

    fn has_worker<'a>(&'a self, task: &'a Task) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move {
            let workers = self.service.workers(&self.tenant).await?;
            Ok(workers.iter().any(|w| w.takes(&task.queue, &task.handler)))
        })
    }
}

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
        wait_many(self, parse(task_ids)?, timeout, fail_fast).await
    }

    /// JSON text of the task's answer, once it has completed.
    ///
    /// # Errors
    ///
    /// As `wait`, and `task_failed`, `task_cancelled`.
    pub async fn result(&self, task_id: &str, timeout: Option<Duration>) -> Result<Payload> {
        result_of(self.wait(task_id, timeout).await?)
    }
}

/// The tasks of `ids`, in order, once all have ended, as `asked` answers; see [`Client::wait_many`].
///
/// # Errors
///
/// As there.
pub async fn wait_many<W: Waits + ?Sized>(
    asked: &W,
    ids: Vec<TaskId>,
    timeout: Option<Duration>,
    fail_fast: bool,
) -> Result<Vec<W::Task>> {
    let host = asked.host();
    let start = host.monotonic();
    let mut looked = false;
    loop {
        let spent = host.monotonic().saturating_sub(start);
        let left = timeout.map_or(POLL, |limit| limit.saturating_sub(spent));
        let next = if looked { POLL } else { LOOK_FOR_WORKER };
        let tasks = asked.wait(ids.clone(), fail_fast, left.min(next)).await?;
        if is_over(&tasks, fail_fast) {
            return Ok(tasks);
        }
        let spent = host.monotonic().saturating_sub(start);
        let waits = tasks.iter().find(|task| task.status().is_waiting());
        if let Some(limit) = timeout
            && spent >= limit
        {
            return Err(ran_out(asked, &tasks, limit).await);
        }
        if let (false, Some(task)) = (looked, waits)
            && spent >= LOOK_FOR_WORKER
        {
            looked = true;
            if !asked.has_worker(task).await.unwrap_or(true) {
                tracing::warn!(
                    task_id = %task.task_id(),
                    "no live worker takes task type {:?} from queue {:?}; start one, for example: \
                     windlass worker MODULE:APP",
                    task.task_type(),
                    task.queue(),
                );
            }
        }
    }
}

async fn ran_out<W: Waits + ?Sized>(asked: &W, tasks: &[W::Task], timeout: Duration) -> Error {
    let open = tasks.iter().find(|task| !task.status().is_final());
    match open {
        Some(task)
            if task.status() == TaskStatus::Pending
                && !asked.has_worker(task).await.unwrap_or(true) =>
        {
            Error::WorkerNotAvailable {
                task_id: task.task_id(),
                task_type: task.task_type().to_owned(),
                timeout,
            }
        }
        open => Error::TaskTimeout {
            task_id: open.map_or_else(String::new, |task| task.task_id().to_string()),
            timeout,
        },
    }
}

/// The answer of an ended task.
///
/// # Errors
///
/// `task_failed`, `task_cancelled`; `task_timeout` if it has not ended.
pub fn result_of(task: Task) -> Result<Payload> {
    let Task { task_id, status, result, error, .. } = task;
    answer_of(task_id, status, error).map(|()| result.unwrap_or_default())
}

/// That a task with this status and error has an answer. Errors as [`result_of`].
pub fn answer_of(task_id: TaskId, status: TaskStatus, error: Option<TaskError>) -> Result<()> {
    match status {
        TaskStatus::Completed => Ok(()),
        TaskStatus::Failed => {
            Err(Error::TaskFailed {
                task_id,
                error: Box::new(error.unwrap_or_else(|| {
                    TaskError::new("internal", "the task failed without an error")
                })),
            })
        }
        TaskStatus::Cancelled => Err(Error::TaskCancelled { task_id }),
        _ => Err(Error::TaskTimeout { task_id: task_id.to_string(), timeout: Duration::ZERO }),
    }
}

/// Whether a wait for `tasks` ends with them as they stand.
pub fn is_over(tasks: &[impl Waited], fail_fast: bool) -> bool {
    tasks.iter().all(|task| task.status().is_final()) || (fail_fast && has_failed(tasks))
}

/// Whether one of them has failed or was cancelled.
pub fn has_failed(tasks: &[impl Waited]) -> bool {
    tasks.iter().any(|task| matches!(task.status(), TaskStatus::Failed | TaskStatus::Cancelled))
}

//! What a handler is given beside its payload.

use std::sync::Arc;

use tokio::sync::watch;
use windlass_core::{CancelReason, Job, JobId, LogLevel, NewUpdate, Result, Task, Worker};

/// The attempt that a handler runs.
#[derive(Clone)]
pub struct Context {
    worker: Worker,
    job: JobId,
    task: Arc<Task>,
    attempt: u32,
    cancelled: watch::Receiver<Option<CancelReason>>,
}

impl Context {
    pub(crate) fn new(
        worker: Worker,
        job: Job,
        cancelled: watch::Receiver<Option<CancelReason>>,
    ) -> Self {
        let (id, attempt) = (job.id, job.attempt);
        Self { worker, job: id, task: Arc::new(job.task), attempt, cancelled }
    }

    /// The task, as it was leased.
    pub fn task(&self) -> &Task {
        &self.task
    }

    /// The id of the task.
    pub fn task_id(&self) -> String {
        self.task.task_id.to_string()
    }

    /// Which attempt this is, from 1.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Reports how far the handler is, 0 to 100, with a text beside it if it is not empty.
    ///
    /// # Errors
    ///
    /// `invalid_argument`, `payload_too_large`.
    pub fn progress(&self, percent: f64, message: &str) -> Result<()> {
        let message = Some(message.to_owned()).filter(|text| !text.is_empty());
        self.worker.report(self.job, NewUpdate::Progress { progress: percent, message })
    }

    /// Writes a line to the task's log, at most 16 KiB.
    ///
    /// # Errors
    ///
    /// `payload_too_large`.
    pub fn log(&self, level: LogLevel, message: impl Into<String>) -> Result<()> {
        self.worker.report(self.job, NewUpdate::Log { level, message: message.into() })
    }

    /// Why the handler is asked to stop, if it is.
    pub fn cancel_reason(&self) -> Option<CancelReason> {
        *self.cancelled.borrow()
    }

    /// Resolves when the handler is asked to stop. After the worker's `cancel_grace` its future is
    /// dropped.
    pub async fn cancelled(&self) -> CancelReason {
        let mut cancelled = self.cancelled.clone();
        let reason = cancelled.wait_for(Option::is_some).await.map(|reason| *reason);
        match reason {
            Ok(reason) => reason.unwrap_or(CancelReason::Requested),
            // The sender is gone with the attempt, so nobody waits for this.
            Err(_) => std::future::pending().await,
        }
    }
}

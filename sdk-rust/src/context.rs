//! What a handler is given beside its payload.

use std::sync::{Arc, Mutex, MutexGuard};

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::watch;
use windlass_core::{
    CancelReason, Error, Job, JobId, LogLevel, NewUpdate, Payload, Result, Task, Worker,
};

/// The attempt that a handler runs.
#[derive(Clone)]
pub struct Context {
    worker: Worker,
    job: JobId,
    task: Arc<Task>,
    attempt: u32,
    state: Arc<Mutex<Held>>,
    cancelled: watch::Receiver<Option<CancelReason>>,
}

/// The state of a key, as the handler has it.
struct Held {
    state: Option<Payload>,
    is_set: bool,
}

impl Context {
    pub(crate) fn new(
        worker: Worker,
        job: Job,
        cancelled: watch::Receiver<Option<CancelReason>>,
    ) -> Self {
        let (id, attempt) = (job.id, job.attempt);
        let state = Arc::new(Mutex::new(Held { state: job.state, is_set: false }));
        Self { worker, job: id, task: Arc::new(job.task), attempt, state, cancelled }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// The state to store with the completion, if the handler set one.
    pub(crate) fn state_to_store(&self) -> Option<Payload> {
        let held = self.held();
        held.state.clone().filter(|_| held.is_set)
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

    /// The state that tasks with the same `state_key` share: as the last of them left it, else the task's
    /// `initial_state`; what was set here since. `None` when there is none.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use serde_json::json;
    /// use windlass::{Context, Handlers, TaskSpec, WorkerConfig};
    ///
    /// let client = windlass::connect("memory:").await?;
    /// let handlers = Handlers::new().on("visit", async |ctx: Context, (): ()| {
    ///     let visits = ctx.state::<u64>()?.unwrap_or_default() + 1;
    ///     ctx.set_state(&visits)?;
    ///     Ok(visits)
    /// });
    /// let running = handlers.start(&client, WorkerConfig::default())?;
    /// let visit = || TaskSpec::new("visit", json!(null)).state_key("page-7");
    /// client.submit(visit()).await?;
    /// let second = client.submit(visit()).await?;
    /// assert_eq!(client.result(&second.task_id.to_string(), None).await?.as_str(), "2");
    /// assert_eq!(client.state("page-7").await?.unwrap().as_str(), "2");
    /// running.drain().await;
    /// # Ok::<(), windlass::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// `invalid_payload` when the state has another shape.
    pub fn state<S: DeserializeOwned>(&self) -> Result<Option<S>> {
        self.held().state.as_ref().map(|state| state.read("state")).transpose()
    }

    /// Sets the state. It is stored together with the completion, or not at all: an attempt that fails
    /// leaves it as it was.
    ///
    /// # Errors
    ///
    /// `invalid_argument` when the task has no `state_key`; `invalid_payload` when the value has no JSON
    /// form.
    pub fn set_state<S: Serialize + ?Sized>(&self, state: &S) -> Result<()> {
        if self.task.state_key.is_none() {
            let reason = "is needed to keep a state: submit the task with one";
            return Err(Error::invalid("state_key", reason));
        }
        let state = Some(Payload::of("state", &state)?);
        *self.held() = Held { state, is_set: true };
        Ok(())
    }

    /// The result of a stage that this one depends on, by its name; for a task that runs at the end of a
    /// batch, the batch as it ended, by the name `batch`. Fetched on use.
    ///
    /// # Errors
    ///
    /// `invalid_argument` when the task depends on nothing of that name; `invalid_payload` when the result
    /// has another shape; those of reading from the store.
    pub async fn upstream<T: DeserializeOwned>(&self, name: &str) -> Result<T> {
        match self.worker.upstream(self.task.task_id, name).await? {
            Some(result) => result.read("result"),
            None => {
                let names = self.upstream_names().await?.join(", ");
                let known = if names.is_empty() { "nothing".to_owned() } else { names };
                let reason = format!("{name:?} is not what it depends on: that is {known}");
                Err(Error::invalid("name", reason))
            }
        }
    }

    /// The names that [`upstream`](Self::upstream) knows.
    ///
    /// # Errors
    ///
    /// Those of reading from the store.
    pub async fn upstream_names(&self) -> Result<Vec<String>> {
        self.worker.upstream_names(self.task.task_id).await
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

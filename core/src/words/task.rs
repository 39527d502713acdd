//! A stored task, as callers see it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::words::{
    BatchId, Labels, Lease, LeaseToken, Members, Parent, Payload, Priority, RetryOptions, TaskId,
    TaskKind, TaskStatus, Timestamp, key, opt_seconds,
};

/// Why an attempt, or a task, failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TaskError {
    /// Stable code: `handler_error` for what a handler raised, else a code of `spec/errors.toml`
    /// or `lease_expired`.
    pub code: String,
    /// Text for people.
    pub message: String,
    /// Class of the exception in the handler's language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_type: Option<String>,
    /// Stack trace of the handler.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceback: Option<String>,
    /// Whether another attempt may help.
    #[serde(default = "yes")]
    pub retryable: bool,
    /// When it happened, by the store's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

fn yes() -> bool {
    true
}

fn pending() -> TaskStatus {
    TaskStatus::Pending
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl TaskError {
    /// An error with `code` and `message`, retryable.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
            error_type: None,
            traceback: None,
            retryable: true,
            at: None,
        }
    }

    /// The same, not retryable.
    #[must_use]
    pub fn fatal(mut self) -> Self {
        self.retryable = false;
        self
    }
}

/// A task as it is stored.
///
/// `version` counts every write to the row and guards decisions made from a copy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Task {
    /// UUIDv7.
    pub task_id: TaskId,
    /// Whose task it is.
    pub tenant: String,
    /// Named line of tasks.
    pub queue: String,
    /// Selects the handler.
    pub task_type: String,
    /// The handler that runs it: `task_type`, or for `stateless` and `stateful` the payload's
    /// `function`, else empty for a worker's default handler.
    pub handler: String,
    /// JSON text.
    pub payload: Payload,
    /// 1 to 5, lower first.
    pub priority: Priority,
    /// Where it stands.
    pub status: TaskStatus,
    /// Earliest start; orders tasks of one priority.
    pub run_at: Timestamp,
    /// When it was stored.
    pub created_at: Timestamp,
    /// Start of the first attempt.
    #[serde(default)]
    pub started_at: Option<Timestamp>,
    /// When it reached a final status.
    #[serde(default)]
    pub finished_at: Option<Timestamp>,
    /// Start of the attempt that runs or ran last.
    #[serde(default)]
    pub attempt_started_at: Option<Timestamp>,
    /// Longest one attempt may run, as given at submit.
    #[serde(rename = "timeout_seconds", with = "opt_seconds", default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<f64>))]
    pub timeout: Option<Duration>,
    /// Retry options as given at submit.
    #[serde(default)]
    pub retry: RetryOptions,
    /// Attempts that counted so far.
    pub attempt: u32,
    /// Its key, unique in the tenant. Written as `null` when it is the transport's own: see
    /// [`rules::keys`](crate::rules::keys).
    #[serde(default, serialize_with = "key::shown")]
    pub idempotency_key: Option<String>,
    /// SHA-256 of what the key stands for; only with a key.
    #[serde(skip)]
    pub fingerprint: Option<[u8; 32]>,
    /// Labels.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = crate::words::schema::StoredLabels))]
    pub labels: Labels,
    /// Free JSON object.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<crate::words::schema::JsonObject>))]
    pub metadata: Option<Payload>,
    /// W3C trace context.
    #[serde(default)]
    pub traceparent: Option<String>,
    /// Tasks with one key run one at a time, in submission order, and share a state.
    #[serde(default)]
    pub state_key: Option<String>,
    /// The state when there is none yet.
    #[serde(default)]
    pub initial_state: Option<Payload>,
    /// What it is made of.
    #[serde(default, skip_serializing_if = "TaskKind::is_task")]
    pub kind: TaskKind,
    /// The batch it was submitted with.
    #[serde(default)]
    pub batch_id: Option<BatchId>,
    /// The block it is a step of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block_id: Option<TaskId>,
    /// The pipeline it is a stage of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pipeline_id: Option<TaskId>,
    /// Its name in its pipeline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// How many tasks it still waits for.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub waits: u32,
    /// How its members ended so far; of a batch, block or pipeline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub members: Option<Members>,
    /// Its worker was lost once: leased alone from then on.
    #[serde(default)]
    pub suspect: bool,
    /// A cancel was asked for while it ran.
    #[serde(default)]
    pub cancel_requested: bool,
    /// Who holds it, while running.
    #[serde(default)]
    pub lease: Option<Lease>,
    /// The token of the lease; never leaves the process but to its holder.
    #[serde(skip)]
    pub token: Option<LeaseToken>,
    /// Where the last attempt ran: the worker's id.
    #[serde(default)]
    pub executed_on: Option<String>,
    /// JSON text of the handler's answer, once completed.
    #[serde(default)]
    pub result: Option<Payload>,
    /// The last failed attempt's error.
    #[serde(default)]
    pub error: Option<TaskError>,
    /// 0 to 100, as last reported; 100 once completed.
    #[serde(default)]
    pub progress: Option<f64>,
    /// Text beside the progress.
    #[serde(default)]
    pub message: Option<String>,
    /// Its status when it was stored: the first entry of its history.
    #[serde(skip, default = "pending")]
    pub submitted_as: TaskStatus,
    /// Highest `seq` of its updates.
    pub last_seq: u64,
    /// `seq` of the first start.
    #[serde(default)]
    pub start_seq: Option<u64>,
    /// Lowest `seq` still kept.
    pub first_seq: u64,
    /// Writes to this row so far.
    pub version: u64,
}

impl Task {
    /// Attempts after the first that were made.
    pub fn retry_count(&self) -> u32 {
        self.attempt.saturating_sub(1)
    }

    /// Its key as its user gave it; `None` also when it is the transport's own.
    pub fn shown_key(&self) -> Option<&str> {
        self.idempotency_key.as_deref().filter(|key| !key::is_automatic_key(key))
    }

    /// When it last changed, as far as its row tells: its finish, else the start of the attempt that
    /// runs, else when it was stored.
    pub fn changed_at(&self) -> Timestamp {
        let started = self.attempt_started_at.filter(|_| self.status == TaskStatus::Running);
        // A start is reported as so long ago, so it may be dated a little before the task itself.
        self.finished_at.or(started.max(Some(self.created_at))).unwrap_or_default()
    }

    /// The composite that it is a member of.
    pub fn parent(&self) -> Option<Parent> {
        let of = |kind| move |task_id| Parent { task_id, kind };
        let batch = self.batch_id.map(TaskId::from).map(of(TaskKind::Batch));
        let block = self.block_id.map(of(TaskKind::Block));
        batch.or(block).or(self.pipeline_id.map(of(TaskKind::Pipeline)))
    }

    /// Makes it a member of `parent`.
    pub fn set_parent(&mut self, parent: Option<Parent>) {
        (self.batch_id, self.block_id, self.pipeline_id) = (None, None, None);
        match parent {
            Some(Parent { task_id, kind: TaskKind::Batch }) => self.batch_id = Some(task_id.into()),
            Some(Parent { task_id, kind: TaskKind::Block }) => self.block_id = Some(task_id),
            Some(Parent { task_id, .. }) => self.pipeline_id = Some(task_id),
            None => {}
        }
    }

    /// How long the last attempt ran, once finished.
    pub fn duration(&self) -> Option<Duration> {
        Some(self.finished_at?.since(self.attempt_started_at?))
    }
}

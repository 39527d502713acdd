//! Everything that can be refused or can fail, one variant for one stable code.
//!
//! `spec/errors.toml` is the table that every language is generated from; a test compares it with
//! this enum.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::words::{Seconds, TaskError, TaskId, TaskStatus, Timestamp};

/// A result of the engine.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The foreign error beneath one of ours.
pub type Source = Arc<dyn std::error::Error + Send + Sync>;

/// What was refused or failed. `code` is stable; the text is for people.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An argument or option is outside what is allowed. Nothing was changed.
    #[error("{field}: {reason}")]
    InvalidArgument {
        /// Name of the argument, as on the wire.
        field: String,
        /// What is allowed, and what was given.
        reason: String,
    },
    /// A payload, result or state is not JSON text as Windlass takes it. Nothing was changed.
    #[error("{field} is not valid: {reason}")]
    InvalidPayload {
        /// `payload`, `result`, `initial_state` or `metadata`.
        field: String,
        /// What is wrong, with its place.
        reason: String,
    },
    /// A value is over its size limit. Nothing was changed.
    #[error("{field} has {size_bytes} bytes, over the limit of {limit_bytes}{}", instead(*limit_bytes))]
    PayloadTooLarge {
        /// Name of the value, as on the wire.
        field: String,
        /// Size given, in bytes.
        size_bytes: u64,
        /// Most that is taken, in bytes.
        limit_bytes: u64,
    },
    /// No task of this tenant has this id, or it was pruned.
    #[error("task {task_id} not found")]
    TaskNotFound {
        /// The id as given; it may be no id at all.
        task_id: String,
    },
    /// No batch of this tenant has this id, or all its tasks were pruned.
    #[error("batch {batch_id} not found")]
    BatchNotFound {
        /// The id as given; it may be no id at all.
        batch_id: String,
    },
    /// No pipeline of this tenant has this id, or it was pruned.
    #[error("pipeline {pipeline_id} not found")]
    PipelineNotFound {
        /// The id as given; it may be no id at all.
        pipeline_id: String,
    },
    /// The key was used before for another request. Nothing was stored.
    #[error("idempotency key {key:?} was used for another request, task {task_id}")]
    IdempotencyConflict {
        /// The key.
        key: String,
        /// The task that holds it.
        task_id: TaskId,
    },
    /// The queue is at its depth limit. Nothing was stored.
    #[error("queue {queue:?} is full: {limit} tasks wait")]
    QueueFull {
        /// The queue.
        queue: String,
        /// Its depth limit.
        limit: u64,
        /// When to try again.
        retry_after: Duration,
    },
    /// The lease expired and was taken away; what was reported was not recorded.
    #[error("lease on task {task_id} lost")]
    LeaseLost {
        /// The task.
        task_id: TaskId,
    },
    /// The task's status does not allow the verb. Nothing was changed.
    #[error("task {task_id} is {status}: {verb} needs {needs}")]
    InvalidTransition {
        /// The task.
        task_id: TaskId,
        /// Its status.
        status: TaskStatus,
        /// What was asked.
        verb: Cow<'static, str>,
        /// The statuses that allow it.
        needs: Cow<'static, str>,
    },
    /// An attempt ran, or a wait lasted, longer than its timeout. A wait never touches the task.
    #[error("task {task_id} timed out after {}s", Seconds(*timeout))]
    TaskTimeout {
        /// The task.
        task_id: String,
        /// The timeout that passed.
        timeout: Duration,
    },
    /// The task failed for good; asked for its result, this is the answer.
    #[error("task {task_id} failed: {}", error.message)]
    TaskFailed {
        /// The task.
        task_id: TaskId,
        /// The last attempt's error.
        error: Box<TaskError>,
    },
    /// The task was cancelled; asked for its result, this is the answer.
    #[error("task {task_id} was cancelled")]
    TaskCancelled {
        /// The task.
        task_id: TaskId,
    },
    /// A wait ended and no live worker handles the task's type.
    #[error("no live worker handles {task_type:?}: task {task_id} waits, after {}s", Seconds(*timeout))]
    WorkerNotAvailable {
        /// The task.
        task_id: TaskId,
        /// The wait's timeout that passed.
        timeout: Duration,
        /// Its type.
        task_type: String,
    },
    /// The worker has no handler for the type. The task was not harmed.
    #[error("no handler is registered for {task_type:?}")]
    HandlerNotFound {
        /// The type.
        task_type: String,
    },
    /// The service did not accept who asks: no key, or a wrong one. Nothing was done.
    #[error("not authenticated: {reason}")]
    Authentication {
        /// What was missing or wrong; never the key itself.
        reason: String,
    },
    /// Too many calls in too short a time. Nothing was done.
    #[error("rate limited: try again in {}s", Seconds(*retry_after))]
    RateLimited {
        /// When to try again.
        retry_after: Duration,
    },
    /// What was bought or allotted is used up. Nothing was done.
    #[error("quota {quota_type} exceeded: {current} of {limit}")]
    QuotaExceeded {
        /// What is limited.
        quota_type: String,
        /// How much is used.
        current: u64,
        /// How much is allowed.
        limit: u64,
    },
    /// A circuit breaker keeps calls away from what failed before. Nothing was called.
    #[error("circuit breaker {name:?} is open: try again in {}s", Seconds(*retry_after))]
    CircuitBreakerOpen {
        /// The breaker.
        name: String,
        /// When it lets a probe through.
        retry_after: Duration,
    },
    /// The service is there but takes no more for now: too many connections or streams, or it is
    /// going down. Nothing was done.
    #[error("service unavailable: {reason}")]
    ServiceUnavailable {
        /// What is exhausted.
        reason: String,
        /// When to try again.
        retry_after: Duration,
    },
    /// The service refused the request itself, or answered what no Windlass service answers.
    #[error("the service answered {status_code}: {reason}")]
    Api {
        /// The HTTP status.
        status_code: u16,
        /// What it said, or what is wrong with the answer.
        reason: String,
    },
    /// The client was closed. Nothing was done.
    #[error("the client is closed")]
    ClientClosed,
    /// The URL names no store that this build knows.
    #[error("cannot connect to {url:?}: {reason}")]
    InvalidUrl {
        /// The URL, without its password.
        url: String,
        /// What is allowed.
        reason: String,
    },
    /// The store did not answer. Nothing is known about the write.
    #[error("store unavailable during {operation}: {reason}")]
    StoreUnavailable {
        /// What was being done.
        operation: Cow<'static, str>,
        /// What the store or system said.
        reason: String,
        /// The foreign error.
        #[source]
        source: Option<Source>,
    },
    /// The disk is full. Nothing of this write was stored.
    #[error("no space left for {location}")]
    StoreFull {
        /// The file or database.
        location: String,
    },
    /// The store cannot be written: a read-only file or folder.
    #[error("{location} is read-only")]
    StoreReadOnly {
        /// The file or folder.
        location: String,
    },
    /// What is there is no Windlass store: another format, or damaged.
    #[error("{location} is not a Windlass store: {reason}")]
    InvalidStore {
        /// The file or database.
        location: String,
        /// What was found.
        reason: String,
    },
    /// The store was written by a version that this one cannot work beside.
    #[error("{location} has schema {found}; this version works with {supported}")]
    SchemaIncompatible {
        /// The file or database.
        location: String,
        /// The schema version found, or the least one it demands.
        found: u32,
        /// The schema version of this build.
        supported: u32,
    },
    /// This argument or verb belongs to a part that is not built yet.
    #[error("{feature} is not implemented yet")]
    NotImplemented {
        /// The argument or verb.
        feature: String,
    },
    /// A bug in Windlass: please report it.
    #[error("internal error: {reason}")]
    Internal {
        /// What was found broken.
        reason: String,
    },
    /// What a server said, in its own words. A client that hands text on has this for any of the
    /// codes, instead of the variant.
    #[error("{}", .0.message)]
    Told(Box<Told>),
}

/// An error in a server's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// One of the codes of `spec/errors.toml`.
    pub code: &'static str,
    /// The HTTP status that it came with.
    pub status: u16,
    /// Text for people.
    pub message: String,
    /// JSON text of an object: the error's values by their wire names.
    pub details: String,
    /// When to try again, if it says so.
    pub retry_after: Option<Duration>,
}

const REASON: &str = "reason";
/// The field that says when to try again.
const AGAIN: &str = "retry_after_seconds";

/// The codes of what [`Error::is_retryable`], for errors that a server told.
const RETRYABLE: [&str; 7] = [
    "queue_full",
    "rate_limited",
    "circuit_breaker_open",
    "service_unavailable",
    "store_unavailable",
    "store_full",
    "worker_not_available",
];

/// JSON text of an error's values, written one by one.
#[derive(Default)]
struct Details(String);

// Never inlined: an error has many values, and each would be written out where it stands.
impl Details {
    #[inline(never)]
    fn raw(&mut self, name: &str, json: &str) {
        self.0.push(if self.0.is_empty() { '{' } else { ',' });
        self.0.push('"');
        self.0.push_str(name);
        self.0.push_str("\":");
        self.0.push_str(json);
    }

    #[inline(never)]
    fn text(&mut self, name: &str, value: &str) {
        self.raw(name, &serde_json::to_string(value).unwrap_or_default());
    }

    #[inline(never)]
    fn id(&mut self, task_id: &TaskId) {
        self.text("task_id", &task_id.to_string());
    }

    #[inline(never)]
    fn number(&mut self, name: &str, value: u64) {
        self.raw(name, &value.to_string());
    }

    #[inline(never)]
    fn seconds(&mut self, name: &str, value: Duration) {
        self.raw(name, &Seconds(value).json());
    }

    fn done(mut self) -> String {
        if self.0.is_empty() {
            self.0.push('{');
        }
        self.0.push('}');
        self.0
    }
}

/// What to do about a value that no one made too large: it was put together from others.
fn instead(limit_bytes: u64) -> &'static str {
    if limit_bytes == crate::rules::limits::BLOCK_RESULT_BYTES as u64 {
        ": read the results of the steps one by one, by their ids"
    } else {
        ""
    }
}

impl Error {
    /// An [`Error::InvalidArgument`].
    pub fn invalid(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::InvalidArgument { field: field.into(), reason: reason.into() }
    }

    /// The same refusal of a field that lies within `place`: `payload` becomes `PLACE.payload`.
    #[must_use]
    pub fn within(mut self, place: &str) -> Self {
        if let Self::InvalidArgument { field, .. }
        | Self::InvalidPayload { field, .. }
        | Self::PayloadTooLarge { field, .. } = &mut self
        {
            *field = format!("{place}.{field}");
        }
        self
    }

    /// An [`Error::StoreUnavailable`] with the foreign error as its source.
    pub fn unavailable(
        operation: &'static str,
        source: impl std::error::Error + Send + Sync + 'static,
    ) -> Self {
        Self::StoreUnavailable {
            operation: operation.into(),
            reason: source.to_string(),
            source: Some(Arc::new(source)),
        }
    }

    /// An [`Error::QueueFull`]; try again after a second.
    pub fn queue_full(queue: impl Into<String>, limit: u64) -> Self {
        Self::QueueFull { queue: queue.into(), limit, retry_after: Duration::from_secs(1) }
    }

    /// An [`Error::Internal`].
    pub fn internal(reason: impl Into<String>) -> Self {
        Self::Internal { reason: reason.into() }
    }

    /// Stable code, the same in every language and on the wire.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::InvalidArgument { .. } => "invalid_argument",
            Self::InvalidPayload { .. } => "invalid_payload",
            Self::PayloadTooLarge { .. } => "payload_too_large",
            Self::TaskNotFound { .. } => "task_not_found",
            Self::BatchNotFound { .. } => "batch_not_found",
            Self::PipelineNotFound { .. } => "pipeline_not_found",
            Self::IdempotencyConflict { .. } => "idempotency_conflict",
            Self::QueueFull { .. } => "queue_full",
            Self::LeaseLost { .. } => "lease_lost",
            Self::InvalidTransition { .. } => "invalid_transition",
            Self::TaskTimeout { .. } => "task_timeout",
            Self::TaskFailed { .. } => "task_failed",
            Self::TaskCancelled { .. } => "task_cancelled",
            Self::WorkerNotAvailable { .. } => "worker_not_available",
            Self::HandlerNotFound { .. } => "handler_not_found",
            Self::Authentication { .. } => "authentication_failed",
            Self::RateLimited { .. } => "rate_limited",
            Self::QuotaExceeded { .. } => "quota_exceeded",
            Self::CircuitBreakerOpen { .. } => "circuit_breaker_open",
            Self::ServiceUnavailable { .. } => "service_unavailable",
            Self::Api { .. } => "api_error",
            Self::ClientClosed => "client_closed",
            Self::InvalidUrl { .. } => "invalid_url",
            Self::StoreUnavailable { .. } => "store_unavailable",
            Self::StoreFull { .. } => "store_full",
            Self::StoreReadOnly { .. } => "store_read_only",
            Self::InvalidStore { .. } => "invalid_store",
            Self::SchemaIncompatible { .. } => "schema_incompatible",
            Self::NotImplemented { .. } => "not_implemented",
            Self::Internal { .. } => "internal",
            Self::Told(told) => told.code,
        }
    }

    /// The HTTP status that carries this error.
    pub const fn http_status(&self) -> u16 {
        match self {
            Self::InvalidArgument { .. }
            | Self::InvalidPayload { .. }
            | Self::InvalidUrl { .. } => 400,
            Self::PayloadTooLarge { .. } => 413,
            Self::TaskNotFound { .. }
            | Self::BatchNotFound { .. }
            | Self::PipelineNotFound { .. }
            | Self::HandlerNotFound { .. } => 404,
            Self::IdempotencyConflict { .. } | Self::TaskFailed { .. } => 422,
            Self::QueueFull { .. } | Self::RateLimited { .. } | Self::QuotaExceeded { .. } => 429,
            Self::Authentication { .. } => 401,
            Self::Api { status_code, .. } => *status_code,
            Self::Told(told) => told.status,
            Self::LeaseLost { .. }
            | Self::InvalidTransition { .. }
            | Self::TaskCancelled { .. } => 409,
            Self::TaskTimeout { .. } => 504,
            Self::WorkerNotAvailable { .. }
            | Self::ClientClosed
            | Self::CircuitBreakerOpen { .. }
            | Self::ServiceUnavailable { .. }
            | Self::StoreUnavailable { .. } => 503,
            Self::StoreFull { .. } => 507,
            Self::NotImplemented { .. } => 501,
            Self::StoreReadOnly { .. }
            | Self::InvalidStore { .. }
            | Self::SchemaIncompatible { .. }
            | Self::Internal { .. } => 500,
        }
    }

    /// Whether the same call may succeed later without any change by the caller.
    pub fn is_retryable(&self) -> bool {
        if let Self::Told(told) = self {
            return RETRYABLE.contains(&told.code);
        }
        matches!(
            self,
            Self::QueueFull { .. }
                | Self::RateLimited { .. }
                | Self::CircuitBreakerOpen { .. }
                | Self::ServiceUnavailable { .. }
                | Self::StoreUnavailable { .. }
                | Self::StoreFull { .. }
                | Self::WorkerNotAvailable { .. }
        )
    }

    /// The variant's values by their wire names; durations are seconds in `…_seconds` fields.
    pub fn fields(&self) -> Map<String, Value> {
        serde_json::from_str(&self.details()).unwrap_or_default()
    }

    /// JSON text of the object of [`Error::fields`].
    pub fn details(&self) -> String {
        let mut d = Details::default();
        match self {
            Self::InvalidArgument { field, reason } | Self::InvalidPayload { field, reason } => {
                d.text("field", field);
                d.text("reason", reason);
            }
            Self::PayloadTooLarge { field, size_bytes, limit_bytes } => {
                d.text("field", field);
                d.number("size_bytes", *size_bytes);
                d.number("limit_bytes", *limit_bytes);
            }
            Self::TaskNotFound { task_id } => d.text("task_id", task_id),
            Self::BatchNotFound { batch_id } => d.text("batch_id", batch_id),
            Self::PipelineNotFound { pipeline_id } => d.text("pipeline_id", pipeline_id),
            Self::IdempotencyConflict { key, task_id } => {
                d.text("key", key);
                d.id(task_id);
            }
            Self::QueueFull { queue, limit, retry_after } => {
                d.text("queue", queue);
                d.number("limit", *limit);
                d.seconds(AGAIN, *retry_after);
            }
            Self::LeaseLost { task_id } | Self::TaskCancelled { task_id } => d.id(task_id),
            Self::InvalidTransition { task_id, status, verb, needs } => {
                d.id(task_id);
                d.text("status", status.as_str());
                d.text("verb", verb);
                d.text("needs", needs);
            }
            Self::TaskTimeout { task_id, timeout } => {
                d.text("task_id", task_id);
                d.seconds("timeout_seconds", *timeout);
            }
            Self::TaskFailed { task_id, error } => {
                d.id(task_id);
                d.raw("error", &serde_json::to_string(error).unwrap_or_default());
            }
            Self::WorkerNotAvailable { task_id, task_type, timeout } => {
                d.id(task_id);
                d.text("task_type", task_type);
                d.seconds("timeout_seconds", *timeout);
            }
            Self::HandlerNotFound { task_type } => d.text("task_type", task_type),
            Self::Authentication { reason } | Self::Internal { reason } => d.text(REASON, reason),
            Self::RateLimited { retry_after } => d.seconds(AGAIN, *retry_after),
            Self::QuotaExceeded { quota_type, current, limit } => {
                d.text("quota_type", quota_type);
                d.number("current", *current);
                d.number("limit", *limit);
            }
            Self::CircuitBreakerOpen { name, retry_after } => {
                d.text("name", name);
                d.seconds(AGAIN, *retry_after);
            }
            Self::ServiceUnavailable { reason, retry_after } => {
                d.text(REASON, reason);
                d.seconds(AGAIN, *retry_after);
            }
            Self::Api { status_code, reason } => {
                d.number("status_code", (*status_code).into());
                d.text(REASON, reason);
            }
            Self::ClientClosed => {}
            Self::InvalidUrl { url, reason } => {
                d.text("url", url);
                d.text(REASON, reason);
            }
            Self::StoreUnavailable { operation, reason, .. } => {
                d.text("operation", operation);
                d.text(REASON, reason);
            }
            Self::StoreFull { location } | Self::StoreReadOnly { location } => {
                d.text("location", location);
            }
            Self::InvalidStore { location, reason } => {
                d.text("location", location);
                d.text(REASON, reason);
            }
            Self::SchemaIncompatible { location, found, supported } => {
                d.text("location", location);
                d.number("found", (*found).into());
                d.number("supported", (*supported).into());
            }
            Self::NotImplemented { feature } => d.text("feature", feature),
            Self::Told(told) => return told.details.clone(),
        }
        d.done()
    }

    /// This error as a failed attempt's record, for a worker that settles with it.
    pub fn to_task_error(&self, at: Option<Timestamp>) -> TaskError {
        TaskError {
            code: self.code().to_owned(),
            message: self.to_string(),
            error_type: None,
            traceback: None,
            retryable: self.is_retryable(),
            at,
        }
    }
}

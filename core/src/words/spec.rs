//! What a caller asks for: one task to submit, and what comes back.

use std::time::Duration;

use serde::{Deserialize, Serialize};

#[cfg(feature = "openapi")]
use crate::words::schema;
use crate::words::{
    BatchId, Labels, Payload, Priority, TaskId, TaskStatus, Timestamp, json, opt_seconds,
};

/// A task to submit. What is left out is filled by the handler's declaration or the default.
///
/// ```
/// use windlass_core::{Payload, Priority, TaskSpec};
/// let spec = TaskSpec::new("thumbnail", Payload::null()).priority(Priority::High).label("env", "test");
/// assert_eq!(spec.queue, "default");
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct TaskSpec {
    /// Selects the handler; 1 to 128 characters. Default `stateless`.
    #[cfg_attr(feature = "openapi", schema(value_type = schema::Name, required = false, nullable))]
    pub task_type: String,
    /// JSON text, at most 1 MiB.
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub payload: Payload,
    /// Named line of tasks; 1 to 128 characters. Default `default`.
    #[cfg_attr(feature = "openapi", schema(value_type = schema::Name, required = false, nullable))]
    pub queue: String,
    /// Default normal, 3.
    #[cfg_attr(feature = "openapi", schema(required = false, nullable))]
    pub priority: Priority,
    /// Earliest start, as an instant. Excludes `delay`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_at: Option<Timestamp>,
    /// Earliest start, from now. Excludes `run_at`.
    #[serde(
        rename = "delay_seconds",
        with = "opt_seconds",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<schema::Seconds>))]
    pub delay: Option<Duration>,
    /// Longest one attempt may run, from the start of its handler.
    #[serde(
        rename = "timeout_seconds",
        with = "opt_seconds",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<f64>, minimum = 1e-9, maximum = 316224000))]
    pub timeout: Option<Duration>,
    /// How failed attempts are repeated.
    #[serde(skip_serializing_if = "RetryOptions::is_empty")]
    #[cfg_attr(feature = "openapi", schema(required = false, nullable))]
    pub retry: RetryOptions,
    /// One task per tenant and key; at most 256 characters. One that begins with `auto:` is taken for
    /// the transport's own: see [`rules::keys`](crate::rules::keys).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<schema::Key>))]
    pub idempotency_key: Option<String>,
    /// At most 64; key 1 to 64, value at most 256 characters.
    #[serde(skip_serializing_if = "Labels::is_empty")]
    #[cfg_attr(feature = "openapi", schema(value_type = schema::NewLabels, required = false, nullable))]
    pub labels: Labels,
    /// Free JSON object that travels with the task.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<schema::JsonObject>))]
    pub metadata: Option<Payload>,
    /// W3C trace context that travels to the handler; at most 256 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<schema::Key>))]
    pub traceparent: Option<String>,
    /// Tasks with one key run one at a time, in the order of their submission, and share a state; at most
    /// 256 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<schema::Key>))]
    pub state_key: Option<String>,
    /// The state when there is none under the key yet; JSON text, at most 1 MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initial_state: Option<Payload>,
}

impl TaskSpec {
    /// A task of `task_type` with `payload` and every default.
    pub fn new(task_type: impl Into<String>, payload: impl Into<Payload>) -> Self {
        Self {
            task_type: task_type.into(),
            payload: payload.into(),
            queue: "default".to_owned(),
            ..Self::default()
        }
    }

    /// Sets the queue.
    #[must_use]
    pub fn queue(mut self, queue: impl Into<String>) -> Self {
        self.queue = queue.into();
        self
    }

    /// Sets the priority.
    #[must_use]
    pub fn priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// Starts no earlier than `delay` from now.
    #[must_use]
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = Some(delay);
        self
    }

    /// Starts no earlier than `at`.
    #[must_use]
    pub fn run_at(mut self, at: Timestamp) -> Self {
        self.run_at = Some(at);
        self
    }

    /// Limits one attempt.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sets the number of retries after the first attempt.
    #[must_use]
    pub fn max_retries(mut self, retries: u32) -> Self {
        self.retry.max_retries = Some(retries);
        self
    }

    /// Sets the retry options.
    #[must_use]
    pub fn retry(mut self, retry: RetryOptions) -> Self {
        self.retry = retry;
        self
    }

    /// Sets the idempotency key.
    #[must_use]
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.idempotency_key = Some(key.into());
        self
    }

    /// Sets the key of the state that it shares with others.
    #[must_use]
    pub fn state_key(mut self, key: impl Into<String>) -> Self {
        self.state_key = Some(key.into());
        self
    }

    /// Sets the state to begin with, when there is none under the key.
    #[must_use]
    pub fn initial_state(mut self, state: impl Into<Payload>) -> Self {
        self.initial_state = Some(state.into());
        self
    }

    /// Adds a label.
    #[must_use]
    pub fn label(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.labels.insert(key.into(), value.into());
        self
    }
}

/// How failed attempts are repeated. What is `None` is taken from the handler's declaration, else
/// from the default policy: 3 retries, 1 s, base 2, at most 60 s, jitter 0.1, retry on timeout.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RetryOptions {
    /// Retries after the first attempt, 0 to 1000.
    #[serde(deserialize_with = "json::opt_whole", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 1000))]
    pub max_retries: Option<u32>,
    /// Delay before the first retry.
    #[serde(
        rename = "initial_delay_seconds",
        with = "opt_seconds",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<schema::Seconds>))]
    pub initial_delay: Option<Duration>,
    /// Factor from one delay to the next, 1 to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 100))]
    pub exponential_base: Option<f64>,
    /// Longest delay, before jitter.
    #[serde(
        rename = "max_delay_seconds",
        with = "opt_seconds",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<schema::Seconds>))]
    pub max_delay: Option<Duration>,
    /// Fraction of the delay by which it varies either way, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 1))]
    pub jitter: Option<f64>,
    /// Whether an attempt that timed out is retried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_on_timeout: Option<bool>,
}

impl RetryOptions {
    /// These options, with what they leave out taken from `other`.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            max_retries: self.max_retries.or(other.max_retries),
            initial_delay: self.initial_delay.or(other.initial_delay),
            exponential_base: self.exponential_base.or(other.exponential_base),
            max_delay: self.max_delay.or(other.max_delay),
            jitter: self.jitter.or(other.jitter),
            retry_on_timeout: self.retry_on_timeout.or(other.retry_on_timeout),
        }
    }

    /// Whether nothing is given.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What holds for a whole submit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SubmitOptions {
    /// Gives all tasks one batch id. The tasks are stored whole or not at all either way.
    pub batch: bool,
    /// How long a full queue is retried, with backoff, before `queue_full` is the answer.
    pub patience: Duration,
}

/// One task that is stored: durable when it is returned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Submission {
    /// The task.
    pub task_id: TaskId,
    /// Its status when it was stored, or as it stands when deduplicated.
    pub status: TaskStatus,
    /// Whether its idempotency key was known, so that nothing new was stored.
    pub deduplicated: bool,
    /// The batch it was stored with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_id: Option<BatchId>,
}

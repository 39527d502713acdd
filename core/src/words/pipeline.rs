//! A pipeline: named stages that wait for each other.

use std::time::Duration;

use serde::{Deserialize, Serialize};

#[cfg(feature = "openapi")]
use crate::words::schema;
use crate::words::{
    Labels, Members, Payload, TaskError, TaskId, TaskSpec, TaskStatus, Timestamp, opt_seconds,
};

/// A stage to run. On the wire its task's fields stand beside `name` and `depends_on`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct StageSpec {
    /// Unique in its pipeline; 1 to 128 characters.
    pub name: String,
    /// Names of the stages that must complete first; each once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<String>,
    /// The task that it is. Has no `idempotency_key`: the pipeline has.
    #[serde(flatten)]
    pub task: TaskSpec,
}

/// A pipeline to run.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct PipelineSpec {
    /// For people; 1 to 128 characters.
    pub name: String,
    /// Its stages, 1 to 20,000.
    pub stages: Vec<StageSpec>,
    /// How long the whole may take; then it fails, and what is unfinished is cancelled.
    #[serde(
        rename = "timeout_seconds",
        with = "opt_seconds",
        skip_serializing_if = "Option::is_none"
    )]
    pub timeout: Option<Duration>,
    /// One pipeline per tenant and key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    /// Labels of the pipeline itself.
    #[serde(skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// Free JSON object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Payload>,
}

impl PipelineSpec {
    /// A pipeline without stages yet.
    ///
    /// ```
    /// use windlass_core::{Payload, PipelineSpec, TaskSpec};
    /// let load = TaskSpec::new("load", Payload::null());
    /// let pipeline = PipelineSpec::new("nightly")
    ///     .stage("extract", &[], TaskSpec::new("extract", Payload::null()))
    ///     .stage("load", &["extract"], load);
    /// assert_eq!(pipeline.stages[1].depends_on, ["extract"]);
    /// ```
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// Adds a stage that runs when those it depends on have completed.
    #[must_use]
    pub fn stage(mut self, name: impl Into<String>, depends_on: &[&str], task: TaskSpec) -> Self {
        let depends_on = depends_on.iter().map(|name| (*name).to_owned()).collect();
        self.stages.push(StageSpec { name: name.into(), depends_on, task });
        self
    }

    /// Limits how long the whole may take.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sets the idempotency key.
    #[must_use]
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.idempotency_key = Some(key.into());
        self
    }

    /// Adds a label.
    #[must_use]
    pub fn label(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.labels.insert(key.into(), value.into());
        self
    }
}

/// A pipeline that is stored: durable when it is returned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PipelineSubmission {
    /// The pipeline: a task of its own, which can be waited for, followed and cancelled as any.
    pub pipeline_id: TaskId,
    /// Tasks of its stages, in the order of the stages.
    pub task_ids: Vec<TaskId>,
    /// Its status when it was stored, or as it stands when deduplicated.
    pub status: TaskStatus,
    /// Whether its idempotency key was known, so that nothing new was stored.
    pub deduplicated: bool,
}

/// A stage as it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Stage {
    /// Its name.
    pub name: String,
    /// Its task.
    pub task_id: TaskId,
    /// Where it stands.
    pub status: TaskStatus,
    /// The stages that must complete first.
    pub depends_on: Vec<String>,
    /// Selects the handler.
    pub task_type: String,
    /// Attempts that counted so far.
    pub attempt: u32,
    /// Start of the first attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// The last failed attempt's error, or why it was cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<TaskError>,
    /// 0 to 100, as last reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<f64>,
}

/// A pipeline as it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Pipeline {
    /// Its id.
    pub pipeline_id: TaskId,
    /// Its name.
    pub name: String,
    /// `running` while a stage is open; then `completed`, `failed` or `cancelled`.
    pub status: TaskStatus,
    /// Its stages, in the order in which they were given.
    pub stages: Vec<Stage>,
    /// How its stages ended so far.
    pub members: Members,
    /// When it was stored.
    pub created_at: Timestamp,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<TaskError>,
    /// How long the whole may take.
    #[serde(
        rename = "timeout_seconds",
        with = "opt_seconds",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<schema::Seconds>))]
    pub timeout: Option<Duration>,
    /// Labels of the pipeline itself.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    #[cfg_attr(feature = "openapi", schema(value_type = schema::StoredLabels))]
    pub labels: Labels,
}

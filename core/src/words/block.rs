//! A durable block: steps as tasks, judged by a strategy.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::words::{Labels, Payload, Priority, RetryOptions, TaskId, opt_seconds};

/// A block to run as tasks. The strategy is words here; `rules::strategy` reads them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BlockSpec {
    /// For people; at most 128 characters.
    pub name: String,
    /// `all`, `any_success`, `race`, `throttled` or `quorum`; `custom` is refused, since its function
    /// cannot travel.
    pub strategy: String,
    /// With `quorum`: how many must succeed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quorum: Option<u32>,
    /// With `throttled`: starts per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_per_second: Option<f64>,
    /// The steps, at most 10,000: each becomes the payload of a task.
    pub steps: Vec<Payload>,
    /// Selects the handler of every step. Left out, a step's `function` names it, else the default
    /// handler runs it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_type: Option<String>,
    /// Most steps that run at once; left out, as many as there are workers for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_concurrency: Option<u32>,
    /// How long the whole may take; then its verdict is `timeout`, and what is unfinished is cancelled.
    #[serde(with = "opt_seconds", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<f64>, minimum = 1e-9))]
    pub timeout_seconds: Option<Duration>,
    /// Queue of the steps; `default` when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    /// Priority of the steps.
    pub priority: Priority,
    /// Retry options of the steps.
    #[serde(skip_serializing_if = "RetryOptions::is_empty")]
    pub retry: RetryOptions,
    /// Labels of the block itself.
    #[serde(skip_serializing_if = "Labels::is_empty")]
    #[cfg_attr(feature = "openapi", schema(value_type = crate::words::schema::NewLabels))]
    pub labels: Labels,
    /// One block per tenant and key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    /// Carried for the caller: `local_first` and its like mean nothing to a durable block.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distribution_policy: Option<String>,
    /// Carried for the caller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_caching: Option<bool>,
}

/// One step of a block that ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StepResult {
    /// Its task.
    pub task_id: TaskId,
    /// `completed`, `failed` or `cancelled`; while the block runs also `pending` and `running`.
    pub status: String,
    /// What it returned.
    pub result: Option<Payload>,
    /// Why it failed.
    pub error_message: Option<String>,
    /// Seconds that its last attempt ran.
    pub execution_time: f64,
    /// Free JSON object.
    pub metadata: Payload,
}

/// What a block came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BlockResult {
    /// Its name.
    pub block_name: String,
    /// The strategy's word.
    pub strategy: String,
    /// Steps.
    pub total_tasks: u32,
    /// Steps that completed.
    pub completed_tasks: u32,
    /// Steps that failed.
    pub failed_tasks: u32,
    /// Steps that were cancelled.
    pub cancelled_tasks: u32,
    /// `completed`, `partial`, `failed`, `timeout` or `cancelled`; `running` before the verdict.
    pub overall_status: String,
    /// Seconds from its submission to its verdict, or until now.
    pub execution_time: f64,
    /// Its steps, in their order.
    pub results: Vec<StepResult>,
    /// Free JSON object.
    pub metadata: Payload,
}

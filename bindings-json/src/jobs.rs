//! Jobs on their way to handlers: one string for many tasks.

use serde::Serialize;
use windlass_core::worker::{Job, JobId};
use windlass_core::{Labels, Payload, Result};

use crate::text::text;

/// A job as it is handed out.
#[derive(Serialize)]
struct Claimed<'a> {
    id: JobId,
    handler: &'a str,
    task_id: String,
    task_type: &'a str,
    queue: &'a str,
    attempt: u32,
    payload: &'a Payload,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout_seconds: Option<f64>,
    #[serde(skip_serializing_if = "Labels::is_empty")]
    labels: &'a Labels,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a Payload>,
    #[serde(skip_serializing_if = "Option::is_none")]
    traceparent: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    batch_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    block_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pipeline_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stage: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'a Payload>,
    #[serde(skip_serializing_if = "Option::is_none")]
    idempotency_key: Option<&'a str>,
}

/// JSON text of a list of jobs.
pub(crate) fn list(claimed: &[Job]) -> Result<String> {
    let told = |job| {
        let Job { id, task, state, attempt, timeout, .. }: &Job = job;
        Claimed {
            id: *id,
            handler: &task.handler,
            task_id: task.task_id.to_string(),
            task_type: &task.task_type,
            queue: &task.queue,
            attempt: *attempt,
            payload: &task.payload,
            timeout_seconds: timeout.map(|timeout| timeout.as_secs_f64()),
            labels: &task.labels,
            metadata: task.metadata.as_ref(),
            traceparent: task.traceparent.as_deref(),
            batch_id: task.batch_id.map(|id| id.to_string()),
            block_id: task.block_id.map(|id| id.to_string()),
            pipeline_id: task.pipeline_id.map(|id| id.to_string()),
            stage: task.stage.as_deref(),
            state_key: task.state_key.as_deref(),
            state: state.as_ref(),
            idempotency_key: task.shown_key(),
        }
    };
    text(&claimed.iter().map(told).collect::<Vec<_>>())
}

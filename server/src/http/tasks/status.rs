//! How a task stands, in the shape of the reference documents.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use windlass_core::{Payload, Task, TaskError, TaskId, TaskStatus, Timestamp};

use super::{OfTask, not_found};
use crate::http::answer::{self, Answer};
use crate::http::ask::Ask;
use crate::http::serving::Serving;

/// How a task stands.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct TaskResult {
    /// The task.
    task_id: TaskId,
    /// Where it stands.
    status: TaskStatus,
    /// 0 to 100, as last reported; 100 once completed.
    #[serde(skip_serializing_if = "Option::is_none")]
    progress: Option<f64>,
    /// Text beside the progress.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    /// The handler's answer, once completed.
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<Payload>,
    /// Text of the last failed attempt's error.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// The last failed attempt's error.
    #[serde(skip_serializing_if = "Option::is_none")]
    error_details: Option<TaskError>,
    /// Seconds that the last attempt ran, once finished.
    #[serde(skip_serializing_if = "Option::is_none")]
    execution_time: Option<f64>,
    /// Attempts that counted so far.
    attempt: u32,
    /// When it was stored.
    created_at: Timestamp,
    /// Start of the first attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    finished_at: Option<Timestamp>,
}

impl From<Task> for TaskResult {
    fn from(task: Task) -> Self {
        Self {
            task_id: task.task_id,
            status: task.status,
            progress: task.progress,
            execution_time: task.duration().map(|ran| ran.as_secs_f64()),
            message: task.message,
            result: task.result,
            error: task.error.as_ref().map(|error| error.message.clone()),
            error_details: task.error,
            attempt: task.attempt,
            created_at: task.created_at,
            started_at: task.started_at,
            finished_at: task.finished_at,
        }
    }
}

/// How a task stands: status, progress, result or error.
#[utoipa::path(
    get, path = "/tasks/{id}/status", tag = "tasks",
    params(
        ("id" = String, Path, description = "Id of the task."),
    ),
    responses((status = 200, body = TaskResult, description = "How it stands.")),
)]
pub(crate) async fn status(
    State(serving): State<Arc<Serving>>,
    OfTask(id): OfTask,
    ask: Ask,
) -> Answer {
    ask.query(&[])?;
    let found = serving.service.get(ask.caller.tenant(), vec![id]).await?.pop().flatten();
    answer::ok(&TaskResult::from(found.ok_or_else(|| not_found(id))?))
}

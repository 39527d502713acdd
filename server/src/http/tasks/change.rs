//! Cancelling a task, and running it again.

use std::sync::Arc;

use axum::extract::State;

use windlass_core::Task;

use super::OfTask;
use crate::http::answer::{self, Answer};
use crate::http::ask::{Ask, Nothing};
use crate::http::serving::Serving;

/// Cancel a task: at once when it waits, by request when it runs.
#[utoipa::path(
    post, path = "/tasks/{id}/cancel", tag = "tasks",
    params(
        ("id" = String, Path, description = "Id of the task."),
    ),
    request_body = Option<Nothing>,
    responses((status = 200, body = Task, description = "The task as it stands then.")),
)]
pub(crate) async fn cancel(
    State(serving): State<Arc<Serving>>,
    OfTask(id): OfTask,
    mut ask: Ask,
) -> Answer {
    ask.query(&[])?;
    ask.nothing(&serving).await?;
    answer::ok(&serving.service.cancel(ask.caller.tenant(), id).await?)
}

/// Run a failed or cancelled task again, from the start.
#[utoipa::path(
    post, path = "/tasks/{id}/retry", tag = "tasks",
    params(
        ("id" = String, Path, description = "Id of the task."),
    ),
    request_body = Option<Nothing>,
    responses((status = 200, body = Task, description = "The task as it stands then.")),
)]
pub(crate) async fn retry(
    State(serving): State<Arc<Serving>>,
    OfTask(id): OfTask,
    mut ask: Ask,
) -> Answer {
    ask.query(&[])?;
    ask.nothing(&serving).await?;
    answer::ok(&serving.service.retry(ask.caller.tenant(), id).await?)
}

//! Batches: many tasks with one progress and one completion.

mod submit;

use std::sync::Arc;

use axum::extract::{FromRequestParts, Path, State};
use axum::http::request::Parts;
use serde::Serialize;
use utoipa_axum::routes;
use windlass_core::{
    Batch, BatchId, Error, Labels, Members, Task, TaskId, TaskKind, TaskStatus, Timestamp,
};

use super::answer::{self, Answer};
use super::ask::{Ask, Nothing, refused_at};
use super::composites;
use super::problem::Fault;
use super::router::Routes;
use super::serving::Serving;
use super::sse::StreamEvent;

/// The routes.
pub(crate) fn routes() -> Routes {
    Routes::new()
        .routes(routes!(submit::submit, list))
        .routes(routes!(get))
        .routes(routes!(submit::extend))
        .routes(routes!(submit::seal))
        .routes(routes!(events))
        .routes(routes!(cancel))
}

/// The id of a batch in a path. What is no id is `batch_not_found`.
pub(crate) struct OfBatch(BatchId);

impl<S: Send + Sync> FromRequestParts<S> for OfBatch {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Fault> {
        let text = match Path::<String>::from_request_parts(parts, state).await {
            Ok(Path(text)) => text,
            Err(_) => String::new(),
        };
        Ok(Self(parse(&text).inspect_err(|_| refused_at(parts))?))
    }
}

fn parse(text: &str) -> Result<BatchId, Error> {
    let unknown = |_| Error::BatchNotFound { batch_id: text.chars().take(64).collect() };
    text.parse().map_err(unknown)
}

/// How the tasks of a batch stand.
#[utoipa::path(
    get, path = "/batches/{id}", tag = "batches",
    params(
        ("id" = String, Path, description = "Id of the batch."),
    ),
    responses((status = 200, body = Batch, description = "How it stands.")),
)]
pub(crate) async fn get(
    State(serving): State<Arc<Serving>>,
    OfBatch(id): OfBatch,
    ask: Ask,
) -> Answer {
    ask.query(&[])?;
    answer::ok(&serving.service.batch(ask.caller.tenant(), id).await?)
}

/// Cancel every task of a batch that has not ended.
#[utoipa::path(
    post, path = "/batches/{id}/cancel", tag = "batches",
    params(
        ("id" = String, Path, description = "Id of the batch."),
    ),
    request_body = Option<Nothing>,
    responses((status = 200, body = Batch, description = "How it stands then.")),
)]
pub(crate) async fn cancel(
    State(serving): State<Arc<Serving>>,
    OfBatch(id): OfBatch,
    mut ask: Ask,
) -> Answer {
    ask.query(&[])?;
    ask.nothing(&serving).await?;
    answer::ok(&serving.service.cancel_batch(ask.caller.tenant(), id).await?)
}

/// What happens to a batch, until it has ended: the ends of its tasks, then its own.
#[utoipa::path(
    get, path = "/batches/{id}/events", tag = "batches",
    params(
        ("id" = String, Path, description = "Id of the batch."),
        ("after" = Option<u64>, Query, minimum = 0, maximum = 9223372036854775807u64, description = "Number of the last entry that is known."),
        ("last-event-id" = Option<u64>, Header, minimum = 0, maximum = 9223372036854775807u64, description = "As `after`, sent by browsers."),
    ),
    responses((status = 200, body = StreamEvent, description = "Events named member, status and resync, each with an `Update` as its data.", content_type = "text/event-stream"), (status = 204, description = "The batch has ended and its whole history is known.")),
)]
pub(crate) async fn events(
    State(serving): State<Arc<Serving>>,
    OfBatch(id): OfBatch,
    ask: Ask,
) -> Answer {
    let unknown = || Error::BatchNotFound { batch_id: id.to_string() };
    composites::events(serving, ask, TaskKind::Batch, TaskId::from(id), unknown).await
}

/// A batch in a list.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct BatchLine {
    /// Its id.
    batch_id: BatchId,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Where it stands.
    status: TaskStatus,
    /// How its tasks ended so far.
    members: Members,
    /// When it was stored.
    created_at: Timestamp,
    /// When it ended.
    finished_at: Option<Timestamp>,
    /// Labels of the batch itself.
    #[schema(value_type = windlass_core::words::schema::StoredLabels)]
    labels: Labels,
}

impl From<Task> for BatchLine {
    fn from(task: Task) -> Self {
        Self {
            batch_id: task.task_id.into(),
            // One without a name is kept under the word.
            name: Some(task.task_type).filter(|name| name != TaskKind::Batch.as_str()),
            status: task.status,
            members: task.members.unwrap_or_default(),
            created_at: task.created_at,
            finished_at: task.finished_at,
            labels: task.labels,
        }
    }
}

/// Part of the list of batches.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Batches {
    /// Newest first.
    batches: Vec<BatchLine>,
    /// Where to go on; null at the end.
    #[schema(pattern = "^c1[0-9a-f]{32}$")]
    next: Option<String>,
}

/// Batches, newest first.
#[utoipa::path(
    get, path = "/batches", tag = "batches",
    params(composites::Asked),
    responses((status = 200, body = Batches, description = "Part of the list. Labels are given as `label.KEY=VALUE`.")),
)]
pub(crate) async fn list(State(serving): State<Arc<Serving>>, ask: Ask) -> Answer {
    let (batches, next) = composites::page(&serving, ask, TaskKind::Batch).await?;
    answer::ok(&Batches { batches, next })
}

//! Batches: tasks that were submitted together.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRequestParts, Path, State};
use axum::http::request::Parts;
use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use utoipa_axum::routes;
use windlass_core::words::Submitted;
use windlass_core::{Batch, BatchId, Error, TaskSpec};

use super::answer::{self, Answer};
use super::ask::{Ask, Nothing, refused_at};
use super::problem::Fault;
use super::router::Routes;
use super::serving::Serving;
use super::sse::{self, HEARTBEAT, StreamEvent};
use super::tasks::{records, store};

/// How often a followed batch is looked at.
const LOOK: Duration = Duration::from_millis(250);

/// The routes.
pub(crate) fn routes() -> Routes {
    Routes::new()
        .routes(routes!(submit))
        .routes(routes!(get))
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
        let unknown = || Error::BatchNotFound { batch_id: text.chars().take(64).collect() };
        let id = text.parse().inspect_err(|_| refused_at(parts));
        Ok(Self(id.map_err(|_| unknown())?))
    }
}

/// Tasks of a batch: all are stored or none.
#[allow(dead_code, reason = "it describes what `records` reads")]
#[derive(utoipa::ToSchema)]
pub(crate) struct BatchBody {
    /// The tasks, at most 100,000.
    #[schema(min_items = 1, max_items = 100000)]
    tasks: Vec<TaskSpec>,
}

/// Store tasks as one batch, all or none.
#[utoipa::path(
    post, path = "/batches", tag = "batches",
    request_body = BatchBody,
    responses((status = 201, body = Submitted, description = "Stored."), (status = 200, body = Submitted, description = "All were known already.")),
)]
pub(crate) async fn submit(State(serving): State<Arc<Serving>>, mut ask: Ask) -> Answer {
    ask.query(&[])?;
    let specs = records(&ask.bytes(&serving).await?)?;
    if specs.is_empty() {
        return Err(Error::invalid("tasks", "must hold at least one task").into());
    }
    store(&serving, ask.caller.tenant(), specs, true).await
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

/// How a batch stands, whenever that has changed, until it has ended.
#[utoipa::path(
    get, path = "/batches/{id}/events", tag = "batches",
    params(
        ("id" = String, Path, description = "Id of the batch."),
    ),
    responses((status = 200, body = StreamEvent, description = "Events named batch, each with a `Batch` as its data.", content_type = "text/event-stream")),
)]
pub(crate) async fn events(
    State(serving): State<Arc<Serving>>,
    OfBatch(id): OfBatch,
    ask: Ask,
) -> Answer {
    ask.query(&[])?;
    let held = serving.hold()?;
    let first = serving.service.batch(ask.caller.tenant(), id).await?;
    let tenant = ask.caller.tenant().into();
    let follow =
        Follow { serving, tenant, next: Some(first), told: None, at: Instant::now(), _held: held };
    Ok(sse::stream(&ask.caller.peer, futures_util::stream::unfold(follow, Follow::next)))
}

/// A reader of a batch.
struct Follow {
    serving: Arc<Serving>,
    tenant: Box<str>,
    /// What is to be told.
    next: Option<Batch>,
    /// What was told last, and when anything was.
    told: Option<Batch>,
    at: Instant,
    /// Its place among the streams.
    _held: OwnedSemaphorePermit,
}

impl Follow {
    async fn next(mut self) -> Option<(Bytes, Self)> {
        loop {
            if let Some(batch) = self.next.take() {
                let mut text = Vec::with_capacity(256);
                sse::event(&mut text, None, "batch", &batch);
                self.told = Some(batch);
                self.at = Instant::now();
                return Some((text.into(), self));
            }
            let told = self.told.as_ref().filter(|batch| !batch.is_final())?;
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = self.serving.draining() => return None,
            }
            let batch = self.serving.service.batch(&self.tenant, told.batch_id).await.ok()?;
            if batch != *told {
                self.next = Some(batch);
            } else if self.at.elapsed() >= HEARTBEAT {
                self.at = Instant::now();
                return Some((sse::heartbeat(), self));
            }
        }
    }
}

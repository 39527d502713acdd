//! Storing a batch: at once, or in chunks that one seal makes a whole.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Path, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::{Deserialize, Serialize};
use windlass_core::words::schema::{JsonObject, Key, Name, NewLabels};
use windlass_core::{BatchId, BatchSubmission, Error, Result, TaskSpec};

use super::{OfBatch, parse};
use crate::http::answer::{self, Answer};
use crate::http::ask::{Ask, refused_at};
use crate::http::body;
use crate::http::json::text;
use crate::http::problem::Fault;
use crate::http::serving::Serving;
use crate::http::tasks::{at_once, header_key, records};

/// A batch to store: whole, or not at all.
#[allow(dead_code, reason = "it describes what `body` reads")]
#[derive(utoipa::ToSchema)]
pub(crate) struct BatchBody {
    /// The tasks, at most 100,000. Left out for a batch that is opened.
    #[schema(max_items = 100000, required = false)]
    tasks: Vec<TaskSpec>,
    /// For people; at most 128 characters.
    #[schema(value_type = Option<Name>)]
    name: Option<String>,
    /// Runs when every task has ended, however.
    on_complete: Option<TaskSpec>,
    /// Runs when every task has completed.
    on_success: Option<TaskSpec>,
    /// Runs when every task has ended and one of them failed or was cancelled.
    on_failure: Option<TaskSpec>,
    /// One batch per tenant and key.
    #[schema(value_type = Option<Key>)]
    idempotency_key: Option<String>,
    /// Labels of the batch itself.
    #[schema(value_type = Option<NewLabels>)]
    labels: Option<()>,
    /// Free JSON object.
    #[schema(value_type = Option<JsonObject>)]
    metadata: Option<()>,
}

/// A batch that was opened.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct OpenedBatch {
    /// Its id: nobody finds it before its seal.
    batch_id: BatchId,
}

/// What a batch that was stored, or opened, is told by.
#[allow(dead_code, reason = "it describes two answers")]
#[derive(Serialize, utoipa::ToSchema)]
#[serde(untagged)]
pub(crate) enum BatchAnswer {
    /// It is stored.
    Stored(BatchSubmission),
    /// It is open.
    Opened(OpenedBatch),
}

/// Store tasks as one batch, all or none; or begin one whose tasks come in chunks.
#[utoipa::path(
    post, path = "/batches", tag = "batches",
    request_body = BatchBody,
    params(
        ("open" = Option<bool>, Query, description = "Begin a batch whose tasks come in chunks."),
        ("idempotency-key" = Option<Key>, Header, description = "The batch's `idempotency_key`: an RFC 8941 string, or bare."),
    ),
    responses((status = 201, body = BatchAnswer, description = "Stored; with `open`, begun."), (status = 200, body = BatchSubmission, description = "Known already by its idempotency key; nothing new was stored.")),
)]
pub(crate) async fn submit(State(serving): State<Arc<Serving>>, mut ask: Ask) -> Answer {
    let open = ask.query(&["open"])?.truth("open")?;
    let bytes = ask.bytes(&serving).await?;
    let (mut spec, tasks) = body::batch(text(&bytes)?)?;
    header_key(&mut spec.idempotency_key, &ask.parts.headers)?;
    let tenant = ask.caller.tenant();
    match (open, tasks) {
        (true, Some(_)) => {
            let reason = "come in chunks once the batch is open";
            Err(Error::invalid("tasks", reason).into())
        }
        (true, None) => {
            let batch_id = serving.service.open_batch(tenant, spec).await?;
            answer::with(StatusCode::CREATED, &OpenedBatch { batch_id })
        }
        (false, None) => Err(Error::invalid("tasks", "must be given").into()),
        (false, Some(tasks)) => {
            let stored = serving.service.submit_batch(tenant, spec, tasks, at_once(true)).await?;
            told(&stored)
        }
    }
}

fn told(stored: &BatchSubmission) -> Answer {
    let status = if stored.deduplicated { StatusCode::OK } else { StatusCode::CREATED };
    answer::with(status, stored)
}

/// The batch and the number of a chunk in a path.
pub(crate) struct OfChunk(BatchId, u32);

impl<S: Send + Sync> FromRequestParts<S> for OfChunk {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Fault> {
        let path = Path::<(String, String)>::from_request_parts(parts, state).await;
        let (id, chunk) = path.map(|Path(path)| path).unwrap_or_default();
        let read = || {
            let id = parse(&id)?;
            let digits = !chunk.is_empty() && chunk.bytes().all(|byte| byte.is_ascii_digit());
            let number = chunk.parse().ok().filter(|_| digits);
            let bad = || Error::invalid("chunk", format!("must be a whole number, not {chunk:?}"));
            Ok(Self(id, number.ok_or_else(bad)?))
        };
        read().map_err(|error: Error| {
            refused_at(parts);
            error.into()
        })
    }
}

/// Tasks of a chunk.
#[allow(dead_code, reason = "it describes what `records` reads")]
#[derive(utoipa::ToSchema)]
pub(crate) struct ChunkBody {
    /// The tasks.
    #[schema(max_items = 100000)]
    tasks: Vec<TaskSpec>,
}

/// A batch that got a chunk.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct ExtendedBatch {
    /// How many tasks it has so far.
    total: u64,
}

/// Add a chunk to an open batch; the same number again replaces it.
#[utoipa::path(
    put, path = "/batches/{id}/chunks/{chunk}", tag = "batches",
    params(
        ("id" = String, Path, description = "Id of the batch."),
        ("chunk" = u32, Path, description = "Number of the chunk: the batch has them in this order."),
    ),
    request_body = ChunkBody,
    responses((status = 200, body = ExtendedBatch, description = "It is kept.")),
)]
pub(crate) async fn extend(
    State(serving): State<Arc<Serving>>,
    OfChunk(id, chunk): OfChunk,
    mut ask: Ask,
) -> Answer {
    ask.query(&[])?;
    let tasks = records(&ask.bytes(&serving).await?)?;
    let total = serving.service.extend_batch(ask.caller.tenant(), id, chunk, tasks).await?;
    answer::ok(&ExtendedBatch { total })
}

/// How a batch is sealed.
#[derive(Default, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct SealBody {
    /// It may have been sealed by a call whose answer was lost: then that answer is given again, and
    /// no task of its own is told as deduplicated.
    again: bool,
}

/// Make an open batch visible whole; its tasks may run from then on.
#[utoipa::path(
    post, path = "/batches/{id}/seal", tag = "batches",
    params(
        ("id" = String, Path, description = "Id of the batch."),
    ),
    request_body = Option<SealBody>,
    responses((status = 201, body = BatchSubmission, description = "Stored."), (status = 200, body = BatchSubmission, description = "Known already by its idempotency key, or sealed before.")),
)]
pub(crate) async fn seal(
    State(serving): State<Arc<Serving>>,
    OfBatch(id): OfBatch,
    mut ask: Ask,
) -> Answer {
    ask.query(&[])?;
    let SealBody { again } = ask.perhaps(&serving).await?.unwrap_or_default();
    let tenant = ask.caller.tenant();
    let mut stored = serving.service.seal_batch(tenant, id, at_once(true)).await?;
    if again && stored.batch_id == id {
        stored.as_first_told();
    }
    told(&stored)
}

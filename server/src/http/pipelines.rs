//! Pipelines: named stages that wait for each other.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Path, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::{Deserialize, Serialize};
use utoipa_axum::routes;
use windlass_core::words::schema::{JsonObject, Key, Name, NewLabels, StoredLabels};
use windlass_core::{
    Error, Labels, Members, Pipeline, PipelineSubmission, Task, TaskId, TaskKind, TaskStatus,
    Timestamp,
};

use super::answer::{self, Answer};
use super::ask::{Ask, Nothing, refused_at};
use super::body;
use super::composites;
use super::json::text;
use super::problem::Fault;
use super::router::Routes;
use super::serving::Serving;
use super::sse::StreamEvent;
use super::tasks::{at_once, header_key};

/// The routes.
pub(crate) fn routes() -> Routes {
    Routes::new()
        .routes(routes!(submit, list))
        .routes(routes!(get))
        .routes(routes!(events))
        .routes(routes!(cancel))
        .routes(routes!(retry))
}

/// The id of a pipeline in a path. What is no id is `pipeline_not_found`.
pub(crate) struct OfPipeline(TaskId);

impl<S: Send + Sync> FromRequestParts<S> for OfPipeline {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Fault> {
        let text = match Path::<String>::from_request_parts(parts, state).await {
            Ok(Path(text)) => text,
            Err(_) => String::new(),
        };
        let id = text.parse().inspect_err(|_| refused_at(parts));
        Ok(Self(id.map_err(|_| unknown(&text))?))
    }
}

fn unknown(id: &str) -> Error {
    Error::PipelineNotFound { pipeline_id: id.chars().take(64).collect() }
}

/// A stage to run: what it waits for, beside the fields of its task.
#[allow(dead_code, reason = "it describes what `body` reads")]
#[derive(utoipa::ToSchema)]
pub(crate) struct StageBody {
    /// Unique in its pipeline.
    #[schema(value_type = Name)]
    name: String,
    /// Names of the stages that must complete first; each once.
    #[schema(value_type = Option<Vec<Name>>)]
    depends_on: Option<Vec<String>>,
}

/// A pipeline to store: whole, or not at all.
#[allow(dead_code, reason = "it describes what `body` reads")]
#[derive(utoipa::ToSchema)]
pub(crate) struct PipelineBody {
    /// For people.
    #[schema(value_type = Name)]
    name: String,
    /// Its stages, without a circle.
    #[schema(min_items = 1, max_items = 20000)]
    stages: Vec<StageBody>,
    /// How long the whole may take; then it fails, and what is unfinished is cancelled.
    #[schema(minimum = 1e-9, maximum = 316224000)]
    timeout_seconds: Option<f64>,
    /// One pipeline per tenant and key.
    #[schema(value_type = Option<Key>)]
    idempotency_key: Option<String>,
    /// Labels of the pipeline itself.
    #[schema(value_type = Option<NewLabels>)]
    labels: Option<()>,
    /// Free JSON object.
    #[schema(value_type = Option<JsonObject>)]
    metadata: Option<()>,
}

/// Store a pipeline whole; its first stages may run from then on.
#[utoipa::path(
    post, path = "/pipelines", tag = "pipelines",
    request_body = PipelineBody,
    params(
        ("idempotency-key" = Option<Key>, Header, description = "The pipeline's `idempotency_key`: an RFC 8941 string, or bare."),
    ),
    responses((status = 201, body = PipelineSubmission, description = "Stored."), (status = 200, body = PipelineSubmission, description = "Known already by its idempotency key; nothing new was stored.")),
)]
pub(crate) async fn submit(State(serving): State<Arc<Serving>>, mut ask: Ask) -> Answer {
    ask.query(&[])?;
    let bytes = ask.bytes(&serving).await?;
    let mut spec = body::pipeline(text(&bytes)?)?;
    header_key(&mut spec.idempotency_key, &ask.parts.headers)?;
    let tenant = ask.caller.tenant();
    let stored = serving.service.submit_pipeline(tenant, spec, at_once(false)).await?;
    let status = if stored.deduplicated { StatusCode::OK } else { StatusCode::CREATED };
    answer::with(status, &stored)
}

/// How a pipeline and its stages stand.
#[utoipa::path(
    get, path = "/pipelines/{id}", tag = "pipelines",
    params(
        ("id" = String, Path, description = "Id of the pipeline."),
    ),
    responses((status = 200, body = Pipeline, description = "How it stands.")),
)]
pub(crate) async fn get(
    State(serving): State<Arc<Serving>>,
    OfPipeline(id): OfPipeline,
    ask: Ask,
) -> Answer {
    ask.query(&[])?;
    answer::ok(&serving.service.pipeline(ask.caller.tenant(), id).await?)
}

/// What happens to the stages of a pipeline, until it has ended.
#[utoipa::path(
    get, path = "/pipelines/{id}/events", tag = "pipelines",
    params(
        ("id" = String, Path, description = "Id of the pipeline."),
        ("after" = Option<u64>, Query, minimum = 0, maximum = 9223372036854775807u64, description = "Number of the last entry that is known."),
        ("last-event-id" = Option<u64>, Header, minimum = 0, maximum = 9223372036854775807u64, description = "As `after`, sent by browsers."),
    ),
    responses((status = 200, body = StreamEvent, description = "Events named member, status and resync, each with an `Update` as its data; the last one is the pipeline's own end.", content_type = "text/event-stream"), (status = 204, description = "The pipeline has ended and its whole history is known.")),
)]
pub(crate) async fn events(
    State(serving): State<Arc<Serving>>,
    OfPipeline(id): OfPipeline,
    ask: Ask,
) -> Answer {
    let unknown = || unknown(&id.to_string());
    composites::events(serving, ask, TaskKind::Pipeline, id, unknown).await
}

/// Cancel a pipeline at once, and its unfinished stages with it.
#[utoipa::path(
    post, path = "/pipelines/{id}/cancel", tag = "pipelines",
    params(
        ("id" = String, Path, description = "Id of the pipeline."),
    ),
    request_body = Option<Nothing>,
    responses((status = 200, body = Pipeline, description = "How it stands then.")),
)]
pub(crate) async fn cancel(
    State(serving): State<Arc<Serving>>,
    OfPipeline(id): OfPipeline,
    mut ask: Ask,
) -> Answer {
    ask.query(&[])?;
    ask.nothing(&serving).await?;
    answer::ok(&serving.service.cancel_pipeline(ask.caller.tenant(), id).await?)
}

/// What of a pipeline runs again.
#[derive(Default, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RetryBody {
    /// From this stage on; all that failed or were cancelled when left out.
    #[schema(value_type = Option<Name>)]
    stage: Option<String>,
}

/// Run failed and cancelled stages again; what depends on them waits for them. What completed stays.
#[utoipa::path(
    post, path = "/pipelines/{id}/retry", tag = "pipelines",
    params(
        ("id" = String, Path, description = "Id of the pipeline."),
    ),
    request_body = Option<RetryBody>,
    responses((status = 200, body = Pipeline, description = "How it stands then.")),
)]
pub(crate) async fn retry(
    State(serving): State<Arc<Serving>>,
    OfPipeline(id): OfPipeline,
    mut ask: Ask,
) -> Answer {
    ask.query(&[])?;
    let RetryBody { stage } = ask.perhaps(&serving).await?.unwrap_or_default();
    answer::ok(&serving.service.retry_pipeline(ask.caller.tenant(), id, stage).await?)
}

/// A pipeline in a list.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct PipelineLine {
    /// Its id.
    pipeline_id: TaskId,
    /// Its name.
    name: String,
    /// Where it stands.
    status: TaskStatus,
    /// How its stages ended so far.
    members: Members,
    /// When it was stored.
    created_at: Timestamp,
    /// When it ended.
    finished_at: Option<Timestamp>,
    /// Labels of the pipeline itself.
    #[schema(value_type = StoredLabels)]
    labels: Labels,
}

impl From<Task> for PipelineLine {
    fn from(task: Task) -> Self {
        Self {
            pipeline_id: task.task_id,
            name: task.task_type,
            status: task.status,
            members: task.members.unwrap_or_default(),
            created_at: task.created_at,
            finished_at: task.finished_at,
            labels: task.labels,
        }
    }
}

/// Part of the list of pipelines.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Pipelines {
    /// Newest first.
    pipelines: Vec<PipelineLine>,
    /// Where to go on; null at the end.
    #[schema(pattern = "^c1[0-9a-f]{32}$")]
    next: Option<String>,
}

/// Pipelines, newest first.
#[utoipa::path(
    get, path = "/pipelines", tag = "pipelines",
    params(composites::Asked),
    responses((status = 200, body = Pipelines, description = "Part of the list. Labels are given as `label.KEY=VALUE`.")),
)]
pub(crate) async fn list(State(serving): State<Arc<Serving>>, ask: Ask) -> Answer {
    let (pipelines, next) = composites::page(&serving, ask, TaskKind::Pipeline).await?;
    answer::ok(&Pipelines { pipelines, next })
}

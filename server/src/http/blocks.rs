//! Durable blocks: steps as tasks, judged by a strategy.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa_axum::routes;
use windlass_core::words::schema::Key;
use windlass_core::{BlockResult, BlockSpec, Error, Payload, TaskError, TaskId, TaskStatus};

use super::answer::{self, Answer};
use super::ask::Ask;
use super::body;
use super::json::text;
use super::router::Routes;
use super::serving::Serving;
use super::tasks::{OfTask, at_once, header_key, not_found};

/// The routes.
pub(crate) fn routes() -> Routes {
    Routes::new().routes(routes!(execute)).routes(routes!(get))
}

/// A block that is stored, in the shape of the reference documents.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct BlockAnswer {
    /// The block: a task of its own.
    task_id: TaskId,
    /// Where it stands.
    status: TaskStatus,
    /// Whether its idempotency key was known, so that nothing new was stored.
    deduplicated: bool,
    /// What it came to: a `BlockResult`; once it has ended within the wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<Payload>,
    /// Why it failed, or why its result is not here, as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    error_details: Option<TaskError>,
    /// Seconds from its submission to its end, once it has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    execution_time: Option<f64>,
}

/// Run steps as tasks under a strategy. Durable when it is answered.
#[utoipa::path(
    post, path = "/parallel/execute", tag = "blocks",
    request_body = BlockSpec,
    params(
        ("wait" = Option<f64>, Query, minimum = 0, maximum = 60, description = "Seconds to hold the answer."),
        ("idempotency-key" = Option<Key>, Header, description = "The block's `idempotency_key`: an RFC 8941 string, or bare."),
    ),
    responses((status = 201, body = BlockAnswer, description = "Stored."), (status = 200, body = BlockAnswer, description = "Known already by its idempotency key; nothing new was stored.")),
)]
pub(crate) async fn execute(State(serving): State<Arc<Serving>>, mut ask: Ask) -> Answer {
    let wait = ask.query(&["wait"])?.wait()?;
    let bytes = ask.bytes(&serving).await?;
    let mut spec = body::block(text(&bytes)?)?;
    header_key(&mut spec.idempotency_key, &ask.parts.headers)?;
    // Taken before anything is stored, so that a refusal changes nothing.
    let _held = (!wait.is_zero()).then(|| serving.hold()).transpose()?;
    let tenant = ask.caller.tenant();
    let stored = serving.service.submit_block(tenant, spec, at_once(false)).await?;
    let status = if stored.deduplicated { StatusCode::OK } else { StatusCode::CREATED };
    let mut answer = BlockAnswer {
        task_id: stored.task_id,
        status: stored.status,
        deduplicated: stored.deduplicated,
        result: None,
        error: None,
        error_details: None,
        execution_time: None,
    };
    if !wait.is_zero() {
        let (found, left_out) = match serving.wait(tenant, vec![stored.task_id], false, wait).await
        {
            // It is stored all the same, and has ended: only its result is left to its steps.
            Err(error @ Error::PayloadTooLarge { .. }) => {
                let found = serving.service.look(tenant, vec![stored.task_id]).await?;
                (found.into_iter().next().flatten(), Some(error.to_string()))
            }
            found => (found?.pop(), None),
        };
        let task = found.ok_or_else(|| not_found(stored.task_id))?;
        answer.status = task.status;
        answer.execution_time =
            task.finished_at.map(|end| end.since(task.created_at).as_secs_f64());
        let is_left_out = left_out.is_some();
        answer.error = left_out.or(task.error.as_ref().map(|error| error.message.clone()));
        answer.error_details = task.error;
        answer.result = match task.result {
            None if task.status.is_final() && !is_left_out => {
                Some(result(&serving, tenant, task.task_id).await?)
            }
            result => result,
        };
    }
    answer::with(status, &answer)
}

/// What a block came to, as the result of its task.
pub(crate) async fn result(
    serving: &Serving,
    tenant: &str,
    id: TaskId,
) -> windlass_core::Result<Payload> {
    let block = serving.service.block(tenant, id).await?;
    Payload::of("result", &block)
}

/// What a block came to, or how it stands while it runs.
#[utoipa::path(
    get, path = "/parallel/{id}", tag = "blocks",
    params(
        ("id" = String, Path, description = "Id of the block."),
    ),
    responses((status = 200, body = BlockResult, description = "How it stands.")),
)]
pub(crate) async fn get(
    State(serving): State<Arc<Serving>>,
    OfTask(id): OfTask,
    ask: Ask,
) -> Answer {
    ask.query(&[])?;
    answer::ok(&serving.service.block(ask.caller.tenant(), id).await?)
}

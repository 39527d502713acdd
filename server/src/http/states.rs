//! States that tasks with one key share, and what a task reads of those that it waited for.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Path, State};
use axum::http::request::Parts;
use serde::Serialize;
use utoipa_axum::routes;
use windlass_core::words::schema::Name;
use windlass_core::{Payload, TaskId};

use super::answer::{self, Answer};
use super::ask::{Ask, Named, refused_at};
use super::problem::Fault;
use super::router::Routes;
use super::serving::Serving;
use super::tasks::{OfTask, not_found};

/// The routes.
pub(crate) fn routes() -> Routes {
    Routes::new().routes(routes!(state)).routes(routes!(names)).routes(routes!(upstream))
}

/// A state.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct StateAnswer {
    /// Its key.
    state_key: String,
    /// Whether there is one.
    exists: bool,
    /// What was stored last; null when there is none.
    state: Payload,
}

/// The state that was stored last under a key.
#[utoipa::path(
    get, path = "/states/{key}", tag = "states",
    params(
        ("key" = String, Path, description = "The key."),
    ),
    responses((status = 200, body = StateAnswer, description = "The state, also when there is none.")),
)]
pub(crate) async fn state(
    State(serving): State<Arc<Serving>>,
    Named(state_key): Named,
    ask: Ask,
) -> Answer {
    ask.query(&[])?;
    let found = serving.service.state(ask.caller.tenant(), &state_key).await?;
    let exists = found.is_some();
    answer::ok(&StateAnswer { state_key, exists, state: found.unwrap_or_else(Payload::null) })
}

/// The names of what a task waited for.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct UpstreamNames {
    /// In the order of their tasks.
    names: Vec<String>,
}

/// The names of the stages that a task waited for; of a hook of a batch, `batch`.
#[utoipa::path(
    get, path = "/tasks/{id}/upstream", tag = "tasks", operation_id = "upstream_names",
    params(
        ("id" = String, Path, description = "Id of the task."),
    ),
    responses((status = 200, body = UpstreamNames, description = "The names.")),
)]
pub(crate) async fn names(
    State(serving): State<Arc<Serving>>,
    OfTask(id): OfTask,
    ask: Ask,
) -> Answer {
    ask.query(&[])?;
    let names = serving.service.upstream_names(ask.caller.tenant(), id).await?;
    answer::ok(&UpstreamNames { names })
}

/// The task and the name in a path.
pub(crate) struct OfUpstream(TaskId, String);

impl<S: Send + Sync> FromRequestParts<S> for OfUpstream {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Fault> {
        let path = Path::<(String, String)>::from_request_parts(parts, state).await;
        let (id, name) = path.map(|Path(path)| path).unwrap_or_default();
        let id = TaskId::parse(&id).inspect_err(|_| refused_at(parts))?;
        Ok(Self(id, name))
    }
}

/// What a task waited for.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Upstream {
    /// Its name.
    name: String,
    /// What it answered.
    result: Payload,
}

/// The result of the stage that a task waited for; for a hook of a batch, by the name `batch`, its counts.
#[utoipa::path(
    get, path = "/tasks/{id}/upstream/{name}", tag = "tasks",
    params(
        ("id" = String, Path, description = "Id of the task."),
        ("name" = Name, Path, description = "Name of the stage."),
    ),
    responses((status = 200, body = Upstream, description = "The result.")),
)]
pub(crate) async fn upstream(
    State(serving): State<Arc<Serving>>,
    OfUpstream(id, name): OfUpstream,
    ask: Ask,
) -> Answer {
    ask.query(&[])?;
    let found = serving.service.upstream(ask.caller.tenant(), id, &name).await?;
    let result = found.ok_or_else(|| not_found(id))?;
    answer::ok(&Upstream { name, result })
}

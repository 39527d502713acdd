//! Workers: who is there.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use serde::Deserialize;
use serde::de::IgnoredAny;
use utoipa::ToSchema;
use utoipa_axum::routes;
use windlass_core::rules::limits;
use windlass_core::words::Workers;
use windlass_core::words::json::{self, Object};
use windlass_core::words::schema::{
    DeclaredRetries, HandlerName, HostName, Json, JsonObject, Name,
};
use windlass_core::{Payload, Result, RetryOptions, Timestamp, WorkerInfo};

use super::answer::{self, Answer};
use super::ask::{Ask, Named};
use super::problem::Fault;
use super::router::Routes;
use super::serving::Serving;

/// The routes.
pub(crate) fn routes() -> Routes {
    Routes::new()
        .routes(routes!(list, announce))
        .routes(routes!(get, forget))
        .routes(routes!(leave))
}

/// Live workers.
#[utoipa::path(
    get, path = "/workers", tag = "workers",
    responses((status = 200, body = Workers, description = "Live workers.")),
)]
pub(crate) async fn list(State(serving): State<Arc<Serving>>, ask: Ask) -> Answer {
    ask.query(&[])?;
    let (metrics, service) = (&serving.metrics, &*serving.service);
    answer::ok(&Workers { workers: metrics.workers(service, ask.caller.tenant()).await? })
}

/// A live worker.
#[utoipa::path(
    get, path = "/workers/{id}", tag = "workers",
    params(
        ("id" = String, Path, description = "Id of the worker."),
    ),
    responses((status = 200, body = WorkerInfo, description = "The worker.")),
)]
pub(crate) async fn get(State(serving): State<Arc<Serving>>, Named(id): Named, ask: Ask) -> Answer {
    ask.query(&[])?;
    let (metrics, service) = (&serving.metrics, &*serving.service);
    let workers = metrics.workers(service, ask.caller.tenant()).await?;
    let found = workers.into_iter().find(|worker| worker.worker_id == id);
    answer::ok(&found.ok_or_else(|| Fault::api(404, "no live worker has this id"))?)
}

/// Announce a worker, every 5 seconds; it counts as live for 15.
#[utoipa::path(
    post, path = "/workers", tag = "workers",
    request_body = Announcement,
    responses((status = 204, description = "Done.")),
)]
pub(crate) async fn announce(State(serving): State<Arc<Serving>>, mut ask: Ask) -> Answer {
    ask.query(&[])?;
    let worker = ask.json::<Announcement>(&serving).await?.checked()?;
    serving.metrics.heard_of(ask.caller.tenant(), &worker);
    serving.service.announce(ask.caller.tenant(), worker).await?;
    Ok(answer::nothing())
}

/// Say that a worker takes no more: leases that are held open for it are answered at once.
#[utoipa::path(
    post, path = "/workers/{id}/leave", tag = "workers",
    params(
        ("id" = String, Path, description = "Id of the worker."),
    ),
    responses((status = 204, description = "Done.")),
)]
pub(crate) async fn leave(
    State(serving): State<Arc<Serving>>,
    Named(id): Named,
    mut ask: Ask,
) -> Answer {
    ask.query(&[])?;
    ask.nothing(&serving).await?;
    serving.leaving.leaves(ask.caller.tenant(), &id);
    serving.service.leave(ask.caller.tenant(), &id).await?;
    Ok(answer::nothing())
}

/// Take a worker's announcement back.
#[utoipa::path(
    delete, path = "/workers/{id}", tag = "workers",
    params(
        ("id" = String, Path, description = "Id of the worker."),
    ),
    responses((status = 204, description = "Done.")),
)]
pub(crate) async fn forget(
    State(serving): State<Arc<Serving>>,
    Named(id): Named,
    mut ask: Ask,
) -> Answer {
    ask.query(&[])?;
    ask.nothing(&serving).await?;
    serving.service.forget(ask.caller.tenant(), &id).await?;
    Ok(answer::nothing())
}

/// A worker as it announces itself.
#[allow(dead_code, reason = "some of what a worker says is known and not looked at")]
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Announcement {
    /// Unique id.
    #[schema(value_type = Name)]
    worker_id: String,
    /// Queues it takes from.
    #[schema(value_type = Vec<Name>)]
    queues: Vec<String>,
    /// Handlers it has; the empty name is its default handler.
    #[schema(value_type = Vec<HandlerName>)]
    handlers: Vec<String>,
    /// Tasks it runs at once.
    #[serde(deserialize_with = "json::whole")]
    concurrency: u32,
    /// Host name and process id.
    #[schema(value_type = HostName)]
    host: String,
    /// Not looked at: the store's clock says when.
    #[serde(default)]
    #[schema(value_type = Option<Json>)]
    seen_at: Option<IgnoredAny>,
    /// Tasks that it holds.
    #[serde(default, deserialize_with = "json::whole")]
    holds: u32,
    /// Not looked at: the server judges.
    #[serde(default)]
    #[schema(value_type = Option<Json>)]
    deaf: Option<IgnoredAny>,
    /// Retry options that its handlers declare, by handler: used when the worker is lost.
    #[serde(default)]
    #[schema(value_type = DeclaredRetries)]
    declared: BTreeMap<String, Object<RetryOptions>>,
    /// Free JSON object.
    #[serde(default)]
    #[schema(value_type = Option<JsonObject>)]
    metadata: Option<Payload>,
}

impl Announcement {
    /// The worker, once what it says is checked.
    fn checked(self) -> Result<WorkerInfo> {
        let worker = WorkerInfo {
            worker_id: self.worker_id,
            queues: self.queues,
            handlers: self.handlers,
            concurrency: self.concurrency,
            host: self.host,
            seen_at: Timestamp::default(),
            holds: self.holds,
            deaf: false,
            declared: self
                .declared
                .into_iter()
                .map(|(name, Object(retry))| (name, retry))
                .collect(),
            metadata: self.metadata,
        };
        limits::check_worker(&worker)?;
        Ok(worker)
    }
}

//! Workers: who is there.

use std::sync::Arc;

use axum::extract::State;
use utoipa_axum::routes;
use windlass_core::rules::limits;
use windlass_core::words::Workers;
use windlass_core::{Result, WorkerInfo};

use super::answer::{self, Answer};
use super::ask::{Ask, Named};
use super::problem::Fault;
use super::router::Routes;
use super::serving::Serving;

/// The routes.
pub(crate) fn routes() -> Routes {
    Routes::new().routes(routes!(list, announce)).routes(routes!(get, forget))
}

/// Live workers.
#[utoipa::path(get, path = "/workers", tag = "workers")]
pub(crate) async fn list(State(serving): State<Arc<Serving>>, ask: Ask) -> Answer {
    ask.query(&[])?;
    let (metrics, service) = (&serving.metrics, &*serving.service);
    answer::ok(&Workers { workers: metrics.workers(service, ask.caller.tenant()).await? })
}

/// A live worker.
#[utoipa::path(get, path = "/workers/{id}", tag = "workers")]
pub(crate) async fn get(State(serving): State<Arc<Serving>>, Named(id): Named, ask: Ask) -> Answer {
    ask.query(&[])?;
    let (metrics, service) = (&serving.metrics, &*serving.service);
    let workers = metrics.workers(service, ask.caller.tenant()).await?;
    let found = workers.into_iter().find(|worker| worker.worker_id == id);
    answer::ok(&found.ok_or_else(|| Fault::api(404, "no live worker has this id"))?)
}

/// Announce a worker, every 5 seconds; it counts as live for 15.
#[utoipa::path(post, path = "/workers", tag = "workers")]
pub(crate) async fn announce(State(serving): State<Arc<Serving>>, mut ask: Ask) -> Answer {
    ask.query(&[])?;
    let worker: WorkerInfo = ask.json(&serving).await?;
    check(&worker)?;
    serving.metrics.heard_of(ask.caller.tenant(), &worker);
    serving.service.announce(ask.caller.tenant(), worker).await?;
    Ok(answer::nothing())
}

/// Take a worker's announcement back.
#[utoipa::path(delete, path = "/workers/{id}", tag = "workers")]
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

fn check(worker: &WorkerInfo) -> Result<()> {
    limits::name("worker_id", &worker.worker_id)?;
    worker.queues.iter().try_for_each(|queue| limits::name("queues", queue))?;
    worker.declared.values().try_for_each(limits::check_retry)
}

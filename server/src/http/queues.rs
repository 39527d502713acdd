//! Queues: what waits where, and pausing.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use utoipa_axum::routes;
use windlass_core::rules::limits;
use windlass_core::words::schema::Name;
use windlass_core::{Counts, QueueInfo, Timestamp};

use super::answer::{self, Answer};
use super::ask::{Ask, Named, Nothing};
use super::router::Routes;
use super::serving::Serving;

/// The routes.
pub(crate) fn routes() -> Routes {
    Routes::new()
        .routes(routes!(list))
        .routes(routes!(get))
        .routes(routes!(pause))
        .routes(routes!(resume))
        .routes(routes!(sweep))
}

/// Every queue.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Queues {
    /// By name.
    queues: Vec<QueueInfo>,
}

/// The queues that have tasks or are paused.
#[utoipa::path(
    get, path = "/queues", tag = "queues",
    responses((status = 200, body = Queues, description = "The queues.")),
)]
pub(crate) async fn list(State(serving): State<Arc<Serving>>, ask: Ask) -> Answer {
    ask.query(&[])?;
    answer::ok(&Queues { queues: serving.service.queues(ask.caller.tenant()).await? })
}

/// A queue. One that nobody used has no tasks.
#[utoipa::path(
    get, path = "/queues/{name}", tag = "queues",
    params(
        ("name" = Name, Path, description = "Name of the queue."),
    ),
    responses((status = 200, body = QueueInfo, description = "The queue.")),
)]
pub(crate) async fn get(
    State(serving): State<Arc<Serving>>,
    Named(name): Named,
    ask: Ask,
) -> Answer {
    ask.query(&[])?;
    limits::name("queue", &name)?;
    let queues = serving.service.queues(ask.caller.tenant()).await?;
    let unused = || QueueInfo {
        queue: name.clone(),
        paused: false,
        counts: Counts::new(),
        depth: 0,
        oldest_pending_at: None,
    };
    answer::ok(&queues.into_iter().find(|info| info.queue == name).unwrap_or_else(unused))
}

/// Give no more leases from a queue, to any worker.
#[utoipa::path(
    post, path = "/queues/{name}/pause", tag = "queues",
    params(
        ("name" = Name, Path, description = "Name of the queue."),
    ),
    request_body = Option<Nothing>,
    responses((status = 200, body = QueueInfo, description = "The queue as it stands then.")),
)]
pub(crate) async fn pause(
    State(serving): State<Arc<Serving>>,
    Named(name): Named,
    ask: Ask,
) -> Answer {
    set(&serving, &name, ask, true).await
}

/// Let a queue go on.
#[utoipa::path(
    post, path = "/queues/{name}/resume", tag = "queues",
    params(
        ("name" = Name, Path, description = "Name of the queue."),
    ),
    request_body = Option<Nothing>,
    responses((status = 200, body = QueueInfo, description = "The queue as it stands then.")),
)]
pub(crate) async fn resume(
    State(serving): State<Arc<Serving>>,
    Named(name): Named,
    ask: Ask,
) -> Answer {
    set(&serving, &name, ask, false).await
}

async fn set(serving: &Serving, name: &str, mut ask: Ask, paused: bool) -> Answer {
    ask.query(&[])?;
    ask.nothing(serving).await?;
    answer::ok(&serving.service.pause(ask.caller.tenant(), name, paused).await?)
}

/// What one sweep did.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct SweepAnswer {
    /// Scheduled tasks made pending.
    promoted: u64,
    /// Tasks taken back from lost workers.
    rescued: u64,
    /// Finished tasks removed.
    pruned: u64,
    /// When the next task becomes due, if known.
    next: Option<Timestamp>,
}

/// Promote, rescue and prune once. Runs by itself wherever a worker leases.
#[utoipa::path(
    post, path = "/sweep", tag = "queues",
    request_body = Option<Nothing>,
    responses((status = 200, body = SweepAnswer, description = "What it did.")),
)]
pub(crate) async fn sweep(State(serving): State<Arc<Serving>>, mut ask: Ask) -> Answer {
    ask.query(&[])?;
    ask.nothing(&serving).await?;
    let swept = serving.service.sweep().await?;
    answer::ok(&SweepAnswer {
        promoted: swept.promoted,
        rescued: swept.rescued,
        pruned: swept.pruned,
        next: swept.next,
    })
}

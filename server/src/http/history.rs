//! How tasks came and went lately.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use serde::Serialize;
use utoipa_axum::routes;
use windlass_core::Timestamp;

use super::answer::{self, Answer};
use super::ask::Ask;
use super::router::Routes;
use super::serving::Serving;
use crate::observe::{self, Point};

/// The route.
pub(crate) fn routes() -> Routes {
    Routes::new().routes(routes!(history))
}

/// How tasks came and went, step by step.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct History {
    /// How long one step is.
    step_seconds: u64,
    /// Since when the server knows, within the time that was asked for.
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
    /// The steps, oldest first. Steps at which the server did not run, or slept, are left out.
    points: Vec<HistoryPoint>,
}

/// One step. What is not known is null.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct HistoryPoint {
    /// When it ended. What follows up to the durations is of the time between the step before and then;
    /// the rest is as things stood then, or up to some seconds later.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// Tasks submitted.
    submitted: Option<u64>,
    /// Tasks that ended well.
    completed: Option<u64>,
    /// Tasks that ended badly.
    failed: Option<u64>,
    /// Tasks that were cancelled.
    cancelled: Option<u64>,
    /// From submission to end, of the tasks that completed or failed: what half of them took at most.
    /// From a sample when there were more than 512. Null also when none did.
    latency_p50_seconds: Option<f64>,
    /// The same for 95 of 100.
    latency_p95_seconds: Option<f64>,
    /// Tasks that may be leased.
    pending: Option<u64>,
    /// Tasks under a lease.
    running: Option<u64>,
    /// Tasks that wait for a time.
    scheduled: Option<u64>,
    /// Tasks that wait for others.
    blocked: Option<u64>,
    /// How long the pending task that is due longest has been due; null also when none is pending.
    oldest_pending_seconds: Option<f64>,
}

impl From<Point> for HistoryPoint {
    fn from(point: Point) -> Self {
        let Point { at, went, stands } = point;
        let took = went.and_then(|went| went.took);
        let oldest = stands.and_then(|stands| stands.oldest);
        Self {
            at,
            submitted: went.map(|went| went.submitted),
            completed: went.map(|went| went.completed),
            failed: went.map(|went| went.failed),
            cancelled: went.map(|went| went.cancelled),
            latency_p50_seconds: took.map(|(p50, _)| p50.as_secs_f64()),
            latency_p95_seconds: took.map(|(_, p95)| p95.as_secs_f64()),
            pending: stands.map(|stands| stands.pending),
            running: stands.map(|stands| stands.running),
            scheduled: stands.map(|stands| stands.scheduled),
            blocked: stands.map(|stands| stands.blocked),
            oldest_pending_seconds: oldest.map(|oldest| oldest.as_secs_f64()),
        }
    }
}

/// How tasks came and went over the last minutes, in steps of 10 seconds; for charts. Also what other
/// processes do on the same store.
#[utoipa::path(
    get, path = "/history", tag = "queues",
    params(
        ("minutes" = Option<u64>, Query, minimum = 1, maximum = 60,
            description = "How far back; 60 when left out."),
    ),
    responses((status = 200, body = History, description = "The steps.")),
)]
pub(crate) async fn history(State(serving): State<Arc<Serving>>, ask: Ask) -> Answer {
    let longest = observe::History::LONGEST.as_secs() / 60;
    let minutes = ask.query(&["minutes"])?.number("minutes", 1, longest)?.unwrap_or(longest);
    let within = Duration::from_secs(minutes * 60);
    let told = serving.history.read(&serving.service, ask.caller.tenant(), within).await?;
    answer::ok(&History {
        step_seconds: observe::History::STEP.as_secs(),
        since: told.since,
        points: told.points.into_iter().map(HistoryPoint::from).collect(),
    })
}

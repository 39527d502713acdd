//! Counting, cancelling and running again all tasks that match.

use std::sync::Arc;

use axum::extract::State;
use windlass_core::rules::limits::{CHANGE_MOST, COUNT_DEFAULT, COUNT_MOST};
use windlass_core::words::BoundBody;
use windlass_core::{BatchId, Changed, Stretch, Tally, TaskKind, TaskStatus, Timestamp};

use super::filter;
use crate::http::answer::{self, Answer};
use crate::http::ask::Ask;
use crate::http::serving::Serving;

/// How many tasks match.
#[utoipa::path(
    get, path = "/tasks/count", tag = "tasks",
    params(
        ("status" = Option<Vec<TaskStatus>>, Query, style = Form, explode, description = "One of these; repeat, or separate by commas."),
        ("task_type" = Option<String>, Query),
        ("queue" = Option<String>, Query),
        ("batch_id" = Option<BatchId>, Query),
        ("kind" = Option<TaskKind>, Query, description = "Of this kind; those that a handler runs when left out."),
        ("since" = Option<Timestamp>, Query, description = "Created at or after this."),
        ("until" = Option<Timestamp>, Query, description = "Created before this."),
        ("error" = Option<String>, Query, description = "The error's message contains this."),
        ("most" = Option<u32>, Query, minimum = 1, maximum = 1000000, description = "Where counting stops; 100,000 when left out."),
    ),
    responses((status = 200, body = Tally, description = "How many. Labels are given as `label.KEY=VALUE`.")),
)]
pub(crate) async fn count(State(serving): State<Arc<Serving>>, ask: Ask) -> Answer {
    let query = ask.query(&filter::with(&["most"]))?;
    let most = query.number("most", 1, COUNT_MOST.into())?.map_or(COUNT_DEFAULT, |n| n as u32);
    let filter = filter::read(&query)?;
    answer::ok(&serving.service.count(ask.caller.tenant(), filter, most).await?)
}

/// Cancel the tasks that match, newest first.
#[utoipa::path(
    post, path = "/tasks/cancel", tag = "tasks", operation_id = "cancel_matching",
    params(
        ("status" = Option<Vec<TaskStatus>>, Query, style = Form, explode, description = "One of these; repeat, or separate by commas."),
        ("task_type" = Option<String>, Query),
        ("queue" = Option<String>, Query),
        ("batch_id" = Option<BatchId>, Query),
        ("kind" = Option<TaskKind>, Query, description = "Of this kind; those that a handler runs when left out."),
        ("since" = Option<Timestamp>, Query, description = "Created at or after this."),
        ("until" = Option<Timestamp>, Query, description = "Created before this."),
        ("error" = Option<String>, Query, description = "The error's message contains this."),
    ),
    request_body = Option<BoundBody>,
    responses((status = 200, body = Changed, description = "What was done. Labels are given as `label.KEY=VALUE`; a query that says nothing is refused.")),
)]
pub(crate) async fn cancel(State(serving): State<Arc<Serving>>, mut ask: Ask) -> Answer {
    let filter = filter::read(&ask.query(&filter::with(&[]))?)?;
    let stretch = stretch(&mut ask, &serving).await?;
    answer::ok(&serving.service.cancel_matching(ask.caller.tenant(), filter, stretch).await?)
}

/// Run the failed and cancelled tasks that match again, newest first.
#[utoipa::path(
    post, path = "/tasks/retry", tag = "tasks", operation_id = "retry_matching",
    params(
        ("status" = Option<Vec<TaskStatus>>, Query, style = Form, explode, description = "One of these; repeat, or separate by commas."),
        ("task_type" = Option<String>, Query),
        ("queue" = Option<String>, Query),
        ("batch_id" = Option<BatchId>, Query),
        ("kind" = Option<TaskKind>, Query, description = "Of this kind; those that a handler runs when left out."),
        ("since" = Option<Timestamp>, Query, description = "Created at or after this."),
        ("until" = Option<Timestamp>, Query, description = "Created before this."),
        ("error" = Option<String>, Query, description = "The error's message contains this."),
    ),
    request_body = Option<BoundBody>,
    responses((status = 200, body = Changed, description = "What was done. Labels are given as `label.KEY=VALUE`; a query that says nothing is refused.")),
)]
pub(crate) async fn retry(State(serving): State<Arc<Serving>>, mut ask: Ask) -> Answer {
    let filter = filter::read(&ask.query(&filter::with(&[]))?)?;
    let stretch = stretch(&mut ask, &serving).await?;
    answer::ok(&serving.service.retry_matching(ask.caller.tenant(), filter, stretch).await?)
}

async fn stretch(ask: &mut Ask, serving: &Serving) -> windlass_core::Result<Stretch> {
    let body: Option<BoundBody> = ask.perhaps(serving).await?;
    let BoundBody { cursor, most } = body.unwrap_or_default();
    Ok(Stretch { cursor, most: most.unwrap_or(CHANGE_MOST) })
}

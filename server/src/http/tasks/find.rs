//! Tasks by their ids.

use std::sync::Arc;

use axum::extract::State;
use windlass_core::words::{FoundTasks, TaskIds, Tasks, WaitBody};
use windlass_core::{Task, TaskId, Why};

use super::{OfTask, not_found};
use crate::http::answer::{self, Answer};
use crate::http::ask::Ask;
use crate::http::query;
use crate::http::serving::Serving;

/// A task.
#[utoipa::path(
    get, path = "/tasks/{id}", tag = "tasks",
    params(
        ("id" = String, Path, description = "Id of the task."),
        ("wait" = Option<f64>, Query, minimum = 0, maximum = 60, description = "Seconds to hold the answer."),
    ),
    responses((status = 200, body = Task, description = "The task.")),
)]
pub(crate) async fn get(
    State(serving): State<Arc<Serving>>,
    OfTask(id): OfTask,
    ask: Ask,
) -> Answer {
    let wait = ask.query(&["wait"])?.wait()?;
    let _held = (!wait.is_zero()).then(|| serving.hold()).transpose()?;
    let found = serving.wait(ask.caller.tenant(), vec![id], false, wait).await?.pop();
    answer::ok(&found.ok_or_else(|| not_found(id))?)
}

/// Tasks by id, in order.
#[utoipa::path(
    post, path = "/tasks/find", tag = "tasks",
    request_body = TaskIds,
    responses((status = 200, body = FoundTasks, description = "One entry for each id.")),
)]
pub(crate) async fn find(State(serving): State<Arc<Serving>>, mut ask: Ask) -> Answer {
    ask.query(&[])?;
    let TaskIds { task_ids } = ask.json(&serving).await?;
    // What is no id is answered like an id that nobody has.
    let ids: Vec<Option<TaskId>> = task_ids.iter().map(|id| TaskId::parse(id).ok()).collect();
    let known = ids.iter().flatten().copied().collect();
    let mut found = serving.service.get(ask.caller.tenant(), known).await?.into_iter();
    let tasks = ids.iter().map(|id| id.and_then(|_| found.next().flatten())).collect();
    answer::ok(&FoundTasks { tasks })
}

/// Tasks by id, once they have ended.
#[utoipa::path(
    post, path = "/tasks/wait", tag = "tasks",
    request_body = WaitBody,
    responses((status = 200, body = Tasks, description = "The tasks as they stand.")),
)]
pub(crate) async fn wait(State(serving): State<Arc<Serving>>, mut ask: Ask) -> Answer {
    ask.query(&[])?;
    let body: WaitBody = ask.json(&serving).await?;
    let wait = query::wait("wait_seconds", body.wait_seconds)?;
    let ids = body.task_ids.iter().map(|id| TaskId::parse(id)).collect::<Result<_, _>>()?;
    let _held = (!wait.is_zero()).then(|| serving.hold()).transpose()?;
    let tasks = serving.wait(ask.caller.tenant(), ids, body.fail_fast, wait).await?;
    answer::ok(&Tasks { tasks })
}

/// Why a task does not run now.
#[utoipa::path(
    get, path = "/tasks/{id}/why", tag = "tasks",
    params(
        ("id" = String, Path, description = "Id of the task."),
    ),
    responses((status = 200, body = Why, description = "Why it waits.")),
)]
pub(crate) async fn why(
    State(serving): State<Arc<Serving>>,
    OfTask(id): OfTask,
    ask: Ask,
) -> Answer {
    ask.query(&[])?;
    answer::ok(&serving.service.why(ask.caller.tenant(), id).await?)
}

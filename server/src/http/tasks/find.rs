//! Tasks by their ids.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use axum::extract::State;
use windlass_core::words::{FoundTasks, TaskIds, Tasks, WaitBody};
use windlass_core::{Error, Task, TaskId, Why};

use super::{OfTask, not_found};
use crate::http::answer::{self, Answer};
use crate::http::ask::Ask;
use crate::http::list::List;
use crate::http::query;
use crate::http::serving::Serving;

/// Tasks of one look at the store: each may have a megabyte.
const LOOK: usize = 100;

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

/// A word that is no id.
pub(crate) async fn no_task(ask: Ask) -> Answer {
    let word = ask.parts.uri.path().rsplit('/').next().unwrap_or_default();
    Err(Error::TaskNotFound { task_id: word.to_owned() }.into())
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
    let mut list = List::new();
    for part in task_ids.chunks(LOOK) {
        // What is no id is answered like an id that nobody has.
        let ids: Vec<Option<TaskId>> = part.iter().map(|id| TaskId::parse(id).ok()).collect();
        let found = once_each(ids.iter().flatten());
        let tasks = serving.service.get(ask.caller.tenant(), found.clone()).await?;
        let tasks: HashMap<TaskId, &Task> =
            found.into_iter().zip(&tasks).filter_map(some).collect();
        for id in ids {
            list.push("task_ids", &id.and_then(|id| tasks.get(&id)))?;
        }
    }
    list.answer()
}

fn some<T>((id, task): (TaskId, &Option<T>)) -> Option<(TaskId, &T)> {
    task.as_ref().map(|task| (id, task))
}

/// The ids without those that were there before.
fn once_each<'a>(ids: impl Iterator<Item = &'a TaskId>) -> Vec<TaskId> {
    let mut seen = HashSet::new();
    ids.copied().filter(|id| seen.insert(*id)).collect()
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
    let ids: Vec<TaskId> =
        body.task_ids.iter().map(|id| TaskId::parse(id)).collect::<Result<_, _>>()?;
    let _held = (!wait.is_zero()).then(|| serving.hold()).transpose()?;
    let known = once_each(ids.iter());
    let tasks = serving.wait(ask.caller.tenant(), known, body.fail_fast, wait).await?;
    let tasks: HashMap<TaskId, &Task> = tasks.iter().map(|task| (task.task_id, task)).collect();
    let mut list = List::new();
    for id in ids {
        let task = tasks.get(&id).ok_or_else(|| not_found(id))?;
        list.push("task_ids", task)?;
    }
    list.answer()
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

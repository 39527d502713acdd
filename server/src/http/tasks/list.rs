//! Tasks that match, and those that changed.

use std::sync::Arc;

use axum::extract::State;
use windlass_core::words::Tasks;
use windlass_core::{
    BatchId, Cursor, Filter, Page, Payload, Result, Task, TaskKind, TaskStatus, Timestamp,
};

use super::filter;
use crate::http::answer::{self, Answer};
use crate::http::ask::Ask;
use crate::http::list::LARGEST;
use crate::http::serving::Serving;

/// Tasks of one look at the store: each may have a megabyte.
const LOOK: u32 = 100;

/// Tasks that match, newest first.
#[utoipa::path(
    get, path = "/tasks", tag = "tasks",
    params(
        ("status" = Option<Vec<TaskStatus>>, Query, style = Form, explode, description = "One of these; repeat, or separate by commas."),
        ("task_type" = Option<String>, Query),
        ("queue" = Option<String>, Query),
        ("batch_id" = Option<BatchId>, Query),
        ("kind" = Option<TaskKind>, Query, description = "Of this kind; those that a handler runs when left out."),
        ("since" = Option<Timestamp>, Query, description = "Created at or after this."),
        ("until" = Option<Timestamp>, Query, description = "Created before this."),
        ("error" = Option<String>, Query, description = "The error's message contains this."),
        ("cursor" = Option<String>, Query, pattern = "^c1[0-9a-f]{32}$", description = "The `next` of the page before."),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000, description = "Most entries to answer; 100 when left out."),
    ),
    responses((status = 200, body = Page, description = "Part of the list. A label is matched with a parameter `label.KEY=VALUE`, which may be there for several keys.")),
)]
pub(crate) async fn list(State(serving): State<Arc<Serving>>, ask: Ask) -> Answer {
    let query = ask.query(&filter::with(&["cursor", "limit"]))?;
    let limit = query.number("limit", 1, 1000)?.unwrap_or(100) as u32;
    let cursor = query.text("cursor").map(str::parse).transpose()?;
    answer::ok(&page(&serving, ask.caller.tenant(), &filter::read(&query)?, cursor, limit).await?)
}

/// A page in several looks: it ends early, with a cursor, once its tasks are large.
async fn page(
    serving: &Serving,
    tenant: &str,
    filter: &Filter,
    cursor: Option<Cursor>,
    limit: u32,
) -> Result<Page> {
    let (mut page, mut bytes) = (Page { tasks: Vec::new(), next: cursor }, 0);
    loop {
        let left = limit - page.tasks.len() as u32;
        let filter = filter.clone();
        let part = serving.service.list(tenant, filter, page.next, left.min(LOOK)).await?;
        bytes += part.tasks.iter().map(weight).sum::<usize>();
        // A look that was not filled has gone through as many rows as one should.
        let is_short = part.tasks.len() < left.min(LOOK) as usize;
        page.tasks.extend(part.tasks);
        page.next = part.next;
        let is_full = page.tasks.len() >= limit as usize || bytes >= LARGEST / 2;
        if is_full || is_short || page.next.is_none() {
            return Ok(page);
        }
    }
}

/// Most of the bytes of a task's JSON text.
fn weight(task: &Task) -> usize {
    let size = |payload: &Option<Payload>| payload.as_ref().map_or(0, Payload::len);
    task.payload.len() + size(&task.result) + size(&task.metadata)
}

/// Tasks that changed at or after an instant, those that changed last first.
#[utoipa::path(
    get, path = "/recent", tag = "tasks",
    params(
        ("since" = Option<Timestamp>, Query, description = "Changed at or after this."),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 10000, description = "Most tasks to answer; 100 when left out."),
    ),
    responses((status = 200, body = Tasks, description = "The tasks.")),
)]
pub(crate) async fn recent(State(serving): State<Arc<Serving>>, ask: Ask) -> Answer {
    let query = ask.query(&["since", "limit"])?;
    let since = filter::instant(&query, "since")?.unwrap_or_default();
    let limit = query.number("limit", 1, 10_000)?.unwrap_or(100) as u32;
    let tasks = serving.service.recent(ask.caller.tenant(), since, limit).await?;
    answer::ok(&Tasks { tasks })
}

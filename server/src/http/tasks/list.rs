//! Tasks that match, and those that changed.

use std::sync::Arc;

use axum::extract::State;
use windlass_core::words::Tasks;
use windlass_core::{
    BatchId, Cursor, Error, Filter, Labels, Page, Payload, Result, Task, TaskStatus, Timestamp,
};

use crate::http::answer::{self, Answer};
use crate::http::ask::Ask;
use crate::http::list::LARGEST;
use crate::http::query::Query;
use crate::http::serving::Serving;

const FILTERS: [&str; 9] =
    ["status*", "task_type", "queue", "label.", "batch_id", "since", "error", "cursor", "limit"];

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
        ("since" = Option<Timestamp>, Query, description = "Created at or after this."),
        ("error" = Option<String>, Query, description = "The error's message contains this."),
        ("cursor" = Option<String>, Query, pattern = "^c1[0-9a-f]{32}$", description = "The `next` of the page before."),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000, description = "Most entries to answer; 100 when left out."),
    ),
    responses((status = 200, body = Page, description = "Part of the list. A label is matched with a parameter `label.KEY=VALUE`, which may be there for several keys.")),
)]
pub(crate) async fn list(State(serving): State<Arc<Serving>>, ask: Ask) -> Answer {
    let query = ask.query(&FILTERS)?;
    let limit = query.number("limit", 1, 1000)?.unwrap_or(100) as u32;
    let cursor = query.text("cursor").map(str::parse).transpose()?;
    answer::ok(&page(&serving, ask.caller.tenant(), &filter(&query)?, cursor, limit).await?)
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

fn filter(query: &Query) -> Result<Filter> {
    let owned = |name| query.text(name).map(str::to_owned);
    let mut labels = Labels::new();
    for (key, value) in query.family("label.") {
        labels.insert(key.to_owned(), value.to_owned());
    }
    let batch_id = query.text("batch_id").map(|id| {
        id.parse().map_err(|_| Error::invalid("batch_id", format!("must be a UUID, not {id:?}")))
    });
    Ok(Filter {
        status: query.list("status").map(str::parse::<TaskStatus>).collect::<Result<_>>()?,
        task_type: owned("task_type"),
        queue: owned("queue"),
        labels,
        batch_id: batch_id.transpose()?,
        since: instant(query, "since")?,
        error: owned("error"),
    })
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
    let since = instant(&query, "since")?.unwrap_or_default();
    let limit = query.number("limit", 1, 10_000)?.unwrap_or(100) as u32;
    let tasks = serving.service.recent(ask.caller.tenant(), since, limit).await?;
    answer::ok(&Tasks { tasks })
}

fn instant(query: &Query, name: &str) -> Result<Option<Timestamp>> {
    query
        .text(name)
        .map(|text| {
            let reason = format!("must be an RFC 3339 instant with its offset, not {text:?}");
            text.parse().map_err(|_| Error::invalid(name, reason))
        })
        .transpose()
}

//! The history of a task: in parts, and as a stream.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;
use windlass_core::words::Updates;
use windlass_core::{Error, LogLevel, Result, TaskId, Update, UpdateKind};

use super::{OfTask, not_found};
use crate::http::answer::{self, Answer};
use crate::http::ask::Ask;
use crate::http::serving::Serving;
use crate::http::sse::{self, HEARTBEAT, StreamEvent};

/// Entries of one read.
const CHUNK: u32 = 256;
/// Entries of one answer.
const MOST: u64 = 1000;

/// Part of a task's history.
#[utoipa::path(
    get, path = "/tasks/{id}/updates", tag = "tasks",
    params(
        ("id" = String, Path, description = "Id of the task."),
        ("after" = Option<u64>, Query, minimum = 0, maximum = 9223372036854775807u64, description = "Number of the last entry that is known."),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000, description = "Most entries to answer; 100 when left out."),
        ("wait" = Option<f64>, Query, minimum = 0, maximum = 60, description = "Seconds to hold the answer."),
    ),
    responses((status = 200, body = Updates, description = "Entries in order.")),
)]
pub(crate) async fn updates(
    State(serving): State<Arc<Serving>>,
    OfTask(id): OfTask,
    ask: Ask,
) -> Answer {
    let query = ask.query(&["after", "limit", "wait"])?;
    let after = query.number("after", 0, u64::MAX >> 1)?.unwrap_or(0);
    let limit = query.number("limit", 1, MOST)?.unwrap_or(100) as u32;
    let wait = query.wait()?;
    let _held = (!wait.is_zero()).then(|| serving.hold()).transpose()?;
    let updates = serving.updates(ask.caller.tenant(), id, after, limit, wait).await?;
    answer::ok(&Updates { updates })
}

/// The log lines of a task.
#[utoipa::path(
    get, path = "/tasks/{id}/logs", tag = "tasks",
    params(
        ("id" = String, Path, description = "Id of the task."),
        ("after" = Option<u64>, Query, minimum = 0, maximum = 9223372036854775807u64, description = "Number of the last entry that is known."),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000, description = "Most entries to answer; 100 when left out."),
        ("level" = Option<LogLevel>, Query, description = "This level and graver ones."),
    ),
    responses((status = 200, body = Updates, description = "Log lines in order.")),
)]
pub(crate) async fn logs(
    State(serving): State<Arc<Serving>>,
    OfTask(id): OfTask,
    ask: Ask,
) -> Answer {
    let query = ask.query(&["after", "limit", "level"])?;
    let mut after = query.number("after", 0, u64::MAX >> 1)?.unwrap_or(0);
    let limit = query.number("limit", 1, MOST)?.unwrap_or(100) as usize;
    let least = query.text("level").map(str::parse::<LogLevel>).transpose()?;
    let mut lines = Vec::new();
    loop {
        let read = MOST as u32;
        let part =
            serving.service.updates(ask.caller.tenant(), id, after, read, Duration::ZERO).await?;
        let full = part.len() == read as usize;
        after = part.last().map_or(after, |last| last.seq);
        lines.extend(part.into_iter().filter(|update| match &update.kind {
            UpdateKind::Log { level, .. } => least.is_none_or(|least| *level as u8 >= least as u8),
            _ => false,
        }));
        if lines.len() >= limit || !full {
            lines.truncate(limit);
            return answer::ok(&Updates { updates: lines });
        }
    }
}

/// The history of a task as it grows, until its final entry.
#[utoipa::path(
    get, path = "/tasks/{id}/events", tag = "tasks",
    params(
        ("id" = String, Path, description = "Id of the task."),
        ("after" = Option<u64>, Query, minimum = 0, maximum = 9223372036854775807u64, description = "Number of the last entry that is known."),
        ("last-event-id" = Option<u64>, Header, minimum = 0, maximum = 9223372036854775807u64, description = "As `after`, sent by browsers."),
    ),
    responses((status = 200, body = StreamEvent, description = "Events named status, progress, log, member and resync, each with an `Update` as its data.", content_type = "text/event-stream"), (status = 204, description = "The task has ended and its whole history is known.")),
)]
pub(crate) async fn events(
    State(serving): State<Arc<Serving>>,
    OfTask(id): OfTask,
    ask: Ask,
) -> Answer {
    stream(serving, ask, id).await
}

/// The same, of a task that is found by another path.
pub(crate) async fn stream(serving: Arc<Serving>, ask: Ask, id: TaskId) -> Answer {
    let query = ask.query(&["after"])?;
    let asked = query.number("after", 0, u64::MAX >> 1)?;
    let after = last_event_id(&ask.parts.headers)?.or(asked).unwrap_or(0);
    let held = serving.hold()?;
    let tenant = ask.caller.tenant();
    // The first look finds out whether there is such a task, and whether anything is left to tell.
    if serving.service.updates(tenant, id, after, 1, Duration::ZERO).await?.is_empty()
        && is_told(&serving, tenant, id, after).await?
    {
        return Ok(answer::nothing());
    }
    let tenant = tenant.into();
    let follow = Follow { serving, tenant, id, after, begun: false, done: false, _held: held };
    Ok(sse::stream(&ask.caller.peer, futures_util::stream::unfold(follow, Follow::next)))
}

/// Where a reader that comes back was.
fn last_event_id(headers: &HeaderMap) -> Result<Option<u64>> {
    let Some(value) = headers.get("last-event-id") else { return Ok(None) };
    let number = value.to_str().ok().and_then(|text| text.parse().ok());
    let number = number.filter(|number| *number <= u64::MAX >> 1);
    let bad = || Error::invalid("last-event-id", "must be the id of an event, a whole number");
    number.map(Some).ok_or_else(bad)
}

/// Whether the task has ended and its whole history is told after entry `after`.
async fn is_told(serving: &Serving, tenant: &str, id: TaskId, after: u64) -> Result<bool> {
    let task = serving.service.look(tenant, vec![id]).await?.pop().flatten();
    let task = task.ok_or_else(|| not_found(id))?;
    Ok(task.status.is_final() && task.last_seq <= after)
}

/// A reader of one task's history.
struct Follow {
    serving: Arc<Serving>,
    tenant: Box<str>,
    id: TaskId,
    after: u64,
    begun: bool,
    done: bool,
    /// Its place among the streams.
    _held: OwnedSemaphorePermit,
}

impl Follow {
    async fn next(mut self) -> Option<(Bytes, Self)> {
        if self.done {
            return None;
        }
        if !self.begun {
            self.begun = true;
            return Some((sse::heartbeat(), self));
        }
        let updates =
            self.serving.service.updates(&self.tenant, self.id, self.after, CHUNK, HEARTBEAT);
        // Who is cut off here, or by an error, resumes from the last entry it has.
        let updates = tokio::select! {
            updates = updates => updates.ok()?,
            () = self.serving.draining() => return None,
        };
        let Some(last) = updates.last() else {
            if is_told(&self.serving, &self.tenant, self.id, self.after).await.ok()? {
                return None;
            }
            return Some((sse::heartbeat(), self));
        };
        self.after = last.seq;
        // At the end of a full read more may follow: an end that was retried.
        self.done = last.is_final() && updates.len() < CHUNK as usize;
        let mut text = Vec::with_capacity(256);
        for update in &updates {
            sse::event(&mut text, Some(update.seq), kind(update), update);
        }
        Some((text.into(), self))
    }
}

fn kind(update: &Update) -> &'static str {
    match update.kind {
        UpdateKind::Status { .. } => "status",
        UpdateKind::Progress { .. } => "progress",
        UpdateKind::Log { .. } => "log",
        UpdateKind::Member { .. } => "member",
        UpdateKind::Resync { .. } => "resync",
    }
}

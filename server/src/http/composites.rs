//! What batches, blocks and pipelines have in common: each is a task that stands for others.

use std::sync::Arc;

use windlass_core::{Error, Filter, Result, Task, TaskId, TaskKind, TaskStatus, Timestamp};

use super::answer::Answer;
use super::ask::Ask;
use super::serving::Serving;
use super::tasks;

/// What a list of one kind is asked by; labels beside it.
#[allow(dead_code, reason = "it describes what `page` reads")]
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Asked {
    /// One of these; repeat, or separate by commas.
    #[param(style = Form, explode)]
    status: Option<Vec<TaskStatus>>,
    /// This name.
    name: Option<String>,
    /// Created at or after this.
    since: Option<Timestamp>,
    /// Created before this.
    until: Option<Timestamp>,
    /// The `next` of the page before.
    #[param(pattern = "^c1[0-9a-f]{32}$")]
    cursor: Option<String>,
    /// Most entries to answer; 100 when left out.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// Part of the list of one `kind`, newest first, and where to go on.
///
/// # Errors
///
/// `invalid_argument` with the name of the parameter.
pub(crate) async fn page<L: From<Task>>(
    serving: &Serving,
    ask: Ask,
    kind: TaskKind,
) -> Result<(Vec<L>, Option<String>)> {
    let query = ask.query(&["status*", "name", "label.", "since", "until", "cursor", "limit"])?;
    let limit = query.number("limit", 1, 1000)?.unwrap_or(100) as u32;
    let cursor = query.text("cursor").map(str::parse).transpose()?;
    let name = query.text("name").map(str::to_owned);
    let filter = Filter { kind: Some(kind), task_type: name, ..tasks::filter(&query)? };
    let page = serving.service.list(ask.caller.tenant(), filter, cursor, limit).await?;
    let lines = page.tasks.into_iter().map(L::from).collect();
    Ok((lines, page.next.map(|next| next.to_string())))
}

/// The history of one as it grows.
///
/// # Errors
///
/// What `unknown` makes, when there is none of this kind.
pub(crate) async fn events(
    serving: Arc<Serving>,
    ask: Ask,
    kind: TaskKind,
    id: TaskId,
    unknown: impl Fn() -> Error,
) -> Answer {
    let found = serving.service.look(ask.caller.tenant(), vec![id]).await?.pop().flatten();
    if found.is_none_or(|task| task.kind != kind) {
        return Err(unknown().into());
    }
    tasks::stream(serving, ask, id).await
}

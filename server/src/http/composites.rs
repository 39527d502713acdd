//! What batches, blocks and pipelines have in common: each is a task that stands for others.

use std::sync::Arc;

use windlass_core::{Cursor, Error, Filter, Result, TaskId, TaskKind};

use super::answer::Answer;
use super::ask::Ask;
use super::serving::Serving;
use super::tasks;

/// Which tasks of one kind the query asks for, from where on, and how many.
///
/// # Errors
///
/// `invalid_argument` with the name of the parameter.
pub(crate) fn asked(ask: &Ask, kind: TaskKind) -> Result<(Filter, Option<Cursor>, u32)> {
    let query = ask.query(&["status*", "name", "label.", "since", "until", "cursor", "limit"])?;
    let limit = query.number("limit", 1, 1000)?.unwrap_or(100) as u32;
    let cursor = query.text("cursor").map(str::parse).transpose()?;
    let name = query.text("name").map(str::to_owned);
    Ok((Filter { kind: Some(kind), task_type: name, ..tasks::filter(&query)? }, cursor, limit))
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

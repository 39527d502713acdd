//! Which tasks a listing asks for.

use std::str::FromStr;

use windlass_core::rules::limits;
use windlass_core::{Cursor, Error, Filter, Result, Stretch, TaskKind, TaskSpec};

use crate::fields::Fields;

/// A page: what it filters by, where it begins, and how many tasks it has at most.
///
/// # Errors
///
/// `invalid_argument` with the name of the field, also for one that is not known.
pub(crate) fn page(text: &str) -> Result<(Filter, Option<Cursor>, u32)> {
    let mut fields = Fields::read("query", text)?;
    let filter = filter(&mut fields)?;
    let cursor = fields.text("cursor")?.map(|text| text.parse()).transpose()?;
    let limit = fields.count("limit")?.unwrap_or(100);
    fields.end()?;
    Ok((filter, cursor, limit))
}

/// What is counted: what it filters by, and where it stops. Errors as `page`.
pub(crate) fn bounded(text: &str) -> Result<(Filter, u32)> {
    let mut fields = Fields::read("query", text)?;
    let filter = filter(&mut fields)?;
    let most = fields.count("most")?.unwrap_or(limits::COUNT_DEFAULT);
    fields.end()?;
    Ok((filter, most))
}

/// What a verb that changes all tasks that match is told: what it filters by, and how far it goes. Errors
/// as `page`.
pub(crate) fn stretch(text: &str) -> Result<(Filter, Stretch)> {
    let mut fields = Fields::read("query", text)?;
    let filter = filter(&mut fields)?;
    let cursor = fields.text("cursor")?.map(|text| text.parse()).transpose()?;
    let most = fields.count("most")?.unwrap_or(limits::CHANGE_MOST);
    fields.end()?;
    Ok((filter, Stretch { cursor, most }))
}

/// What `fields` filter by. Errors as `page`.
fn filter(fields: &mut Fields) -> Result<Filter> {
    let status: Vec<String> = fields.texts("status")?.unwrap_or_default();
    let labels = match fields.raw("labels") {
        // The same reading of labels as at submit.
        Some(labels) => TaskSpec::from_wire(&format!("{{\"labels\":{labels}}}"))?.labels,
        None => Default::default(),
    };
    Ok(Filter {
        status: status.iter().map(|word| word.parse()).collect::<Result<_>>()?,
        task_type: fields.text("task_type")?,
        queue: fields.text("queue")?,
        labels,
        kind: fields.text("kind")?.map(|word| kind(&word)).transpose()?,
        batch_id: named(fields, "batch_id")?,
        since: named(fields, "since")?,
        until: named(fields, "until")?,
        error: fields.text("error")?,
    })
}

fn kind(word: &str) -> Result<TaskKind> {
    let found = TaskKind::ALL.into_iter().find(|kind| kind.as_str() == word);
    found.ok_or_else(|| Error::invalid("kind", "must be one of task, batch, block, pipeline"))
}

/// Reads a value whose type does not know the argument's name.
fn named<T: FromStr<Err = Error>>(fields: &mut Fields, name: &str) -> Result<Option<T>> {
    let Some(text) = fields.text(name)? else { return Ok(None) };
    text.parse().map(Some).map_err(|error| match error {
        Error::InvalidArgument { reason, .. } => Error::invalid(name, reason),
        other => other,
    })
}

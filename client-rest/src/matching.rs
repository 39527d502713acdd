//! Calls about tasks that match, and about those that changed.

use windlass_core::rules::limits;
use windlass_core::words::BoundBody;
use windlass_core::{Cursor, Filter, Result, Stretch, Timestamp};

use crate::call::{Call, json};
use crate::verb::{self, Verb};

/// One page of them.
pub(crate) fn list(filter: &Filter, cursor: Option<Cursor>, limit: u32) -> Result<Call> {
    limits::check_page(limit)?;
    let mut query = query(filter);
    query.extend(cursor.map(|cursor| ("cursor".to_owned(), cursor.to_string())));
    query.push(("limit".to_owned(), limit.to_string()));
    Ok(verb::LIST.call().with(&query))
}

/// How many they are, up to `most`.
pub(crate) fn count(filter: &Filter, most: u32) -> Result<Call> {
    limits::check_most(most, limits::COUNT_MOST)?;
    let mut query = query(filter);
    query.push(("most".to_owned(), most.to_string()));
    Ok(verb::COUNT.call().with(&query))
}

/// Has `verb` change a stretch of them.
pub(crate) fn change(verb: &'static Verb, filter: &Filter, stretch: Stretch) -> Result<Call> {
    let Stretch { cursor, most } = stretch;
    limits::check_most(most, limits::CHANGE_MOST)?;
    let body = json(&BoundBody { most: Some(most), cursor })?;
    Ok(verb.call().with(&query(filter)).json(body))
}

/// Those that changed at or after `since`.
pub(crate) fn recent(since: Timestamp, limit: u32) -> Call {
    let limit = limit.clamp(1, 10_000).to_string();
    let query = [("since".to_owned(), since.to_string()), ("limit".to_owned(), limit)];
    verb::RECENT.call().with(&query)
}

fn query(filter: &Filter) -> Vec<(String, String)> {
    let status = filter.status.iter().map(|status| ("status".to_owned(), status.to_string()));
    let labels = filter.labels.iter().map(|(key, value)| (format!("label.{key}"), value.clone()));
    let mut query: Vec<(String, String)> = status.chain(labels).collect();
    let mut given = |name: &str, value: Option<String>| {
        query.extend(value.map(|value| (name.to_owned(), value)));
    };
    given("task_type", filter.task_type.clone());
    given("queue", filter.queue.clone());
    given("kind", filter.kind.map(|kind| kind.as_str().to_owned()));
    given("batch_id", filter.batch_id.map(|id| id.to_string()));
    given("since", filter.since.map(|since| since.to_string()));
    given("until", filter.until.map(|until| until.to_string()));
    given("error", filter.error.clone());
    query
}

//! Which tasks are meant, as parameters of a query say it.

use windlass_core::{Error, Filter, Labels, Result, TaskKind, TaskStatus, Timestamp};

use crate::http::query::Query;

/// The parameters.
const NAMES: [&str; 9] =
    ["status*", "task_type", "queue", "label.", "batch_id", "kind", "since", "until", "error"];

/// The parameters, and others beside them.
pub(super) fn with(others: &[&'static str]) -> Vec<&'static str> {
    [&NAMES, others].concat()
}

/// What the query says.
///
/// # Errors
///
/// `invalid_argument` with the name of the parameter.
pub(crate) fn read(query: &Query) -> Result<Filter> {
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
        kind: query.text("kind").map(kind).transpose()?,
        since: instant(query, "since")?,
        until: instant(query, "until")?,
        error: owned("error"),
    })
}

fn kind(word: &str) -> Result<TaskKind> {
    let found = TaskKind::ALL.into_iter().find(|kind| kind.as_str() == word);
    let bad =
        || Error::invalid("kind", format!("must be task, batch, block or pipeline, not {word:?}"));
    found.ok_or_else(bad)
}

/// A parameter that is an instant. Errors as [`read`].
pub(super) fn instant(query: &Query, name: &str) -> Result<Option<Timestamp>> {
    query
        .text(name)
        .map(|text| {
            let reason = format!("must be an RFC 3339 instant with its offset, not {text:?}");
            text.parse().map_err(|_| Error::invalid(name, reason))
        })
        .transpose()
}

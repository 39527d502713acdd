//! New tasks as text, to be kept aside and read back exactly.
//!
//! The text is a row of records. `*`, a length and a task in JSON is a task in full; `+`, an id, a length
//! and a payload is a task like the one before, but for these: most of a chunk. Lengths are bytes, eight
//! hexadecimal digits.

use std::fmt::Write as _;
use std::time::Duration;

use rusqlite::Result;
use rusqlite::types::Type;
use windlass_core::engine::submit::{NewTask, Place};
use windlass_core::words::{Need, Parent, TaskKind};
use windlass_core::{BatchId, Payload, TaskId, TaskSpec};

use crate::insert::are_alike;
use crate::row;

/// A task in full: whose it is, where it stands, what JSON numbers would not keep exactly, and its spec.
type Aside = (
    (TaskId, String, Option<[u8; 32]>, Option<BatchId>),
    (u8, Option<(TaskId, u8)>, Option<String>, u32),
    (Option<u64>, Option<u64>, Option<String>),
    Payload,
);

/// Digits of a length.
const LENGTH: usize = 8;
/// Digits of an id.
const ID: usize = 32;

/// The text of a chunk.
pub(crate) fn text(tasks: &[NewTask]) -> String {
    let mut text = String::new();
    for (i, new) in tasks.iter().enumerate() {
        let written = if i > 0 && are_alike(&tasks[i - 1..=i]) {
            let (id, payload) = (u128::from_be_bytes(*new.task_id.as_bytes()), &new.spec.payload);
            write!(text, "+{id:0ID$x}{:0LENGTH$x}{}", payload.len(), payload.as_str())
        } else {
            let full = serde_json::to_string(&aside(new)).expect("a task is plain data");
            write!(text, "*{:0LENGTH$x}{full}", full.len())
        };
        written.expect("a string takes any text");
    }
    text
}

/// The tasks of a chunk.
pub(crate) fn read(tenant: &str, text: &str) -> Result<Vec<NewTask>> {
    let (mut rest, mut tasks) = (text, Vec::<NewTask>::new());
    while !rest.is_empty() {
        let (next, after) = record(tenant, tasks.last(), rest).ok_or_else(unreadable)?;
        tasks.push(next);
        rest = after;
    }
    Ok(tasks)
}

/// The first task of a text, and what comes after it.
fn record<'t>(tenant: &str, before: Option<&NewTask>, text: &'t str) -> Option<(NewTask, &'t str)> {
    let measured = |text: &'t str| {
        let (length, rest) = text.split_at_checked(LENGTH)?;
        rest.split_at_checked(usize::from_str_radix(length, 16).ok()?)
    };
    match text.split_at_checked(1)? {
        ("+", rest) => {
            let (id, rest) = rest.split_at_checked(ID)?;
            let id = u128::from_str_radix(id, 16).ok()?.to_be_bytes();
            let (payload, rest) = measured(rest)?;
            let mut next = before?.clone();
            next.task_id = TaskId::from_bytes(id);
            next.spec.payload = Payload::trusted(payload);
            Some((next, rest))
        }
        ("*", rest) => {
            let (full, rest) = measured(rest)?;
            Some((unaside(tenant, serde_json::from_str(full).ok()?)?, rest))
        }
        _ => None,
    }
}

/// The text of a batch and its hooks.
pub(crate) fn batch_text(task: &NewTask, hooks: &[(Need, NewTask)]) -> String {
    let hooks: Vec<(u8, Aside)> =
        hooks.iter().map(|(need, hook)| (*need as u8, aside(hook))).collect();
    serde_json::to_string(&(aside(task), hooks)).expect("tasks are plain data")
}

/// A batch and its hooks.
pub(crate) fn read_batch(tenant: &str, text: &str) -> Result<(NewTask, Vec<(Need, NewTask)>)> {
    let read = || {
        let (task, hooks): (Aside, Vec<(u8, Aside)>) = serde_json::from_str(text).ok()?;
        let hook = |(need, hook)| Some((Need::from_number(need)?, unaside(tenant, hook)?));
        let hooks: Option<Vec<_>> = hooks.into_iter().map(hook).collect();
        Some((unaside(tenant, task)?, hooks?))
    };
    read().ok_or_else(unreadable)
}

fn aside(new: &NewTask) -> Aside {
    let nanos = |d: Duration| u64::try_from(d.as_nanos()).unwrap_or(u64::MAX);
    let (spec, place) = (&new.spec, &new.place);
    (
        (new.task_id, new.handler.clone(), new.fingerprint, new.batch_id),
        (
            place.kind as u8,
            place.parent.map(|parent| (parent.task_id, parent.kind as u8)),
            place.stage.clone(),
            place.waits,
        ),
        (spec.delay.map(nanos), spec.timeout.map(nanos), row::retry_text(&spec.retry)),
        Payload::trusted(serde_json::to_string(spec).expect("a spec is plain data")),
    )
}

fn unaside(tenant: &str, aside: Aside) -> Option<NewTask> {
    let ((task_id, handler, fingerprint, batch_id), place, exact, spec) = aside;
    let mut spec = TaskSpec::from_wire(spec.as_str()).ok()?;
    let (kind, parent, stage, waits) = place;
    let parent = match parent {
        Some((task_id, kind)) => Some(Parent { task_id, kind: TaskKind::from_number(kind)? }),
        None => None,
    };
    let place = Place { kind: TaskKind::from_number(kind)?, parent, stage, waits };
    spec.delay = exact.0.map(Duration::from_nanos);
    spec.timeout = exact.1.map(Duration::from_nanos);
    if let Some(text) = exact.2 {
        spec.retry = row::read_retry(&text)?;
    }
    let tenant = tenant.to_owned();
    Some(NewTask { task_id, tenant, spec, handler, fingerprint, batch_id, place })
}

fn unreadable() -> rusqlite::Error {
    let reason = "tasks kept aside that this build cannot read";
    rusqlite::Error::FromSqlConversionFailure(0, Type::Text, reason.into())
}

#[cfg(test)]
mod tests {
    use windlass_core::engine::submit;
    use windlass_core::rules::ids::IdSource;
    use windlass_core::{Clock, SystemClock};

    use super::*;

    fn new(ids: &IdSource, payload: &str) -> NewTask {
        let payload = Payload::new("payload", payload).unwrap();
        let id = ids.task(SystemClock.now());
        submit::decide(TaskSpec::new("work", payload), "t", id, None).unwrap()
    }

    #[test]
    fn tasks_come_back_exactly() {
        let ids = IdSource::default();
        let mut tasks: Vec<NewTask> =
            ["1", "{\"ü\": \"*+\"}", "[1,\n 2]"].map(|payload| new(&ids, payload)).into();
        let mut other = new(&ids, "null");
        other.spec.timeout = Some(Duration::new(316_223_999, 1));
        other.spec.delay = Some(Duration::from_nanos(u64::from(u32::MAX) * 3 + 1));
        other.spec.retry.jitter = Some(0.1 + 0.2);
        other.spec = other.spec.label("a", "b").idempotency_key("k");
        other.fingerprint = Some([255; 32]);
        other.place.stage = Some("one".to_owned());
        other.place.waits = 7;
        tasks.extend([other, new(&ids, "2"), new(&ids, "3")]);
        let text = text(&tasks);
        assert_eq!(text.matches('*').count(), 4, "three in full, and one in a payload: {text}");
        assert_eq!(read("t", &text).unwrap(), tasks);
    }

    #[test]
    fn a_text_that_is_cut_is_refused() {
        let ids = IdSource::default();
        let text = text(&[new(&ids, "1"), new(&ids, "22")]);
        for end in 1..text.len() {
            let whole = read("t", &text[..end]).is_ok_and(|tasks| tasks.len() == 1);
            assert!(whole || read("t", &text[..end]).is_err(), "{end}");
        }
    }
}

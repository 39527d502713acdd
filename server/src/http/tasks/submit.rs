//! Submitting tasks.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::value::RawValue;
use windlass_core::rules::limits;
use windlass_core::words::schema::Key;
use windlass_core::words::{SubmitBody, Submitted, SubmittedTask};
use windlass_core::{Error, Result, Submission, SubmitOptions, TaskSpec};

use crate::http::answer::{self, Answer};
use crate::http::ask::Ask;
use crate::http::json::{parse, text};
use crate::http::serving::Serving;

/// Store one task. Durable when it is answered.
#[utoipa::path(
    post, path = "/tasks", tag = "tasks",
    request_body = TaskSpec,
    params(
        ("wait" = Option<f64>, Query, minimum = 0, maximum = 60, description = "Seconds to hold the answer."),
        ("idempotency-key" = Option<Key>, Header, description = "The task's `idempotency_key`: an RFC 8941 string, or bare."),
        ("traceparent" = Option<Key>, Header, description = "The task's `traceparent`, unless the body has one."),
    ),
    responses((status = 201, body = SubmittedTask, description = "Stored."), (status = 200, body = SubmittedTask, description = "Known already by its idempotency key; nothing new was stored.")),
)]
pub(crate) async fn submit(State(serving): State<Arc<Serving>>, mut ask: Ask) -> Answer {
    let wait = ask.query(&["wait"])?.wait()?;
    let bytes = ask.bytes(&serving).await?;
    let mut spec = TaskSpec::from_wire(text(&bytes)?).map_err(|error| within("body", error))?;
    with_headers(&mut spec, &ask.parts.headers)?;
    // Taken before anything is stored, so that a refusal changes nothing.
    let _held = (!wait.is_zero()).then(|| serving.hold()).transpose()?;
    let tenant = ask.caller.tenant();
    let mut stored = serving.service.submit(tenant, vec![spec], at_once(false)).await?;
    let submission = stored.pop().ok_or_else(|| Error::internal("a submit answered nothing"))?;
    let status = status([&submission]);
    let mut answer = SubmittedTask { submission, task: None };
    if !wait.is_zero() {
        let ids = vec![answer.submission.task_id];
        answer.task = serving.wait(tenant, ids, false, wait).await?.pop();
    }
    answer::with(status, &answer)
}

/// Store many tasks, all or none.
#[utoipa::path(
    post, path = "/tasks/bulk", tag = "tasks",
    request_body = SubmitBody,
    responses((status = 201, body = Submitted, description = "Stored."), (status = 200, body = Submitted, description = "All were known already.")),
)]
pub(crate) async fn submit_many(State(serving): State<Arc<Serving>>, mut ask: Ask) -> Answer {
    ask.query(&[])?;
    let specs = records(&ask.bytes(&serving).await?)?;
    store(&serving, ask.caller.tenant(), specs, false).await
}

/// Stores the tasks of a body and answers where they stand.
pub(crate) async fn store(
    serving: &Serving,
    tenant: &str,
    specs: Vec<TaskSpec>,
    batch: bool,
) -> Answer {
    let options = at_once(batch);
    let submissions = serving.service.submit(tenant, specs, options).await?;
    answer::with(status(&submissions), &Submitted { submissions })
}

/// The tasks of a body `{"tasks":[…]}`, each checked.
///
/// # Errors
///
/// As a submit, with the place of the task before the field: `tasks[3].priority`.
pub(crate) fn records(bytes: &[u8]) -> Result<Vec<TaskSpec>> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Records {
        tasks: Vec<Box<RawValue>>,
    }
    let Records { tasks } = parse(text(bytes)?)?;
    limits::size("tasks", tasks.len(), limits::SUBMIT_TASKS).map_err(|_| {
        Error::invalid("tasks", format!("must hold at most {} tasks", limits::SUBMIT_TASKS))
    })?;
    let read = |(place, record): (usize, Box<RawValue>)| {
        let place = || format!("tasks[{place}]");
        let spec = TaskSpec::from_wire(record.get()).map_err(|error| within(&place(), error))?;
        limits::check_spec(&spec).map_err(|error| within(&place(), error))?;
        Ok(spec)
    };
    tasks.into_iter().enumerate().map(read).collect()
}

/// The error with its field seen from the whole body, where the record stands at `place`.
pub(crate) fn within(place: &str, error: Error) -> Error {
    let path = |field: String| match (place, field.as_str()) {
        // The record itself is wrong.
        (place, "task") => place.to_owned(),
        ("body", _) => field,
        (place, _) => format!("{place}.{field}"),
    };
    match error {
        Error::InvalidArgument { field, reason } => {
            Error::InvalidArgument { field: path(field), reason }
        }
        Error::InvalidPayload { field, reason } => {
            Error::InvalidPayload { field: path(field), reason }
        }
        Error::PayloadTooLarge { field, size_bytes, limit_bytes } => {
            Error::PayloadTooLarge { field: path(field), size_bytes, limit_bytes }
        }
        other => other,
    }
}

/// A full queue is told at once: the client has the deadline, and backs off.
pub(crate) const fn at_once(batch: bool) -> SubmitOptions {
    SubmitOptions { batch, patience: Duration::ZERO }
}

/// 201 when something new was stored.
fn status<'a>(submissions: impl IntoIterator<Item = &'a Submission>) -> StatusCode {
    let mut submissions = submissions.into_iter().peekable();
    let new = submissions.peek().is_none() || submissions.any(|one| !one.deduplicated);
    if new { StatusCode::CREATED } else { StatusCode::OK }
}

/// Adds what the headers say of the task.
fn with_headers(spec: &mut TaskSpec, headers: &HeaderMap) -> Result<()> {
    header_key(&mut spec.idempotency_key, headers)?;
    if let (None, Some(value)) = (&spec.traceparent, headers.get("traceparent")) {
        spec.traceparent = value.to_str().ok().map(str::to_owned);
    }
    Ok(())
}

/// Adds the key that the header names.
///
/// # Errors
///
/// `invalid_argument` when it is no key, or not the one that is `given`.
pub(crate) fn header_key(given: &mut Option<String>, headers: &HeaderMap) -> Result<()> {
    let mut keys = headers.get_all("idempotency-key").iter();
    let Some(value) = keys.next() else { return Ok(()) };
    if keys.next().is_some() {
        return Err(Error::invalid("idempotency_key", "the header is given twice"));
    }
    let bad = || Error::invalid("idempotency_key", "the header is no RFC 8941 string");
    let key = key(value.to_str().map_err(|_| bad())?).ok_or_else(bad)?;
    if given.as_ref().is_some_and(|given| *given != key) {
        let reason = "the header Idempotency-Key and the body name different keys";
        return Err(Error::invalid("idempotency_key", reason));
    }
    *given = Some(key);
    Ok(())
}

/// The key in a header: a string in quotes with `\"` and `\\` (RFC 8941), or bare text.
fn key(text: &str) -> Option<String> {
    let Some(quoted) = text.strip_prefix('"') else { return Some(text.to_owned()) };
    let mut key = String::new();
    let mut chars = quoted.chars();
    loop {
        match chars.next()? {
            '"' => return chars.next().is_none().then_some(key),
            '\\' => key.push(chars.next().filter(|c| matches!(c, '"' | '\\'))?),
            other => key.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_with_and_without_quotes() {
        for (text, expected) in [
            ("abc", Some("abc")),
            ("\"abc\"", Some("abc")),
            (r#""a\"b\\c""#, Some(r#"a"b\c"#)),
            ("\"abc", None),
            ("\"abc\"d", None),
            (r#""a\b""#, None),
            ("\"\"", Some("")),
        ] {
            assert_eq!(key(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_record_that_is_wrong_is_named_by_its_place() {
        for (body, code, field) in [
            (r#"{"tasks":[{},{"priority":9}]}"#, "invalid_argument", "tasks[1].priority"),
            (r#"{"tasks":[{},{},7]}"#, "invalid_argument", "tasks[2]"),
            (r#"{"tasks":[{"queue":""}]}"#, "invalid_argument", "tasks[0].queue"),
            (r#"{"tasks":[{"payload":{"a":1,"a":2}}]}"#, "invalid_payload", "tasks[0].payload"),
            (r#"{"tasks":[],"x":1}"#, "invalid_argument", "x"),
            (r#"{"tasks":7}"#, "invalid_argument", "tasks"),
            (r"{}", "invalid_argument", "tasks"),
            (r#"{"tasks":[{}"#, "invalid_argument", "body"),
        ] {
            let error = records(body.as_bytes()).unwrap_err();
            let named = error.fields()["field"].as_str().map(str::to_owned);
            assert_eq!((error.code(), named.as_deref()), (code, Some(field)), "{body}");
        }
    }
}

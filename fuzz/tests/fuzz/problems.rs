//! Errors on the wire: what one side tells the other reads, and whatever a stranger answers becomes an
//! error of the table.

use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use windlass::words::{ErrorBody, Problem};
use windlass::{Error, Timestamp};
use windlass_fuzz::text::{any_text, mutated};
use windlass_fuzz::{corpus, json as texts, target};

use super::hold;

fn duration() -> impl Strategy<Value = Duration> {
    (0u64..10_000_000).prop_map(Duration::from_millis)
}

fn error() -> impl Strategy<Value = Error> {
    let text = || any_text(8);
    let id = "0198c000-0000-7000-8000-00000000000";
    let id = (0..9u8).prop_map(move |n| format!("{id}{n}").parse().expect("an id"));
    prop_oneof![
        (text(), text()).prop_map(|(field, reason)| Error::InvalidArgument { field, reason }),
        (text(), text()).prop_map(|(field, reason)| Error::InvalidPayload { field, reason }),
        (text(), any::<u32>(), any::<u32>()).prop_map(|(field, size, limit)| {
            let (size_bytes, limit_bytes) = (size.into(), limit.into());
            Error::PayloadTooLarge { field, size_bytes, limit_bytes }
        }),
        text().prop_map(|task_id| Error::TaskNotFound { task_id }),
        text().prop_map(|batch_id| Error::BatchNotFound { batch_id }),
        text().prop_map(|pipeline_id| Error::PipelineNotFound { pipeline_id }),
        (text(), id.clone()).prop_map(|(key, task_id)| Error::IdempotencyConflict { key, task_id }),
        (text(), any::<u32>(), duration()).prop_map(|(queue, limit, retry_after)| {
            Error::QueueFull { queue, limit: limit.into(), retry_after }
        }),
        id.clone().prop_map(|task_id| Error::LeaseLost { task_id }),
        id.prop_map(|task_id| Error::TaskCancelled { task_id }),
        (text(), duration())
            .prop_map(|(reason, retry_after)| Error::ServiceUnavailable { reason, retry_after }),
        (400u16..600, text()).prop_map(|(status_code, reason)| Error::Api { status_code, reason }),
        text().prop_map(|reason| Error::Authentication { reason }),
        text().prop_map(|feature| Error::NotImplemented { feature }),
        text().prop_map(|reason| Error::Internal { reason }),
        (text(), text()).prop_map(|(location, reason)| Error::InvalidStore { location, reason }),
        Just(Error::ClientClosed),
    ]
}

#[test]
fn problems_are_read_as_written() {
    let inputs = (error(), proptest::option::of(any_text(4)));
    target::fuzz("problems_are_read_as_written", 200, inputs, |(error, request)| {
        let problem = Problem::of(&error, Timestamp::from_millis(0), request.as_deref());
        let text = serde_json::to_string(&problem).map_err(|e| e.to_string())?;
        let read: Problem = serde_json::from_str(&text).map_err(|e| e.to_string())?;
        hold!(read == problem, "is read as {read:?}");
        let again = read.error.into_error(problem.status);
        hold!(
            again.code() == error.code() && again.fields() == error.fields(),
            "became {again:?} with {:?}",
            again.fields()
        );
        Ok(())
    });
}

fn becomes_an_error(text: &str) -> Result<(), String> {
    let Ok(problem) = serde_json::from_str::<Problem>(text) else { return Ok(()) };
    let code = problem.code.clone();
    let error = problem.error.clone().into_error(problem.status);
    let known = error.code() == problem.error.code || error.code() == "api_error";
    hold!(known, "{code} became {}", error.code());
    // What was read can be told on.
    let told = ErrorBody::of(&error, Timestamp::from_millis(0), None);
    hold!(told.code == error.code(), "told as {}", told.code);
    Ok(())
}

#[test]
fn problems_corpus() {
    for entry in corpus::entries() {
        let text = serde_json::to_string(&entry.text).expect("text");
        let body = json!({ "code": entry.text, "message": entry.text, "details": {} });
        let problem = json!({
            "type": "", "title": "", "status": 500, "detail": "", "code": "internal", "error": body,
        });
        for text in [text, entry.text.clone(), problem.to_string()] {
            if let Err(reason) = becomes_an_error(&text) {
                panic!("{}: {reason}", entry.name);
            }
        }
    }
}

#[test]
fn problems_of_any_kind_become_errors() {
    let codes = &[
        "invalid_argument",
        "queue_full",
        "lease_lost",
        "idempotency_conflict",
        "invalid_transition",
        "task_failed",
        "rate_limited",
        "no_such_code",
    ][..];
    let key = proptest::sample::select(
        &["field", "reason", "task_id", "key", "queue", "limit", "retry_after_seconds", "error"][..],
    );
    let details = proptest::collection::vec((key, texts::value()), 0..5);
    let inputs = (proptest::sample::select(codes), details, any::<u16>());
    let problem = inputs.prop_map(|(code, details, status)| {
        let details: Map<String, Value> =
            details.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        let body = json!({ "code": code, "message": "m", "details": details });
        json!({
            "type": "t", "title": "t", "status": status, "detail": "d", "code": code, "error": body,
        })
        .to_string()
    });
    target::fuzz("problems_of_any_kind_become_errors", 200, mutated(problem), |text| {
        becomes_an_error(&text)
    });
}

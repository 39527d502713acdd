//! A task to submit: its record is read whole or refused by a field's name; what is read is what was
//! written; the limits can be asked about whatever was read.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::collection::{btree_map, vec};
use proptest::option::of;
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use windlass::rules::limits::check_spec;
use windlass::{Payload, Priority, RetryOptions, TaskSpec, Timestamp};
use windlass_fuzz::text::{any_text, mutated};
use windlass_fuzz::{corpus, json as texts, oracle, target};

use super::hold;

fn reads(text: &str) -> Result<(), String> {
    match TaskSpec::from_wire(text) {
        Ok(spec) => {
            // The record is one level around its payload.
            hold!(
                oracle::is_strict_json(text, oracle::LEVELS + 1),
                "taken, but it is no strict JSON"
            );
            if let Ok(object) = serde_json::from_str::<Map<String, Value>>(text) {
                let payload = object.get("payload").unwrap_or(&Value::Null);
                let read: Value = spec.payload.read("payload").map_err(|e| e.to_string())?;
                hold!(read == *payload, "payload {read}");
            }
            if let Err(error) = check_spec(&spec) {
                hold!(is_refusal(error.code()), "code {}", error.code());
            }
        }
        Err(error) => {
            hold!(is_refusal(error.code()), "code {}", error.code());
            hold!(error.fields()["field"].is_string(), "no field in {:?}", error.fields());
        }
    }
    Ok(())
}

fn is_refusal(code: &str) -> bool {
    ["invalid_argument", "invalid_payload", "payload_too_large"].contains(&code)
}

#[test]
fn specs_corpus() {
    for entry in corpus::entries() {
        let key = serde_json::to_string(&entry.text).expect("text");
        let text = &entry.text;
        let records = [
            text.clone(),
            format!(r#"{{"payload":{text}}}"#),
            format!(r#"{{"priority":{text}}}"#),
            format!(r#"{{"labels":{{{key}:{key}}}}}"#),
            format!(r#"{{"labels":{text}}}"#),
            format!(r#"{{"run_at":{key}}}"#),
            format!(r#"{{"delay_seconds":{text}}}"#),
            format!(r#"{{"retry":{text}}}"#),
            format!(r#"{{{key}:1}}"#),
        ];
        for record in records {
            if let Err(reason) = reads(&record) {
                panic!("{}: {reason}", entry.name);
            }
        }
    }
}

/// Names of the record, and two that it does not have.
const FIELDS: [&str; 17] = [
    "task_type",
    "payload",
    "queue",
    "priority",
    "run_at",
    "delay_seconds",
    "timeout_seconds",
    "max_retries",
    "retry",
    "idempotency_key",
    "labels",
    "metadata",
    "traceparent",
    "state_key",
    "initial_state",
    "prio",
    "tenant",
];

#[test]
fn specs_of_any_text() {
    let value = prop_oneof![
        texts::json_text(),
        any::<u32>().prop_map(|n| n.to_string()),
        Just("null".to_owned()),
        Just("\"high\"".to_owned()),
        Just("\"2026-11-20T13:00:00Z\"".to_owned()),
        Just(r#"{"jitter":0.5,"max_retries":-1}"#.to_owned()),
    ];
    let field = (proptest::sample::select(&FIELDS[..]), value)
        .prop_map(|(name, value)| format!("\"{name}\":{value}"));
    let record = vec(field, 0..6).prop_map(|fields| format!("{{{}}}", fields.join(",")));
    target::fuzz("specs_of_any_text", 300, mutated(record), |text| reads(&text));
}

/// Whole milliseconds, up to a month: beyond, a double is read to the nanosecond below or above.
fn seconds() -> impl Strategy<Value = Duration> {
    (0u64..2_000_000_000).prop_map(Duration::from_millis)
}

fn retry() -> impl Strategy<Value = RetryOptions> {
    (of(0u32..2000), of(seconds()), of(0.0..200.0), of(seconds()), of(0.0..2.0), of(any::<bool>()))
        .prop_map(
            |(
                max_retries,
                initial_delay,
                exponential_base,
                max_delay,
                jitter,
                retry_on_timeout,
            )| {
                RetryOptions {
                    max_retries,
                    initial_delay,
                    exponential_base,
                    max_delay,
                    jitter,
                    retry_on_timeout,
                }
            },
        )
}

fn payload() -> impl Strategy<Value = Payload> {
    texts::value().prop_map(Payload::from)
}

fn spec() -> impl Strategy<Value = TaskSpec> {
    let names = (any_text(10), any_text(10), proptest::sample::select(&Priority::ALL[..]));
    let times = (
        of((0i64..250_000_000_000_000).prop_map(Timestamp::from_millis)),
        of(seconds()),
        of(seconds()),
    );
    let texts = (of(any_text(9)), of(any_text(9)), of(any_text(9)));
    let labels = btree_map(any_text(4), any_text(4), 0..6);
    (names, times, texts, labels, retry(), payload(), of(payload()), of(payload())).prop_map(
        |(names, times, texts, labels, retry, payload, metadata, initial_state)| TaskSpec {
            task_type: names.0,
            queue: names.1,
            priority: names.2,
            run_at: times.0,
            delay: times.1,
            timeout: times.2,
            idempotency_key: texts.0,
            traceparent: texts.1,
            state_key: texts.2,
            labels,
            retry,
            payload,
            // A `null` stands for left out.
            metadata: metadata.filter(|p| p.as_str() != "null"),
            initial_state: initial_state.filter(|p| p.as_str() != "null"),
        },
    )
}

/// The record as a client of another language would write it.
fn record(spec: &TaskSpec) -> Value {
    let seconds = |d: Option<Duration>| d.map(|d| d.as_secs_f64());
    json!({
        "task_type": spec.task_type,
        "queue": spec.queue,
        "priority": spec.priority.number(),
        "run_at": spec.run_at.map(|at| at.to_string()),
        "delay_seconds": seconds(spec.delay),
        "timeout_seconds": seconds(spec.timeout),
        "idempotency_key": spec.idempotency_key,
        "traceparent": spec.traceparent,
        "state_key": spec.state_key,
        "labels": spec.labels,
        "retry": {
            "max_retries": spec.retry.max_retries,
            "initial_delay_seconds": seconds(spec.retry.initial_delay),
            "exponential_base": spec.retry.exponential_base,
            "max_delay_seconds": seconds(spec.retry.max_delay),
            "jitter": spec.retry.jitter,
            "retry_on_timeout": spec.retry.retry_on_timeout,
        },
        "payload": spec.payload.read::<Value>("payload").expect("JSON"),
        "metadata": spec.metadata.as_ref().map(|p| p.read::<Value>("metadata").expect("JSON")),
        "initial_state": spec.initial_state.as_ref().map(|p| p.read::<Value>("state").expect("JSON")),
    })
}

#[test]
fn specs_are_read_as_written() {
    target::fuzz("specs_are_read_as_written", 60, (spec(), any::<u64>()), |(spec, seed)| {
        let record = record(&spec);
        let read = TaskSpec::from_wire(&record.to_string()).map_err(|e| e.to_string())?;
        hold!(read == spec, "is read as {read:?}");
        // The same in another order and spelling, with the payload as it stands.
        let spelled = texts::spell(&record, &mut texts::Draw(seed));
        reads(&spelled)?;
        check_spec(&spec)
            .or_else(|e| if is_refusal(e.code()) { Ok(()) } else { Err(e.to_string()) })
    });
}

#[test]
fn specs_take_labels_of_scalars() {
    let labels = btree_map(any_text(3), texts::value(), 0..4);
    target::fuzz("specs_take_labels_of_scalars", 60, labels, |labels| {
        let given = TaskSpec::from_wire(&json!({ "labels": labels }).to_string());
        let scalars: Option<BTreeMap<_, _>> = labels
            .into_iter()
            .map(|(key, value)| match value {
                Value::String(text) => Some((key, text)),
                Value::Number(_) | Value::Bool(_) => Some((key, value.to_string())),
                _ => None,
            })
            .collect();
        match (given, scalars) {
            (Ok(spec), Some(labels)) => hold!(spec.labels == labels, "labels {:?}", spec.labels),
            (Err(error), None) => hold!(error.fields()["field"] == "labels", "{error}"),
            (given, _) => return Err(format!("{given:?}")),
        }
        Ok(())
    });
}

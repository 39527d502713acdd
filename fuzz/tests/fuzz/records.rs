//! Records of the wire: any text is taken or refused, and what was taken is written so that it is read
//! as the same.

use std::fmt::Debug;

use proptest::collection::vec;
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use windlass::rules::limits::{check_lease, check_retry, check_update};
use windlass::{
    Filter, LeaseRequest, Leased, NewUpdate, Page, Renewal, Renewed, RetryOptions, Settle, Settled,
    Submission, Task, TaskError, Update, Why, WorkerInfo,
};
use windlass_fuzz::text::mutated;
use windlass_fuzz::{corpus, json, target};

use super::hold;

/// Whether the text is such a record; an error when it is and does not survive its own writing.
fn stable<T: Serialize + DeserializeOwned + PartialEq + Debug>(text: &str) -> Result<bool, String> {
    let Ok(record) = serde_json::from_str::<T>(text) else { return Ok(false) };
    let written = serde_json::to_string(&record).map_err(|e| format!("{record:?}: {e}"))?;
    let again: T = serde_json::from_str(&written).map_err(|e| format!("{written}: {e}"))?;
    hold!(again == record, "{record:?} is written as {written} and read as {again:?}");
    Ok(true)
}

/// Every kind of record; how many of them the text is.
fn all(text: &str) -> Result<u32, String> {
    if let Ok(request) = serde_json::from_str::<LeaseRequest>(text) {
        let _ = check_lease(&request);
    }
    if let Ok(update) = serde_json::from_str::<NewUpdate>(text) {
        let _ = check_update(&update);
    }
    if let Ok(options) = serde_json::from_str::<RetryOptions>(text) {
        let _ = check_retry(&options);
    }
    let kinds = [
        stable::<Filter>(text)?,
        stable::<LeaseRequest>(text)?,
        stable::<Leased>(text)?,
        stable::<NewUpdate>(text)?,
        stable::<Page>(text)?,
        stable::<Renewal>(text)?,
        stable::<Renewed>(text)?,
        stable::<RetryOptions>(text)?,
        stable::<Settle>(text)?,
        stable::<Settled>(text)?,
        stable::<Submission>(text)?,
        stable::<Task>(text)?,
        stable::<TaskError>(text)?,
        stable::<Update>(text)?,
        stable::<Why>(text)?,
        stable::<WorkerInfo>(text)?,
    ];
    Ok(kinds.iter().map(|is| u32::from(*is)).sum())
}

#[test]
fn records_corpus() {
    for entry in corpus::entries() {
        if let Err(reason) = all(&entry.text) {
            panic!("{}: {reason}", entry.name);
        }
    }
}

const ID: &str = "\"0192f0c9-b4d8-7d3a-a5b3-a1f0e4c2d971\"";
const INSTANT: &str = "\"2026-11-20T13:00:00.250Z\"";
const UPDATES: &str =
    r#"[{"kind":"progress","progress":50.5},{"kind":"log","message":"x","level":"debug"}]"#;
const ERROR: &str = r#"{"code":"handler_error","message":"😀","retryable":false}"#;
const RETRY: &str = r#"{"max_retries":3,"initial_delay_seconds":0.25,"jitter":0.1}"#;

/// A record's name, its fields with a value that each takes, and whether its type keeps them.
type Known = (&'static str, &'static [&'static str], fn(&str) -> Result<(), String>);

const KNOWN: [Known; 15] = [
    (
        "filter",
        &[
            "\"status\":[\"pending\",\"failed\"]",
            "\"task_type\":\"t\"",
            "\"queue\":null",
            "\"labels\":{\"a\":\"b\"}",
            "\"batch_id\":ID",
            "\"since\":INSTANT",
            "\"error\":\"%\"",
        ],
        keeps::<Filter>,
    ),
    (
        "lease",
        &[
            "\"worker\":\"w\"",
            "\"queues\":[\"q\"]",
            "\"handlers\":[\"\"]",
            "\"limit\":7",
            "\"lease_seconds\":60.5",
            "\"wait_seconds\":1e1",
            "\"suspects\":false",
        ],
        keeps::<LeaseRequest>,
    ),
    (
        "renewal",
        &[
            "\"task_id\":ID",
            "\"token\":ID",
            "\"lease_seconds\":3600",
            "\"started_seconds_ago\":0.001",
            "\"updates\":UPDATES",
        ],
        keeps::<Renewal>,
    ),
    (
        "complete",
        &[
            "\"task_id\":ID",
            "\"token\":ID",
            "\"outcome\":\"complete\"",
            "\"result\":{\"b\":1e2}",
            "\"started_seconds_ago\":2",
            "\"updates\":UPDATES",
            "\"declared\":RETRY",
        ],
        keeps::<Settle>,
    ),
    (
        "fail",
        &[
            "\"task_id\":ID",
            "\"token\":ID",
            "\"outcome\":\"fail\"",
            "\"error\":ERROR",
            "\"updates\":[]",
        ],
        keeps::<Settle>,
    ),
    (
        "retry",
        &[
            "\"task_id\":ID",
            "\"token\":ID",
            "\"outcome\":\"retry\"",
            "\"error\":ERROR",
            "\"after_seconds\":0.3",
        ],
        keeps::<Settle>,
    ),
    (
        "snooze",
        &["\"task_id\":ID", "\"token\":ID", "\"outcome\":\"snooze\"", "\"after_seconds\":86400"],
        keeps::<Settle>,
    ),
    (
        "cancel",
        &["\"task_id\":ID", "\"token\":ID", "\"outcome\":\"cancel\"", "\"reason\":\"no\""],
        keeps::<Settle>,
    ),
    (
        "status",
        &[
            "\"task_id\":ID",
            "\"seq\":3",
            "\"at\":INSTANT",
            "\"kind\":\"status\"",
            "\"status\":\"completed\"",
            "\"attempt\":1",
            "\"result\":[1, 2]",
            "\"error\":ERROR",
            "\"message\":\"m\"",
        ],
        keeps::<Update>,
    ),
    (
        "progress",
        &[
            "\"task_id\":ID",
            "\"seq\":18446744073709551615",
            "\"at\":INSTANT",
            "\"kind\":\"progress\"",
            "\"progress\":99.9",
        ],
        keeps::<Update>,
    ),
    (
        "log",
        &[
            "\"task_id\":ID",
            "\"seq\":1",
            "\"at\":INSTANT",
            "\"kind\":\"log\"",
            "\"level\":\"error\"",
            "\"message\":\"\"",
        ],
        keeps::<Update>,
    ),
    (
        "resync",
        &[
            "\"task_id\":ID",
            "\"seq\":9",
            "\"at\":INSTANT",
            "\"kind\":\"resync\"",
            "\"status\":\"running\"",
            "\"progress\":0.1",
        ],
        keeps::<Update>,
    ),
    (
        "task",
        &[
            "\"task_id\":ID",
            "\"tenant\":\"default\"",
            "\"queue\":\"q\"",
            "\"task_type\":\"t\"",
            "\"handler\":\"t\"",
            "\"payload\":{\"a\": [1]}",
            "\"priority\":5",
            "\"status\":\"running\"",
            "\"run_at\":INSTANT",
            "\"created_at\":INSTANT",
            "\"attempt\":2",
            "\"last_seq\":4",
            "\"first_seq\":1",
            "\"version\":9",
            "\"timeout_seconds\":0.5",
            "\"retry\":RETRY",
            "\"labels\":{\"a\":\"\"}",
            "\"metadata\":{\"b\":null}",
            "\"error\":ERROR",
            "\"result\":\"r\"",
            "\"progress\":1.5",
            "\"lease\":{\"worker\":\"w\",\"expires_at\":INSTANT,\"counted\":true}",
            "\"finished_at\":INSTANT",
        ],
        keeps::<Task>,
    ),
    (
        "worker",
        &[
            "\"worker_id\":\"w\"",
            "\"queues\":[]",
            "\"handlers\":[\"a\",\"b\"]",
            "\"concurrency\":8",
            "\"host\":\"h\"",
            "\"seen_at\":INSTANT",
            "\"declared\":{\"a\":RETRY}",
            "\"metadata\":{}",
        ],
        keeps::<WorkerInfo>,
    ),
    (
        "why",
        &[
            "\"task_id\":ID",
            "\"status\":\"pending\"",
            "\"reason\":\"behind\"",
            "\"text\":\"\"",
            "\"ahead\":12",
            "\"until\":INSTANT",
            "\"worker\":\"w\"",
        ],
        keeps::<Why>,
    ),
];

fn filled(field: &str) -> String {
    [("ID", ID), ("INSTANT", INSTANT), ("UPDATES", UPDATES), ("ERROR", ERROR), ("RETRY", RETRY)]
        .iter()
        .fold(field.to_owned(), |text, (name, value)| {
            text.replace(&format!(":{name}"), &format!(":{value}"))
        })
}

/// Whether such a record is written with every field that it was read with.
fn keeps<T: Serialize + DeserializeOwned>(text: &str) -> Result<(), String> {
    let record: T = serde_json::from_str(text).map_err(|e| format!("{text}: {e}"))?;
    let written = serde_json::to_value(&record).map_err(|e| e.to_string())?;
    let given: Map<String, Value> = serde_json::from_str(text).map_err(|e| e.to_string())?;
    for (name, value) in given {
        // 10 and 10.0 are one number of seconds.
        let same = match (value.as_f64(), written[&name].as_f64()) {
            (Some(given), Some(written)) => given == written,
            _ => includes(&written[&name], &value),
        };
        hold!(same, "{name} was {value} and is {}", written[&name]);
    }
    Ok(())
}

/// Whether a value holds all of another; objects may have more.
fn includes(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => {
            part.iter().all(|(key, value)| whole.get(key).is_some_and(|w| includes(w, value)))
        }
        (Value::Array(whole), Value::Array(part)) => {
            whole.len() == part.len() && whole.iter().zip(part).all(|(w, p)| includes(w, p))
        }
        _ => whole == part,
    }
}

#[test]
fn records_whole_are_taken() {
    for (name, fields, keeps) in KNOWN {
        let fields: Vec<_> = fields.iter().map(|field| filled(field)).collect();
        let text = format!("{{{}}}", fields.join(","));
        if let Err(reason) = keeps(&text).and_then(|()| all(&text)) {
            panic!("{name}: {reason}");
        }
    }
}

#[test]
fn records_of_any_text() {
    let known = proptest::sample::select(&KNOWN[..]).prop_flat_map(|(_, fields, _)| {
        let junk =
            (proptest::sample::select(fields), json::json_text()).prop_map(|(field, value)| {
                let name = field.split(':').next().unwrap_or_default();
                format!("{name}:{value}")
            });
        // Most fields most of the time, some with another value or twice.
        (vec(any::<u8>(), fields.len()), vec(junk, 0..3)).prop_map(move |(keep, junk)| {
            let kept =
                fields.iter().zip(keep).filter(|(_, n)| *n > 12).map(|(field, _)| filled(field));
            format!("{{{}}}", kept.chain(junk).collect::<Vec<_>>().join(","))
        })
    });
    let text = prop_oneof![6 => mutated(known), 1 => json::almost_json()];
    target::fuzz("records_of_any_text", 400, text, |text| all(&text).map(drop));
}

#[test]
fn records_keep_their_seconds() {
    let seconds =
        prop_oneof![0.0..1.0, 0.0..4000.0, 0.0..316_224_000.0, any::<f64>().prop_map(f64::abs)];
    target::fuzz("records_keep_their_seconds", 150, seconds, |seconds| {
        let text = format!(r#"{{"initial_delay_seconds":{seconds:e}}}"#);
        stable::<RetryOptions>(&text).map(drop)
    });
}

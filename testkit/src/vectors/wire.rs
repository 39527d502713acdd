//! Cases of records: what is read and written.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use windlass::{Filter, LeaseRequest, Renewal, Settle, TaskError, TaskSpec, Update, WorkerInfo};

use super::file::{Case, VectorFile};
use super::value::matches;

/// Runs a case of the file's record: `text` is read; `out` is the record as written again, `refused`
/// is true when it cannot be read, and `error` is the refusal where it has a code.
pub(super) fn run(file: &VectorFile, case: &Case) -> Result<(), String> {
    let text = case.rest.get("text").and_then(Value::as_str).ok_or("the case has no text")?;
    let answer = match file.function.as_str() {
        "task_spec" => spec(text),
        "settle" => again::<Settle>(text),
        "renewal" => again::<Renewal>(text),
        "lease_request" => again::<LeaseRequest>(text),
        "update" => again::<Update>(text),
        "filter" => again::<Filter>(text),
        "task_error" => again::<TaskError>(text),
        "worker" => again::<WorkerInfo>(text),
        other => return Err(format!("there is no record {other:?}")),
    };
    let refused = case.rest.get("refused").and_then(Value::as_bool).unwrap_or(false);
    match (answer, case.rest.get("out"), case.rest.get("error"), refused) {
        (Ok(given), Some(want), None, false) => matches(want, &given, "out"),
        (Err(Some(given)), None, Some(want), false) => matches(want, &given, "error"),
        (Err(_), None, None, true) => Ok(()),
        (Ok(given), None, _, _) => Err(format!("it was read as {given}")),
        (Err(error), Some(_), ..) => Err(format!("it was refused: {error:?}")),
        _ => Err("a case expects one of out, error and refused".to_owned()),
    }
}

/// The record as written again, or the error's record if it has one.
type Answer = Result<Value, Option<Value>>;

fn again<T: DeserializeOwned + Serialize>(text: &str) -> Answer {
    let record: T = serde_json::from_str(text).map_err(|_| None)?;
    let text = serde_json::to_string(&record).map_err(|_| None)?;
    serde_json::from_str(&text).map_err(|_| None)
}

fn spec(text: &str) -> Answer {
    let spec = TaskSpec::from_wire(text)
        .map_err(|e| Some(json!({ "code": e.code(), "fields": e.fields() })))?;
    let seconds = |d: Option<std::time::Duration>| d.map(|d| d.as_secs_f64());
    let json_of = |p: &windlass::Payload| p.as_str().to_owned();
    Ok(json!({
        "task_type": spec.task_type,
        "queue": spec.queue,
        "priority": spec.priority.number(),
        "payload_text": json_of(&spec.payload),
        "run_at": spec.run_at.map(|at| at.to_string()),
        "delay_seconds": seconds(spec.delay),
        "timeout_seconds": seconds(spec.timeout),
        "retry": spec.retry,
        "idempotency_key": spec.idempotency_key,
        "labels": spec.labels,
        "metadata_text": spec.metadata.as_ref().map(json_of),
        "traceparent": spec.traceparent,
        "state_key": spec.state_key,
        "initial_state_text": spec.initial_state.as_ref().map(json_of),
    }))
}

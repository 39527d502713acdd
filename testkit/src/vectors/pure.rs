//! Cases of functions: what goes in, what comes out.

use serde_json::{Value, json};
use windlass::rules::{fingerprint, handler};
use windlass::{
    Cursor, Error, Payload, Priority, RetryOptions, RetryPolicy, TaskId, TaskSpec, TaskStatus,
};

use super::calls;
use super::file::Case;
use super::steps;
use super::value::{Saved, matches, resolve};

/// Runs a case on a function: `in`, and `out` or `error`.
pub(super) fn run(
    case: &Case,
    function: impl Fn(&Value) -> Result<Value, Error>,
) -> Result<(), String> {
    let input = case.rest.get("in").ok_or("the case has no in")?;
    let input = resolve(input, &Saved::new())?;
    let answer = function(&input);
    match (answer, case.rest.get("out"), case.rest.get("error")) {
        (Ok(given), Some(want), None) => matches(want, &given, "out"),
        (Err(error), None, Some(want)) => {
            let given = json!({ "code": error.code(), "fields": error.fields() });
            matches(want, &given, "error")
        }
        (Ok(given), None, Some(want)) => Err(format!("expected the error {want}, got {given}")),
        (Err(error), Some(_), None) => Err(format!("{}: {error}", error.code())),
        _ => Err("a case expects either out or error".to_owned()),
    }
}

/// Calls one of core's functions.
pub(super) fn call(function: &str, input: &Value) -> Result<Value, Error> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    match function {
        "backoff" => {
            let options: RetryOptions = serde_json::from_value(input["retry"].clone())
                .map_err(|e| Error::internal(e.to_string()))?;
            let policy = RetryPolicy::resolve(options, RetryOptions::default());
            let chance = input["chance"].as_f64().unwrap_or(0.5);
            let delay = policy.delay(input["n"].as_u64().unwrap_or(0) as u32, chance);
            Ok(json!(delay.as_secs_f64()))
        }
        "same_request" => {
            let print = |side: &Value| {
                let spec = TaskSpec::from_wire(&side.to_string())?;
                fingerprint::of(&spec.task_type, &spec.queue, &spec.payload)
            };
            Ok(json!(print(&input["a"])? == print(&input["b"])?))
        }
        "canonical" => {
            let payload = Payload::new("payload", text(input))?;
            Ok(json!(String::from_utf8_lossy(&fingerprint::canonical(&payload)?)))
        }
        "json" => {
            let text = input.as_str().map_or_else(|| input.to_string(), str::to_owned);
            Payload::new("payload", text).map(|_| Value::Null)
        }
        "priority" => {
            let spec = TaskSpec::from_wire(&json!({ "priority": input }).to_string())?;
            Ok(json!(spec.priority.number()))
        }
        "priority_name" => {
            let number = input.as_i64().unwrap_or_default();
            Ok(json!(Priority::from_number(number)?.name()))
        }
        "handler" => {
            let spec = TaskSpec::from_wire(&input.to_string())?;
            Ok(json!(handler::of(&spec.task_type, &spec.payload)))
        }
        "next_statuses" => {
            let status: TaskStatus = text(input).parse()?;
            Ok(json!(status.next()))
        }
        "cursor" => {
            let cursor = match input.get("after") {
                Some(id) => Cursor { after: TaskId::parse(&text(id))? },
                None => text(input).parse()?,
            };
            Ok(json!({ "text": cursor.to_string(), "after": cursor.after.to_string() }))
        }
        "instant" => {
            let at: windlass::Timestamp = text(input).parse()?;
            Ok(json!({ "text": at.to_string(), "millis": at.as_millis() }))
        }
        "call_retry" => calls::retry(input),
        "breaker" => calls::breaker(input),
        "block" => steps::machine(input),
        "verdict" => steps::verdict(input),
        "concurrency" => Ok(steps::concurrency(input)),
        "batch_size" => Ok(steps::batch_size(input)),
        other => Err(Error::internal(format!("there is no function {other:?}"))),
    }
}

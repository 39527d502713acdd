//! Cases of the rules about calls: when one is repeated, and when none is made.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::{Value, json};
use windlass::rules::call::CallFailure;
use windlass::{Breaker, BreakerConfig, Error, RetryConfig};

/// The pause before a call is repeated.
pub(super) fn retry(input: &Value) -> Result<Value, Error> {
    let mut config = RetryConfig::default();
    for (field, value) in object(&input["config"]) {
        match field.as_str() {
            "max_retries" => config.max_retries = whole(value),
            "initial_delay" => config.initial_delay = seconds(value)?,
            "max_delay" => config.max_delay = seconds(value)?,
            "exponential_base" => config.exponential_base = number(value),
            "jitter" => config.jitter = number(value),
            "retryable_errors" => {
                let statuses = value.as_array().into_iter().flatten();
                config.retryable_errors = statuses.map(|status| whole(status) as u16).collect();
            }
            other => return Err(unknown(other)),
        }
    }
    config.check()?;
    let failure = CallFailure {
        status: input["status"].as_u64().map(|status| status as u16),
        retry_after: input.get("retry_after").map(seconds).transpose()?,
        repeatable: input["repeatable"].as_bool().unwrap_or(true),
    };
    let chance = input["chance"].as_f64().unwrap_or(0.5);
    let pause = config.next(whole(&input["tries"]), &failure, chance);
    Ok(json!(pause.map(|pause| pause.as_secs_f64())))
}

/// What a breaker does, step by step.
pub(super) fn breaker(input: &Value) -> Result<Value, Error> {
    let mut config = BreakerConfig::default();
    for (field, value) in object(&input["config"]) {
        match field.as_str() {
            "failure_threshold" => config.failure_threshold = whole(value),
            "success_threshold" => config.success_threshold = whole(value),
            "timeout" => config.timeout = seconds(value)?,
            other => return Err(unknown(other)),
        }
    }
    let mut breaker = Breaker::new("case", config)?;
    let mut permits = HashMap::new();
    let mut told = Vec::new();
    for step in input["steps"].as_array().into_iter().flatten() {
        let now = seconds(&step["at"])?;
        let mut refused = None;
        for (verb, name) in object(step).filter(|(verb, _)| *verb != "at") {
            let name = name.to_string();
            if verb == "call" {
                match breaker.try_call(now) {
                    Ok(permit) => drop(permits.insert(name, permit)),
                    Err(Error::CircuitBreakerOpen { retry_after, .. }) => {
                        refused = Some(retry_after.as_secs_f64());
                    }
                    Err(error) => return Err(error),
                }
                continue;
            }
            let permit = permits.remove(&name).ok_or_else(|| unknown(&name))?;
            match verb.as_str() {
                "good" => breaker.succeeded(permit),
                "bad" => breaker.failed(permit, now),
                "drop" => breaker.released(permit),
                other => return Err(unknown(other)),
            }
        }
        let mut line = vec![json!(breaker.state().as_str()), json!(breaker.failure_count())];
        line.extend(refused.map(|after| json!(after)));
        told.push(Value::Array(line));
    }
    Ok(Value::Array(told))
}

fn object(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn whole(value: &Value) -> u32 {
    value.as_u64().and_then(|number| u32::try_from(number).ok()).unwrap_or_default()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_default()
}

fn seconds(value: &Value) -> Result<Duration, Error> {
    windlass::words::duration_from_seconds("seconds", number(value))
}

fn unknown(word: &str) -> Error {
    Error::internal(format!("a case says {word:?}, which means nothing here"))
}

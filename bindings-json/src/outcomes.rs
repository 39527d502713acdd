//! Outcomes on their way back: one string for many tasks.

use serde::Deserialize;
use serde_json::value::RawValue;
use windlass_core::worker::JobId;
use windlass_core::{Error, Outcome, Payload, Result, TaskError};

use crate::fields::Fields;

/// Outcomes as a language tells them.
#[derive(Deserialize)]
struct Told<'a> {
    #[serde(borrow)]
    completed: Vec<(JobId, &'a RawValue)>,
    #[serde(borrow, default)]
    stateful: Vec<(JobId, &'a RawValue, &'a RawValue)>,
    #[serde(borrow)]
    ended: Vec<(JobId, &'a RawValue)>,
}

/// How an attempt ended that did not complete.
///
/// # Errors
///
/// `invalid_argument` with the name of the field, also for one that the outcome does not have.
fn ended(text: &str) -> Result<Outcome> {
    let mut fields = Fields::read("outcome", text)?;
    let error = |fields: &mut Fields| {
        let error: Option<TaskError> = fields.take("error")?;
        error.ok_or_else(|| Error::invalid("error", "is missing"))
    };
    let outcome = match fields.text("outcome")?.as_deref() {
        Some("fail") => Outcome::Fail { error: error(&mut fields)? },
        Some("retry") => {
            Outcome::Retry { after: fields.seconds("after_seconds")?, error: error(&mut fields)? }
        }
        Some("snooze") => {
            let after = fields.seconds("after_seconds")?;
            let after = after.ok_or_else(|| Error::invalid("after_seconds", "is missing"))?;
            Outcome::Snooze { after }
        }
        Some("cancel") => Outcome::Cancel { reason: fields.text("reason")? },
        Some("hand_back") => Outcome::HandBack,
        _ => return Err(Error::invalid("outcome", "is none that an attempt can have")),
    };
    fields.end()?;
    Ok(outcome)
}

/// Outcomes from JSON text of `{"completed": [[id, result], …], "stateful": [[id, result, state], …], "ended":
/// [[id, outcome], …]}`; the second may be missing. One that makes no sense fails its own task, and no other.
///
/// # Errors
///
/// `invalid_argument` when the whole makes no sense.
pub(crate) fn read(outcomes: &str) -> Result<Vec<(JobId, Outcome)>> {
    let told: Told<'_> = serde_json::from_str(outcomes)
        .map_err(|error| Error::invalid("outcomes", error.to_string()))?;
    // One that makes no sense fails its own task, and no other.
    let failed = |error: Error| Outcome::Fail { error: error.to_task_error(None).fatal() };
    let completed = told.completed.into_iter().map(|(id, result)| {
        let result = Payload::new("result", result.get());
        (id, result.map_or_else(failed, Outcome::complete))
    });
    let stateful = told.stateful.into_iter().map(|(id, result, state)| {
        let complete = || -> Result<Outcome> {
            let result = Payload::new("result", result.get())?;
            Ok(Outcome::Complete { result, state: Some(Payload::new("state", state.get())?) })
        };
        (id, complete().unwrap_or_else(failed))
    });
    let others = told.ended.into_iter();
    let others = others.map(|(id, text)| (id, ended(text.get()).unwrap_or_else(failed)));
    Ok(completed.chain(stateful).chain(others).collect())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const ERROR: &str = r#"{"code":"handler_error","message":"no","retryable":true}"#;

    #[test]
    fn every_way_to_end_is_read() {
        let fail = format!(r#"{{"outcome":"fail","error":{ERROR}}}"#);
        assert!(matches!(ended(&fail), Ok(Outcome::Fail { error }) if error.message == "no"));
        let retry = format!(r#"{{"outcome":"retry","after_seconds":1.5,"error":{ERROR}}}"#);
        let after = Some(Duration::from_millis(1500));
        assert!(matches!(ended(&retry), Ok(Outcome::Retry { after: told, .. }) if told == after));
        let snooze = ended(r#"{"outcome":"snooze","after_seconds":2}"#);
        assert!(matches!(snooze, Ok(Outcome::Snooze { after }) if after == Duration::from_secs(2)));
        let cancel = ended(r#"{"outcome":"cancel","reason":null}"#);
        assert!(matches!(cancel, Ok(Outcome::Cancel { reason: None })));
        assert!(matches!(ended(r#"{"outcome":"hand_back"}"#), Ok(Outcome::HandBack)));
    }

    #[test]
    fn what_is_no_outcome_is_refused_by_name() {
        for (text, field) in [
            (r#"{"outcome":"explode"}"#, "outcome"),
            (r#"{}"#, "outcome"),
            (r#"[]"#, "outcome"),
            (r#"{"outcome":"fail"}"#, "error"),
            (r#"{"outcome":"fail","error":1}"#, "error"),
            (r#"{"outcome":"snooze"}"#, "after_seconds"),
            (r#"{"outcome":"snooze","after_seconds":-1}"#, "after_seconds"),
            (r#"{"outcome":"cancel","reason":1}"#, "reason"),
            (r#"{"outcome":"hand_back","reason":"x"}"#, "reason"),
        ] {
            assert_eq!(ended(text).unwrap_err().fields()["field"], field, "{text}");
        }
    }

    #[test]
    fn one_that_makes_no_sense_fails_its_own_task_and_no_other() {
        let text = r#"{"completed":[[1,{"a":1}]],"ended":[[2,{"outcome":"explode"}],[3,{"outcome":"hand_back"}]]}"#;
        let all = read(text).unwrap();
        assert!(matches!(&all[0], (1, Outcome::Complete { state: None, .. })));
        assert!(matches!(&all[1], (2, Outcome::Fail { error }) if !error.retryable));
        assert!(matches!(&all[2], (3, Outcome::HandBack)));
        assert!(read("{}").is_err());
        let text = r#"{"completed":[],"stateful":[[4,1,null],[5,1,{"a":1,"a":2}]],"ended":[]}"#;
        let all = read(text).unwrap();
        let is_null = |state: &Payload| state.as_str() == "null";
        assert!(matches!(&all[0], (4, Outcome::Complete { state: Some(s), .. }) if is_null(s)));
        assert!(matches!(&all[1], (5, Outcome::Fail { error }) if error.code == "invalid_payload"));
    }
}

//! Outcomes on their way back: one string for many tasks.

use serde::Deserialize;
use serde_json::value::RawValue;
use windlass_core::words::duration_from_seconds;
use windlass_core::worker::JobId;
use windlass_core::{Error, Outcome, Payload, Result, TaskError};

use crate::fields::record;

/// Outcomes as a language tells them.
#[derive(Deserialize)]
struct Told<'a> {
    #[serde(borrow)]
    completed: Vec<(JobId, &'a RawValue)>,
    #[serde(borrow)]
    ended: Vec<(JobId, &'a RawValue)>,
}

/// How an attempt ended that did not complete.
#[derive(Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case", deny_unknown_fields)]
enum Ended {
    Fail { error: TaskError },
    Retry { after_seconds: Option<f64>, error: TaskError },
    Snooze { after_seconds: f64 },
    Cancel { reason: Option<String> },
    HandBack,
}

impl Ended {
    fn outcome(text: &str) -> Result<Outcome> {
        let seconds = |number| duration_from_seconds("after_seconds", number);
        Ok(match record("outcome", text)? {
            Self::Fail { error } => Outcome::Fail { error },
            Self::Retry { after_seconds, error } => {
                Outcome::Retry { after: after_seconds.map(seconds).transpose()?, error }
            }
            Self::Snooze { after_seconds } => Outcome::Snooze { after: seconds(after_seconds)? },
            Self::Cancel { reason } => Outcome::Cancel { reason },
            Self::HandBack => Outcome::HandBack,
        })
    }
}

/// Outcomes from JSON text of `{"completed": [[id, result], …], "ended": [[id, outcome], …]}`. One that makes
/// no sense fails its own task, and no other.
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
        (id, result.map_or_else(failed, |result| Outcome::Complete { result }))
    });
    let ended = told.ended.into_iter();
    let ended = ended.map(|(id, text)| (id, Ended::outcome(text.get()).unwrap_or_else(failed)));
    Ok(completed.chain(ended).collect())
}

//! What a handler reports, and what became of it.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};

use crate::error::Error;
#[cfg(feature = "openapi")]
use crate::words::schema;
use crate::words::{
    LeaseToken, NewUpdate, Payload, RetryOptions, TaskError, TaskId, TaskStatus, json, opt_seconds,
    seconds,
};

/// What one attempt came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// The handler returned.
    Complete {
        /// JSON text of its answer.
        result: Payload,
        /// State to store with it, of a task with a `state_key`; `None` leaves it.
        #[serde(skip_serializing_if = "Option::is_none")]
        state: Option<Payload>,
    },
    /// The handler raised, or its attempt timed out (`code` `task_timeout`).
    Fail {
        /// What it raised. Not retryable: the task ends.
        error: TaskError,
    },
    /// The handler asks for another attempt after a delay of its own. Counted, within `max_retries`.
    Retry {
        /// Delay; `None` backs off by the policy.
        #[serde(rename = "after_seconds", with = "opt_seconds")]
        after: Option<Duration>,
        /// Why, kept as the last error.
        error: TaskError,
    },
    /// The handler asks to be run later. Not counted as an attempt.
    Snooze {
        /// Delay.
        #[serde(rename = "after_seconds", with = "seconds")]
        after: Duration,
    },
    /// The handler gave up on request, or asks for the task to be cancelled.
    Cancel {
        /// Why.
        reason: Option<String>,
    },
    /// The worker gives the task back unstarted, or stopped by its shutdown. Not counted.
    HandBack,
}

impl Outcome {
    /// The handler returned `result` and leaves the state as it is.
    pub const fn complete(result: Payload) -> Self {
        Self::Complete { result, state: None }
    }
}

/// One outcome to record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "SettleRecord")]
pub struct Settle {
    /// The task.
    pub task_id: TaskId,
    /// Proof of the lease.
    pub token: LeaseToken,
    /// What the attempt came to.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// How long ago the handler started, when not yet reported.
    #[serde(rename = "started_seconds_ago", with = "opt_seconds")]
    pub started: Option<Duration>,
    /// Progress and logs since the last report, oldest first; recorded before the status.
    pub updates: Vec<NewUpdate>,
    /// Retry options that the handler declares; what was given at submit goes first.
    pub declared: RetryOptions,
}

/// What became of an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled {
    /// The task.
    pub task_id: TaskId,
    /// Its status now.
    pub status: TaskStatus,
}

/// The flat wire form. JSON text that is kept as text cannot be read through serde's tagged forms.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
struct SettleRecord {
    task_id: TaskId,
    token: LeaseToken,
    #[cfg_attr(feature = "openapi", schema(value_type = schema::OutcomeName))]
    outcome: String,
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = schema::Json, required = false))]
    result: Option<Payload>,
    #[serde(default, deserialize_with = "given")]
    #[cfg_attr(feature = "openapi", schema(value_type = schema::Json, required = false))]
    state: Option<Payload>,
    #[serde(default)]
    error: Option<TaskError>,
    #[serde(rename = "after_seconds", with = "opt_seconds", default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<schema::Seconds>))]
    after: Option<Duration>,
    #[serde(default)]
    reason: Option<String>,
    #[serde(rename = "started_seconds_ago", with = "opt_seconds", default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<schema::Seconds>))]
    started: Option<Duration>,
    #[serde(default)]
    updates: Vec<NewUpdate>,
    #[serde(default, deserialize_with = "json::object")]
    declared: RetryOptions,
}

/// A value that is there, `null` as any other: a state can be that.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Payload>, D::Error> {
    Payload::deserialize(deserializer).map(Some)
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for Settle {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        SettleRecord::schema()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for Settle {
    fn schemas(known: &mut Vec<(String, utoipa::openapi::RefOr<utoipa::openapi::Schema>)>) {
        <SettleRecord as utoipa::ToSchema>::schemas(known);
    }
}

impl TryFrom<SettleRecord> for Settle {
    type Error = Error;

    fn try_from(record: SettleRecord) -> Result<Self, Error> {
        let missing =
            |field| Error::invalid(field, format!("is needed by outcome {}", record.outcome));
        let outcome = match record.outcome.as_str() {
            "complete" => {
                Outcome::Complete { result: record.result.unwrap_or_default(), state: record.state }
            }
            "fail" => Outcome::Fail { error: record.error.ok_or_else(|| missing("error"))? },
            "retry" => Outcome::Retry {
                after: record.after,
                error: record.error.ok_or_else(|| missing("error"))?,
            },
            "snooze" => {
                Outcome::Snooze { after: record.after.ok_or_else(|| missing("after_seconds"))? }
            }
            "cancel" => Outcome::Cancel { reason: record.reason },
            "hand_back" => Outcome::HandBack,
            other => {
                let all = "complete, fail, retry, snooze, cancel, hand_back";
                return Err(Error::invalid(
                    "outcome",
                    format!("must be one of {all}, not {other:?}"),
                ));
            }
        };
        Ok(Self {
            task_id: record.task_id,
            token: record.token,
            outcome,
            started: record.started,
            updates: record.updates,
            declared: record.declared,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_of_null_is_one_and_a_state_left_out_is_none() {
        let id = "01a1f8eb-2016-7659-bf31-42a9239b3c28";
        let read = |more: &str| -> Settle {
            let text = format!("{{\"task_id\":\"{id}\",\"token\":\"{id}\",{more}}}");
            serde_json::from_str(&text).unwrap()
        };
        let state = |settle: &Settle| match &settle.outcome {
            Outcome::Complete { state, .. } => {
                state.as_ref().map(|state| state.as_str().to_owned())
            }
            other => panic!("{other:?}"),
        };
        let null = read(r#""outcome":"complete","result":1,"state":null"#);
        assert_eq!(state(&null).as_deref(), Some("null"));
        let again: Settle = serde_json::from_str(&serde_json::to_string(&null).unwrap()).unwrap();
        assert_eq!(again, null);
        assert_eq!(state(&read(r#""outcome":"complete","result":1"#)), None);
    }
}

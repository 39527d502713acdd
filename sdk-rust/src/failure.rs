//! How a handler says that it did not complete.

use std::time::Duration;

use windlass_core::{Outcome, TaskError};

/// A handler's answer other than a result.
///
/// Every error turns into one by `?`: the attempt failed and is retried by the task's policy.
#[derive(Debug)]
pub struct Failure(Outcome);

impl Failure {
    /// The attempt failed with this text; retried by the policy.
    pub fn new(message: impl Into<String>) -> Self {
        Self(Outcome::Fail { error: TaskError::new("handler_error", message) })
    }

    /// The task fails for good, whatever retries are left.
    pub fn fatal(message: impl Into<String>) -> Self {
        Self(Outcome::Fail { error: TaskError::new("handler_error", message).fatal() })
    }

    /// The attempt failed; the next one starts after `delay`, if any is left.
    pub fn retry_after(delay: Duration, message: impl Into<String>) -> Self {
        let error = TaskError::new("handler_error", message);
        Self(Outcome::Retry { after: Some(delay), error })
    }

    /// Not now: run again after `delay`. This attempt is not counted.
    pub fn snooze(delay: Duration) -> Self {
        Self(Outcome::Snooze { after: delay })
    }

    /// The task is cancelled; also the answer to a request to stop.
    pub fn cancel(reason: impl Into<String>) -> Self {
        Self(Outcome::Cancel { reason: Some(reason.into()) })
    }

    pub(crate) fn invalid_payload(reason: impl std::fmt::Display) -> Self {
        let text = format!("the payload does not fit the handler: {reason}");
        Self(Outcome::Fail { error: TaskError::new("invalid_payload", text).fatal() })
    }

    pub(crate) fn invalid_result(reason: impl std::fmt::Display) -> Self {
        let text = format!("the result has no JSON form: {reason}");
        Self(Outcome::Fail { error: TaskError::new("invalid_payload", text).fatal() })
    }

    pub(crate) fn panicked(reason: String) -> Self {
        let mut error = TaskError::new("handler_error", reason);
        error.error_type = Some("panic".to_owned());
        Self(Outcome::Fail { error })
    }

    pub(crate) fn into_outcome(self) -> Outcome {
        self.0
    }
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        let mut failed = TaskError::new("handler_error", error.to_string());
        failed.error_type = Some(std::any::type_name::<E>().to_owned());
        Self(Outcome::Fail { error: failed })
    }
}

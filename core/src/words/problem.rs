//! An error on the wire: `application/problem+json` with the documents' error body beside it.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::Error;
use crate::words::{Payload, Timestamp};

/// An error as programs read it, wherever one stands in an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ErrorBody {
    /// Stable code of `spec/errors.toml`.
    pub code: String,
    /// Text for people.
    pub message: String,
    /// The error's values by their wire names.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<crate::words::schema::Details>))]
    pub details: Option<Payload>,
    /// When it was answered: seconds since 1970, with fractions.
    #[serde(default)]
    pub timestamp: f64,
    /// The request that it answers.
    #[serde(default)]
    pub request_id: Option<String>,
}

/// The body of every answer that is no success (RFC 9457).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// `urn:windlass:error:CODE`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The code in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// Text for people.
    pub detail: String,
    /// Stable code of `spec/errors.toml`.
    pub code: String,
    /// The request that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The same in the shape of the documents.
    pub error: ErrorBody,
}

impl ErrorBody {
    /// The body of `error`, answered at `at`.
    pub fn of(error: &Error, at: Timestamp, request_id: Option<&str>) -> Self {
        Self {
            code: error.code().to_owned(),
            message: error.to_string(),
            details: Some(Payload::trusted(error.details())),
            timestamp: at.as_millis() as f64 / 1000.0,
            request_id: request_id.map(str::to_owned),
        }
    }

    /// The error that was answered with `status_code`.
    pub fn into_error(self, status_code: u16) -> Error {
        let details = self.details.and_then(|details| details.read("details").ok());
        Error::from_wire(&self.code, details.unwrap_or_default(), self.message, status_code)
    }
}

impl Problem {
    /// The problem that tells `error`.
    pub fn of(error: &Error, at: Timestamp, request_id: Option<&str>) -> Self {
        let body = ErrorBody::of(error, at, request_id);
        Self {
            kind: format!("urn:windlass:error:{}", body.code),
            title: body.code.replace('_', " "),
            status: error.http_status(),
            detail: body.message.clone(),
            code: body.code.clone(),
            request_id: body.request_id.clone(),
            error: body,
        }
    }
}

/// The codes that a server may tell of, as `spec/errors.toml` has them.
const CODES: [&str; 30] = [
    "invalid_argument",
    "invalid_payload",
    "payload_too_large",
    "task_not_found",
    "batch_not_found",
    "pipeline_not_found",
    "idempotency_conflict",
    "queue_full",
    "lease_lost",
    "invalid_transition",
    "task_timeout",
    "task_failed",
    "task_cancelled",
    "worker_not_available",
    "handler_not_found",
    "authentication_failed",
    "rate_limited",
    "quota_exceeded",
    "circuit_breaker_open",
    "service_unavailable",
    "api_error",
    "client_closed",
    "invalid_url",
    "store_unavailable",
    "store_full",
    "store_read_only",
    "invalid_store",
    "schema_incompatible",
    "not_implemented",
    "internal",
];

/// A code that this version knows.
pub fn known_code(code: &str) -> Option<&'static str> {
    CODES.into_iter().find(|known| *known == code)
}

/// Reads the values of an error; what is missing or of another type makes it unreadable.
struct Details(Map<String, Value>);

impl Details {
    fn get<T: DeserializeOwned>(&mut self, name: &str) -> Option<T> {
        serde_json::from_value(self.0.remove(name)?).ok()
    }

    fn seconds(&mut self, name: &str) -> Option<Duration> {
        Duration::try_from_secs_f64(self.get(name)?).ok()
    }
}

impl Error {
    /// The error that a code and its values stand for. A code that this version does not know, or values
    /// that do not fit it, give [`Error::Api`] with the status and the message.
    pub fn from_wire(
        code: &str,
        details: Map<String, Value>,
        message: String,
        status_code: u16,
    ) -> Self {
        known(code, &mut Details(details)).unwrap_or(Self::Api { status_code, reason: message })
    }
}

fn known(code: &str, d: &mut Details) -> Option<Error> {
    Some(match code {
        "invalid_argument" => {
            Error::InvalidArgument { field: d.get("field")?, reason: d.get("reason")? }
        }
        "invalid_payload" => {
            Error::InvalidPayload { field: d.get("field")?, reason: d.get("reason")? }
        }
        "payload_too_large" => Error::PayloadTooLarge {
            field: d.get("field")?,
            size_bytes: d.get("size_bytes")?,
            limit_bytes: d.get("limit_bytes")?,
        },
        "task_not_found" => Error::TaskNotFound { task_id: d.get("task_id")? },
        "batch_not_found" => Error::BatchNotFound { batch_id: d.get("batch_id")? },
        "pipeline_not_found" => Error::PipelineNotFound { pipeline_id: d.get("pipeline_id")? },
        "idempotency_conflict" => {
            Error::IdempotencyConflict { key: d.get("key")?, task_id: d.get("task_id")? }
        }
        "queue_full" => Error::QueueFull {
            queue: d.get("queue")?,
            limit: d.get("limit")?,
            retry_after: d.seconds("retry_after_seconds")?,
        },
        "lease_lost" => Error::LeaseLost { task_id: d.get("task_id")? },
        "invalid_transition" => Error::InvalidTransition {
            task_id: d.get("task_id")?,
            status: d.get("status")?,
            verb: d.get::<String>("verb")?.into(),
            needs: d.get::<String>("needs")?.into(),
        },
        "task_timeout" => Error::TaskTimeout {
            task_id: d.get("task_id")?,
            timeout: d.seconds("timeout_seconds")?,
        },
        "task_failed" => {
            Error::TaskFailed { task_id: d.get("task_id")?, error: Box::new(d.get("error")?) }
        }
        "task_cancelled" => Error::TaskCancelled { task_id: d.get("task_id")? },
        "worker_not_available" => Error::WorkerNotAvailable {
            task_id: d.get("task_id")?,
            timeout: d.seconds("timeout_seconds")?,
            task_type: d.get("task_type")?,
        },
        "handler_not_found" => Error::HandlerNotFound { task_type: d.get("task_type")? },
        "authentication_failed" => Error::Authentication { reason: d.get("reason")? },
        "rate_limited" => Error::RateLimited { retry_after: d.seconds("retry_after_seconds")? },
        "quota_exceeded" => Error::QuotaExceeded {
            quota_type: d.get("quota_type")?,
            current: d.get("current")?,
            limit: d.get("limit")?,
        },
        "circuit_breaker_open" => Error::CircuitBreakerOpen {
            name: d.get("name")?,
            retry_after: d.seconds("retry_after_seconds")?,
        },
        "service_unavailable" => Error::ServiceUnavailable {
            reason: d.get("reason")?,
            retry_after: d.seconds("retry_after_seconds")?,
        },
        "api_error" => Error::Api { status_code: d.get("status_code")?, reason: d.get("reason")? },
        "client_closed" => Error::ClientClosed,
        "invalid_url" => Error::InvalidUrl { url: d.get("url")?, reason: d.get("reason")? },
        "store_unavailable" => Error::StoreUnavailable {
            operation: d.get::<String>("operation")?.into(),
            reason: d.get("reason")?,
            source: None,
        },
        "store_full" => Error::StoreFull { location: d.get("location")? },
        "store_read_only" => Error::StoreReadOnly { location: d.get("location")? },
        "invalid_store" => {
            Error::InvalidStore { location: d.get("location")?, reason: d.get("reason")? }
        }
        "schema_incompatible" => Error::SchemaIncompatible {
            location: d.get("location")?,
            found: d.get("found")?,
            supported: d.get("supported")?,
        },
        "not_implemented" => Error::NotImplemented { feature: d.get("feature")? },
        "internal" => Error::Internal { reason: d.get("reason")? },
        _ => return None,
    })
}

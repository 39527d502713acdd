//! A core error as JavaScript reads it.

use napi::Status;
use serde_json::json;
use windlass::{Error, Result};

/// An exception whose message is the JSON text `{"code", "message", "fields"}`.
pub(crate) fn exception(error: &Error) -> napi::Error {
    let fields = error.fields();
    let record = json!({"code": error.code(), "message": error.to_string(), "fields": fields});
    napi::Error::new(Status::GenericFailure, record.to_string())
}

/// The value of `result`, or its exception.
pub(crate) fn raised<T>(result: Result<T>) -> napi::Result<T> {
    result.map_err(|error| exception(&error))
}

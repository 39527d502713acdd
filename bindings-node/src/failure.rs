//! A core error as JavaScript reads it.

use napi::Status;
use windlass::{Error, Result};

/// An exception whose message is the JSON text `{"code", "message", "fields"}`.
pub(crate) fn exception(error: &Error) -> napi::Error {
    napi::Error::new(Status::GenericFailure, windlass_json::failure(error))
}

/// The value of `result`, or its exception.
pub(crate) fn raised<T>(result: Result<T>) -> napi::Result<T> {
    result.map_err(|error| exception(&error))
}

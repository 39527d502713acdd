//! Answers that are no errors.

use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HeaderValue};
use axum::response::Response;
use serde::Serialize;
use windlass_core::Error;

use super::problem::Fault;

/// What a handler answers.
pub(crate) type Answer = Result<Response, Fault>;

/// 200 with a value.
pub(crate) fn ok(value: &impl Serialize) -> Answer {
    with(StatusCode::OK, value)
}

/// A value with its status.
pub(crate) fn with(status: StatusCode, value: &impl Serialize) -> Answer {
    Ok(of(status, Body::from(text(value)?)))
}

/// The JSON text of a value.
pub(crate) fn text(value: &impl Serialize) -> Result<Vec<u8>, Fault> {
    serde_json::to_vec(value).map_err(|error| Fault(Error::internal(error.to_string())))
}

/// A body of JSON text.
pub(crate) fn of(status: StatusCode, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// 204.
pub(crate) fn nothing() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

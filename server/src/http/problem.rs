//! Errors as answers: `application/problem+json`.

use axum::body::Body;
use axum::http::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE,
};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use windlass_core::{Error, Problem, Timestamp};

/// An error on its way to become an answer. Its body is written where time and request id are known.
#[derive(Debug, Clone)]
pub(crate) struct Fault(pub(crate) Error);

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = status(&self.0);
        response.extensions_mut().insert(self);
        response
    }
}

impl Fault {
    /// An answer that has no code of its own.
    pub(crate) fn api(status_code: u16, reason: impl Into<String>) -> Self {
        Self(Error::Api { status_code, reason: reason.into() })
    }

    /// Writes headers and body of the answer.
    pub(crate) fn write(self, response: &mut Response, at: Timestamp, request_id: &str) {
        let Self(error) = self;
        let problem = Problem::of(&error, at, Some(request_id));
        let headers = response.headers_mut();
        // Written by the router, for the body that was not there yet.
        headers.remove(CONTENT_LENGTH);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if matches!(error, Error::Authentication { .. }) {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if matches!(error, Error::ServiceUnavailable { .. }) {
            // There is no room: an idle connection would take some.
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        retry_after(headers, &error, &problem);
        let text = serde_json::to_vec(&problem).unwrap_or_default();
        *response.status_mut() = status(&error);
        *response.body_mut() = Body::from(text);
    }
}

/// Says when to come again, and with 429 what is limited (RateLimit header fields, IETF draft 10).
fn retry_after(headers: &mut HeaderMap, error: &Error, problem: &Problem) {
    let details = error.fields();
    let number = |name: &str| details.get(name).and_then(Value::as_f64);
    let Some(seconds) = number("retry_after_seconds") else { return };
    let seconds = seconds.ceil().max(1.0) as u64;
    headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    if problem.status == StatusCode::TOO_MANY_REQUESTS.as_u16() {
        let limit = number("limit").unwrap_or(0.0) as u64;
        let name = error.code();
        for (header, text) in [
            ("ratelimit", format!("\"{name}\";r=0;t={seconds}")),
            ("ratelimit-policy", format!("\"{name}\";q={limit};w={seconds}")),
        ] {
            if let Ok(value) = HeaderValue::try_from(text) {
                headers.insert(header, value);
            }
        }
    }
}

fn status(error: &Error) -> StatusCode {
    StatusCode::from_u16(error.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

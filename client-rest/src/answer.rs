//! What a server answers, and what it means when it answers something else.

use std::error::Error as _;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use reqwest::header::{CONTENT_TYPE, HeaderMap, LOCATION, RETRY_AFTER};
use reqwest::{Response, StatusCode};
use serde::Deserialize;
use windlass_core::rules::call;
use windlass_core::{Error, ErrorBody, Timestamp};

/// Most that an answer may have, in bytes.
const ANSWER: usize = 256 << 20;
/// Most that is read of an answer that is no success, in bytes.
const REFUSAL: usize = 1 << 20;
/// Characters of a foreign answer that are told.
const TOLD: usize = 200;

/// How one try of a call failed.
#[derive(Debug)]
pub(crate) enum Failed {
    /// No whole answer came.
    Silent { reason: String, source: Option<reqwest::Error> },
    /// The server said no.
    Refused { status: u16, error: Error, retry_after: Option<Duration> },
    /// What came is nothing that a Windlass server answers.
    Garbage { status: u16, reason: String },
    /// Nothing was asked: as many calls as may be were under way all the time.
    Crowded,
    /// The client was closed meanwhile.
    Closed,
}

impl Failed {
    /// No whole answer came because of `source`.
    pub(crate) fn silent(source: reqwest::Error) -> Self {
        let source = source.without_url();
        Self::Silent { reason: cause(&source), source: Some(source) }
    }

    /// The text of a success could not be read: cut off, or no text of ours.
    pub(crate) fn unreadable(status: u16, error: &serde_json::Error) -> Self {
        if error.is_eof() {
            let reason = "the answer ended in its middle".to_owned();
            return Self::Silent { reason, source: None };
        }
        Self::Garbage { status, reason: format!("not what a Windlass server answers: {error}") }
    }

    /// A success is larger than is read.
    pub(crate) fn too_large(status: u16) -> Self {
        Self::Garbage { status, reason: format!("answered more than {} MiB", ANSWER >> 20) }
    }

    /// The status that was answered, unless no whole answer came.
    pub(crate) fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. } | Self::Garbage { status, .. } => Some(*status),
            Self::Silent { .. } | Self::Crowded | Self::Closed => None,
        }
    }

    /// How long the server asked to be left alone.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Whether it is the server that is not well, rather than what it was asked.
    pub(crate) fn blames_server(&self) -> bool {
        match self {
            Self::Silent { .. } | Self::Garbage { .. } => true,
            Self::Refused { status, .. } => *status >= 500 && *status != 501,
            Self::Crowded | Self::Closed => false,
        }
    }

    /// The error of the call `verb` to the server at `place`.
    pub(crate) fn into_error(self, verb: &'static str, place: &str) -> Error {
        match self {
            Self::Silent { reason, source } => Error::StoreUnavailable {
                operation: verb.into(),
                reason: format!("{place} did not answer: {reason}"),
                source: source.map(|source| Arc::new(source) as _),
            },
            Self::Refused { error, .. } => error,
            Self::Garbage { status, reason } => {
                Error::Api { status_code: status, reason: format!("{place}: {reason}") }
            }
            Self::Crowded => Error::StoreUnavailable {
                operation: verb.into(),
                reason: format!("every connection to {place} was in use; see max_connections"),
                source: None,
            },
            Self::Closed => Error::ClientClosed,
        }
    }
}

/// The body of a success; `None` when it is larger than is read.
pub(crate) async fn body(response: Response) -> Result<Option<Bytes>, Failed> {
    read(response, ANSWER).await
}

/// What an answer that is no success means.
pub(crate) async fn refusal(response: Response, now: Timestamp) -> Failed {
    let status = response.status();
    if status.is_redirection() || status.is_informational() {
        let reason = match text_of(response.headers(), LOCATION.as_str()) {
            Some(place) => {
                let place = place.split('?').next().unwrap_or_default();
                format!("redirects to {place:?}, which is not followed: connect there")
            }
            None => "answered neither a success nor an error".to_owned(),
        };
        return Failed::Garbage { status: status.as_u16(), reason };
    }
    let asked = text_of(response.headers(), RETRY_AFTER.as_str())
        .and_then(|text| call::retry_after(&text, now));
    let kind = text_of(response.headers(), CONTENT_TYPE.as_str()).unwrap_or_default();
    // What it says is worth having; that it said no is known either way.
    let body = read(response, REFUSAL).await.ok().flatten().unwrap_or_default();
    let error = problem(&body, status)
        .unwrap_or_else(|| foreign(status, &kind, &String::from_utf8_lossy(&body), asked));
    let retry_after = asked.or_else(|| waits(&error));
    Failed::Refused { status: status.as_u16(), error, retry_after }
}

/// The whole body; `None` when it has more than `most` bytes.
async fn read(response: Response, most: usize) -> Result<Option<Bytes>, Failed> {
    let told = response.content_length().unwrap_or(0);
    if told > most as u64 {
        return Ok(None);
    }
    let mut chunks = std::pin::pin!(response.bytes_stream());
    let Some(first) = chunks.next().await else { return Ok(Some(Bytes::new())) };
    let first = first.map_err(Failed::silent)?;
    if first.len() as u64 == told {
        return Ok(Some(first));
    }
    // What is told is not believed for more than a little: nothing came of it yet.
    let mut body = BytesMut::with_capacity((told as usize).clamp(first.len(), REFUSAL));
    body.extend_from_slice(&first);
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(Failed::silent)?;
        if body.len() + chunk.len() > most {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body.freeze()))
}

/// The documents' error member, which stands in every problem of ours.
#[derive(Deserialize)]
struct Told {
    error: ErrorBody,
}

/// The error that a body tells.
fn problem(body: &[u8], status: StatusCode) -> Option<Error> {
    let told: Told = serde_json::from_slice(body).ok()?;
    let error = told.error.into_error(status.as_u16());
    match (&error, status) {
        // A code that this version does not know.
        (Error::Api { .. }, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => None,
        (Error::Api { .. }, StatusCode::TOO_MANY_REQUESTS) => None,
        _ => Some(error),
    }
}

/// The error of an answer that no Windlass server gave, but something before it or in its place.
fn foreign(status: StatusCode, kind: &str, text: &str, asked: Option<Duration>) -> Error {
    let code = status.as_u16();
    let words = status.canonical_reason().unwrap_or("no success");
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            Error::Authentication { reason: format!("answered {code} {words}") }
        }
        StatusCode::TOO_MANY_REQUESTS => {
            Error::RateLimited { retry_after: asked.unwrap_or(Duration::from_secs(1)) }
        }
        _ => {
            let short: String = text.trim().chars().take(TOLD).collect();
            let said = if short.is_empty() || kind.contains("html") {
                String::new()
            } else {
                format!(": {short}")
            };
            Error::Api { status_code: code, reason: format!("{words}{said}") }
        }
    }
}

/// How long an error says to wait.
fn waits(error: &Error) -> Option<Duration> {
    match error {
        Error::QueueFull { retry_after, .. }
        | Error::RateLimited { retry_after }
        | Error::CircuitBreakerOpen { retry_after, .. }
        | Error::ServiceUnavailable { retry_after, .. } => Some(*retry_after),
        _ => None,
    }
}

/// A header's text.
pub(crate) fn text_of(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// What is beneath a failed call, in words.
fn cause(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no connection in time".to_owned();
    }
    let mut deepest: &(dyn std::error::Error + 'static) = match error.source() {
        Some(source) => source,
        None => return error.to_string(),
    };
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    let Some(io) = deepest.downcast_ref::<std::io::Error>() else { return deepest.to_string() };
    match io.kind() {
        ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::ConnectionAborted => {
            "connection reset".to_owned()
        }
        _ => io.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BAD: StatusCode = StatusCode::BAD_GATEWAY;

    #[test]
    fn what_stands_before_a_server_is_told_apart_from_it() {
        let told = br#"{"error":{"code":"queue_full","message":"x","details":{"queue":"q","limit":1,"retry_after_seconds":2}}}"#;
        let error = problem(told, StatusCode::TOO_MANY_REQUESTS).unwrap();
        assert_eq!((error.code(), waits(&error)), ("queue_full", Some(Duration::from_secs(2))));
        assert!(problem(b"<html>", BAD).is_none());
        let unknown = br#"{"error":{"code":"who_are_you","message":"x"}}"#;
        assert!(problem(unknown, StatusCode::FORBIDDEN).is_none());
        assert_eq!(problem(unknown, BAD).unwrap().http_status(), 502);
    }

    #[test]
    fn a_foreign_answer_has_a_code_by_its_status() {
        let foreign = |status, text: &str| foreign(status, "text/plain", text, None);
        assert_eq!(foreign(StatusCode::FORBIDDEN, "no").code(), "authentication_failed");
        assert_eq!(foreign(StatusCode::TOO_MANY_REQUESTS, "").code(), "rate_limited");
        let error = foreign(BAD, &"x".repeat(1000));
        assert_eq!((error.code(), error.http_status()), ("api_error", 502));
        assert!(error.to_string().len() < 300);
    }

    #[test]
    fn a_cut_answer_is_no_answer_and_another_text_is_garbage() {
        let read = |text: &str| serde_json::from_str::<Told>(text).err().unwrap();
        let cut = Failed::unreadable(200, &read(r#"{"error":{"#));
        assert_eq!((cut.status(), cut.blames_server()), (None, true));
        let garbage = Failed::unreadable(200, &read("<html>"));
        assert_eq!((garbage.status(), garbage.blames_server()), (Some(200), true));
        assert_eq!(garbage.into_error("get", "h:80").code(), "api_error");
    }

    #[test]
    fn only_a_server_that_is_not_well_is_blamed() {
        let refused =
            |status| Failed::Refused { status, error: Error::ClientClosed, retry_after: None };
        assert!(refused(500).blames_server() && refused(503).blames_server());
        assert!(!refused(501).blames_server() && !refused(429).blames_server());
        assert!(!Failed::Closed.blames_server());
    }
}

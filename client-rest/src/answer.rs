//! What a server answers, and what it means when it answers something else.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use serde::Deserialize;
use windlass_core::rules::call;
use windlass_core::{Error, ErrorBody, Timestamp};

use crate::transport::{self, Response, Silence, Unanswered};

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
    Silent(Silence),
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
    /// No whole answer came, for a reason that has no more to it.
    pub(crate) fn silent(reason: String) -> Self {
        Self::Silent(Silence { reason, source: None })
    }

    /// The text of a success could not be read: cut off, or no text of ours.
    pub(crate) fn unreadable(status: u16, error: &serde_json::Error) -> Self {
        if error.is_eof() { Self::cut() } else { Self::garbage(status, error) }
    }

    fn cut() -> Self {
        Self::silent("the answer ended in its middle".to_owned())
    }

    fn garbage(status: u16, error: &dyn std::fmt::Display) -> Self {
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
            Self::Silent(_) | Self::Crowded | Self::Closed => None,
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
            Self::Silent(_) | Self::Garbage { .. } => true,
            Self::Refused { status, .. } => *status >= 500 && *status != 501,
            Self::Crowded | Self::Closed => false,
        }
    }

    /// The error of the call `verb` to the server at `place`.
    pub(crate) fn into_error(self, verb: &'static str, place: &str) -> Error {
        match self {
            Self::Silent(Silence { reason, source }) => Error::StoreUnavailable {
                operation: verb.into(),
                reason: format!("{place} did not answer: {reason}"),
                source,
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

impl From<Silence> for Failed {
    fn from(silence: Silence) -> Self {
        Self::Silent(silence)
    }
}

impl From<Unanswered> for Failed {
    fn from(unanswered: Unanswered) -> Self {
        match unanswered {
            Unanswered::Silent(silence) => Self::Silent(silence),
            Unanswered::Unsendable => {
                let error = Error::invalid("tenant", "cannot be sent in a header");
                Self::Refused { status: 400, error, retry_after: None }
            }
        }
    }
}

/// The body of a success; `None` when it is larger than is read.
pub(crate) async fn body(response: Response) -> Result<Option<Bytes>, Failed> {
    read(response, ANSWER).await
}

/// Reads what a success says.
pub(crate) type Read<'a> = dyn Fn(&str) -> serde_json::Result<()> + Sync + 'a;

/// Reads the error that a body tells, answered with a status; `None` when it tells none.
pub(crate) type Tell = fn(&str, u16) -> Option<Error>;

/// Has the whole body of a success read.
pub(crate) fn read_text(status: u16, body: &[u8], read: &Read<'_>) -> Result<(), Failed> {
    let text = std::str::from_utf8(body).map_err(|error| match error.error_len() {
        None => Failed::cut(),
        Some(_) => Failed::garbage(status, &error),
    })?;
    read(text).map_err(|error| Failed::unreadable(status, &error))
}

/// What an answer that is no success means.
pub(crate) async fn refusal(response: Response, now: Timestamp, tell: Tell) -> Failed {
    let status = response.status();
    if (100..200).contains(&status) || (300..400).contains(&status) {
        let reason = match response.header("location") {
            Some(place) => {
                let place = place.split('?').next().unwrap_or_default();
                format!("redirects to {place:?}, which is not followed: connect there")
            }
            // A browser does not tell where to.
            None if cfg!(target_family = "wasm") => "redirects, which is not followed".to_owned(),
            None => "answered neither a success nor an error".to_owned(),
        };
        return Failed::Garbage { status, reason };
    }
    let asked = response.header("retry-after").and_then(|text| call::retry_after(&text, now));
    let kind = response.header("content-type").unwrap_or_default();
    // What it says is worth having; that it said no is known either way.
    let body = read(response, REFUSAL).await.ok().flatten().unwrap_or_default();
    let text = String::from_utf8_lossy(&body);
    let error = tell(&text, status).unwrap_or_else(|| foreign(status, &kind, &text, asked));
    let retry_after = asked.or_else(|| waits(&error));
    Failed::Refused { status, error, retry_after }
}

/// The whole body; `None` when it has more than `most` bytes.
async fn read(response: Response, most: usize) -> Result<Option<Bytes>, Failed> {
    let told = response.length().unwrap_or(0);
    if told > most as u64 {
        return Ok(None);
    }
    let mut chunks = response.chunks();
    let Some(first) = chunks.next().await else { return Ok(Some(Bytes::new())) };
    let first = first?;
    if first.len() as u64 == told {
        return Ok(Some(first));
    }
    // What is told is not believed for more than a little: nothing came of it yet. A first part may be more.
    let mut body = BytesMut::with_capacity((told as usize).min(REFUSAL).max(first.len()));
    body.extend_from_slice(&first);
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk?;
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
pub(crate) fn problem(body: &str, status: u16) -> Option<Error> {
    let told: Told = serde_json::from_str(body).ok()?;
    let error = told.error.into_error(status);
    match (&error, status) {
        // A code that this version does not know.
        (Error::Api { .. }, 401 | 403) => None,
        (Error::Api { .. }, 429) => None,
        _ => Some(error),
    }
}

/// The error of an answer that no Windlass server gave, but something before it or in its place.
fn foreign(status: u16, kind: &str, text: &str, asked: Option<Duration>) -> Error {
    let words = transport::reason(status).unwrap_or("no success");
    match status {
        401 | 403 => Error::Authentication { reason: format!("answered {status} {words}") },
        429 => Error::RateLimited { retry_after: asked.unwrap_or(Duration::from_secs(1)) },
        _ => {
            let short: String = text.trim().chars().take(TOLD).collect();
            let said = if short.is_empty() || kind.contains("html") {
                String::new()
            } else {
                format!(": {short}")
            };
            Error::Api { status_code: status, reason: format!("{words}{said}") }
        }
    }
}

/// How long an error says to wait.
pub(crate) fn waits(error: &Error) -> Option<Duration> {
    match error {
        Error::QueueFull { retry_after, .. }
        | Error::RateLimited { retry_after }
        | Error::CircuitBreakerOpen { retry_after, .. }
        | Error::ServiceUnavailable { retry_after, .. } => Some(*retry_after),
        Error::Told(told) => told.retry_after,
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BAD: u16 = 502;

    #[test]
    fn what_stands_before_a_server_is_told_apart_from_it() {
        let told = r#"{"error":{"code":"queue_full","message":"x","details":{"queue":"q","limit":1,"retry_after_seconds":2}}}"#;
        let error = problem(told, 429).unwrap();
        assert_eq!((error.code(), waits(&error)), ("queue_full", Some(Duration::from_secs(2))));
        assert!(problem("<html>", BAD).is_none());
        let unknown = r#"{"error":{"code":"who_are_you","message":"x"}}"#;
        assert!(problem(unknown, 403).is_none());
        assert_eq!(problem(unknown, BAD).unwrap().http_status(), 502);
    }

    #[test]
    fn a_foreign_answer_has_a_code_by_its_status() {
        let foreign = |status, text: &str| foreign(status, "text/plain", text, None);
        assert_eq!(foreign(403, "no").code(), "authentication_failed");
        assert_eq!(foreign(429, "").code(), "rate_limited");
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

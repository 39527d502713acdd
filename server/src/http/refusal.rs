//! Answers to connections that are not served: written as bytes, since no request was read.

use windlass_core::{Problem, Timestamp};

use super::serving::unavailable;

/// The answer when there is no room for another connection.
pub(crate) fn full(at: Timestamp) -> Vec<u8> {
    let problem = Problem::of(&unavailable("too many connections are open"), at, None);
    let body = serde_json::to_string(&problem).unwrap_or_default();
    format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\n\
         content-length: {}\r\nretry-after: 1\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

//! Streams of events (WHATWG HTML, server-sent events).

use std::convert::Infallible;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use axum::response::Response;
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use serde::Serialize;

use super::peer::Peer;

/// A stream with nothing to tell says so this often.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(15);

/// An event of a stream.
#[allow(dead_code, reason = "it describes what `event` writes")]
#[derive(utoipa::ToSchema)]
pub(crate) struct StreamEvent {
    /// What happened.
    event: String,
    /// Where to resume after it.
    id: Option<String>,
    /// JSON text.
    data: String,
}

/// The answer that streams these events. Nothing is read ahead: what the reader does not take is not
/// asked for.
pub(crate) fn stream(
    peer: &Arc<Peer>,
    events: impl Stream<Item = Bytes> + Send + 'static,
) -> Response {
    let busy = peer.begins();
    let events = events.map(move |event| {
        let _ = &busy;
        Ok::<_, Infallible>(event)
    });
    let mut response = Response::new(Body::from_stream(events));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Asks nginx not to hold events back.
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response
}

/// A comment: no event, but bytes.
pub(crate) fn heartbeat() -> Bytes {
    Bytes::from_static(b":\n\n")
}

/// Appends an event.
pub(crate) fn event(to: &mut Vec<u8>, id: Option<u64>, name: &str, data: &impl Serialize) {
    // Writing to memory does not fail, and JSON text has no line breaks.
    if let Some(id) = id {
        let _ = writeln!(to, "id: {id}");
    }
    let _ = write!(to, "event: {name}\ndata: ");
    let _ = serde_json::to_writer(&mut *to, data);
    to.extend_from_slice(b"\n\n");
}

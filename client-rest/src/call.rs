//! What one call asks.

use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;
use windlass_core::{Error, Result};

use crate::transport::JSON;

/// One call, as a verb describes it.
pub(crate) struct Call {
    pub(crate) verb: &'static str,
    pub(crate) method: &'static str,
    /// Below `/api/v1`, with its query.
    pub(crate) path: String,
    pub(crate) accept: &'static str,
    pub(crate) tenant: Option<String>,
    pub(crate) body: Body,
    /// Whether a second run does no harm.
    pub(crate) repeatable: bool,
    /// How long the server may hold its answer back on purpose.
    pub(crate) hold: Duration,
    /// Longest time beside that, when it is not the client's.
    pub(crate) limit: Option<Duration>,
    /// A worker's own call: neither the breaker nor a full house keeps it away.
    pub(crate) of_worker: bool,
}

pub(crate) enum Body {
    None,
    Json(Bytes),
    /// Made anew for each try, from what is left of the time to hold.
    Held(Box<dyn Fn(Duration) -> Result<Bytes> + Send + Sync>),
}

/// JSON text of a body.
///
/// # Errors
///
/// `internal`: the words always have JSON text.
pub(crate) fn json(body: &impl Serialize) -> Result<Bytes> {
    serde_json::to_vec(body)
        .map(Bytes::from)
        .map_err(|error| Error::internal(format!("a request has no JSON text: {error}")))
}

impl Call {
    /// A question, which may be repeated.
    pub(crate) fn get(verb: &'static str, path: String) -> Self {
        Self {
            verb,
            method: "GET",
            path,
            accept: JSON,
            tenant: None,
            body: Body::None,
            repeatable: true,
            hold: Duration::ZERO,
            limit: None,
            of_worker: false,
        }
    }

    /// A request with `body`, which may be repeated.
    pub(crate) fn post(verb: &'static str, path: String, body: Option<Bytes>) -> Self {
        let body = body.map_or(Body::None, Body::Json);
        Self { method: "POST", body, ..Self::get(verb, path) }
    }

    pub(crate) fn delete(verb: &'static str, path: String) -> Self {
        Self { method: "DELETE", ..Self::get(verb, path) }
    }

    /// A request that the server answers within `hold`; `body` makes its body from what is left of it.
    pub(crate) fn held(
        verb: &'static str,
        path: String,
        hold: Duration,
        body: impl Fn(Duration) -> Result<Bytes> + Send + Sync + 'static,
    ) -> Self {
        Self { hold, body: Body::Held(Box::new(body)), ..Self::post(verb, path, None) }
    }

    /// Whose tasks it is about.
    pub(crate) fn tenant(mut self, tenant: &str) -> Self {
        self.tenant = Some(tenant.to_owned());
        self
    }

    /// Answered with a stream of events.
    pub(crate) fn streaming(mut self) -> Self {
        self.accept = "text/event-stream";
        self
    }

    /// Must not run twice.
    pub(crate) fn once(mut self) -> Self {
        self.repeatable = false;
        self
    }

    /// A question that the server holds back for up to `hold`.
    pub(crate) fn holding(mut self, hold: Duration) -> Self {
        self.hold = hold;
        self
    }

    /// A worker's own call, which must go through in any trouble, in `limit` at most.
    pub(crate) fn of_worker(mut self, limit: Duration) -> Self {
        self.of_worker = true;
        self.limit = Some(limit);
        self
    }
}

//! What one call asks.

use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;
use windlass_core::{Error, Result};

use crate::address::with_query;
use crate::transport::JSON;
use crate::verb::Verb;

/// One call of a verb.
pub(crate) struct Call {
    pub(crate) verb: &'static Verb,
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
    /// A call of `verb` at `path`, without a body.
    pub(crate) fn new(verb: &'static Verb, path: String) -> Self {
        Self {
            verb,
            path,
            accept: JSON,
            tenant: None,
            body: Body::None,
            repeatable: verb.repeatable,
            hold: Duration::ZERO,
            limit: None,
            of_worker: false,
        }
    }

    /// With these parameters.
    pub(crate) fn with(mut self, query: &[(String, String)]) -> Self {
        self.path = with_query(&self.path, query);
        self
    }

    /// With this body.
    pub(crate) fn json(mut self, body: Bytes) -> Self {
        self.body = Body::Json(body);
        self
    }

    /// Answered within `hold`; `body` makes its body from what is left of it.
    pub(crate) fn held(
        mut self,
        hold: Duration,
        body: impl Fn(Duration) -> Result<Bytes> + Send + Sync + 'static,
    ) -> Self {
        self.body = Body::Held(Box::new(body));
        self.holding(hold)
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

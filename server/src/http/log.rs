//! One line for each request. Never payloads, never keys.

use std::time::Instant;

use axum::extract::MatchedPath;
use axum::http::{Method, Request};
use axum::response::Response;
use http_body::Body as _;

use windlass_core::Error;

use super::caller::RequestId;
use super::problem::Fault;

/// What is known of a request before it is answered.
pub(crate) struct Entry {
    method: Method,
    started: Instant,
    tenant: Option<axum::http::HeaderValue>,
}

impl Entry {
    /// An entry, if anybody reads the log.
    pub(crate) fn of<B>(request: &Request<B>, started: Instant) -> Option<Self> {
        tracing::enabled!(target: "windlass::request", tracing::Level::INFO).then(|| Self {
            method: request.method().clone(),
            started,
            tenant: request.headers().get("windlass-tenant").cloned(),
        })
    }

    /// Writes the line. A stream is told when it begins, without its bytes.
    pub(crate) fn write(self, response: &Response, id: &RequestId, path: Option<MatchedPath>) {
        let tenant = self.tenant.as_ref().and_then(|value| value.to_str().ok());
        tracing::info!(
            target: "windlass::request",
            method = self.method.as_str(),
            path = path.as_ref().map_or("-", MatchedPath::as_str),
            status = response.status().as_u16(),
            ms = self.started.elapsed().as_secs_f64() * 1000.0,
            bytes = response.body().size_hint().exact(),
            request_id = id.as_str(),
            tenant = tenant.unwrap_or("default"),
        );
    }
}

/// Says why a request was not served, when that is the server's or the store's trouble.
pub(crate) fn trouble(fault: &Fault, id: &RequestId) {
    let Fault(error) = fault;
    if matches!(error.http_status(), 500 | 507) || matches!(error, Error::StoreUnavailable { .. }) {
        let (request_id, code) = (id.as_str(), error.code());
        tracing::error!(request_id, code, %error, "a request could not be served");
    }
}

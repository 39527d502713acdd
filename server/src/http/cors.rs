//! Calls from web pages of other origins, where the server was told to take them.

use axum::body::Body;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD,
    HeaderMap, HeaderValue, ORIGIN, VARY,
};
use axum::http::{Method, Request, StatusCode};
use axum::response::Response;
use windlass_core::{Error, Result};

const HEADERS: &str = "authorization, content-type, idempotency-key, last-event-id, traceparent, \
    windlass-tenant, x-request-id";
const EXPOSED: &str =
    "allow, ratelimit, ratelimit-policy, retry-after, windlass-time, x-request-id";

/// The origins that may call.
pub(crate) struct Cors {
    any: bool,
    origins: Vec<HeaderValue>,
}

impl Cors {
    /// Reads the origins; `None` when there are none.
    ///
    /// # Errors
    ///
    /// `invalid_argument` for one that is neither `*` nor `SCHEME://HOST[:PORT]`.
    pub(crate) fn new(origins: &[String]) -> Result<Option<Self>> {
        let mut cors = Self { any: false, origins: Vec::new() };
        for origin in origins {
            if origin == "*" {
                cors.any = true;
                continue;
            }
            let host = origin.split_once("://").map(|(_, host)| host);
            let value = HeaderValue::from_str(origin).ok();
            match (host, value) {
                (Some(host), Some(value)) if !host.is_empty() && !host.contains('/') => {
                    cors.origins.push(value);
                }
                _ => {
                    let reason = format!("must be * or SCHEME://HOST[:PORT], not {origin:?}");
                    return Err(Error::invalid("cors_origins", reason));
                }
            }
        }
        Ok((cors.any || !cors.origins.is_empty()).then_some(cors))
    }

    /// What to answer as the allowed origin, if the request's own is allowed.
    pub(crate) fn allowed(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let origin = headers.get(ORIGIN)?;
        if self.any {
            return Some(HeaderValue::from_static("*"));
        }
        self.origins.contains(origin).then(|| origin.clone())
    }

    /// The answer to a browser that asks whether it may call.
    pub(crate) fn preflight<B>(&self, request: &Request<B>) -> Option<Response> {
        let asks = request.method() == Method::OPTIONS
            && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        if !asks {
            return None;
        }
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        if self.allowed(request.headers()).is_some() {
            let headers = response.headers_mut();
            let methods = HeaderValue::from_static("GET, HEAD, POST, PUT, DELETE");
            headers.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(HEADERS));
            headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
        }
        Some(response)
    }

    /// Marks an answer as readable by the origin.
    pub(crate) fn expose(&self, headers: &mut HeaderMap, origin: Option<HeaderValue>) {
        if !self.any {
            headers.append(VARY, HeaderValue::from_static("origin"));
        }
        if let Some(origin) = origin {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
        }
    }
}

//! A request: who asks, and what its query and body say, read within their limits.

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, MatchedPath, Path, Request};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::request::Parts;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use windlass_core::{Error, Result};

use super::caller::Caller;
use super::json::{parse, text};
use super::problem::Fault;
use super::query::Query;
use super::serving::Serving;

/// A request whose caller is known.
pub(crate) struct Ask {
    pub(crate) caller: Caller,
    pub(crate) parts: Parts,
    body: Body,
}

impl FromRequest<Arc<Serving>> for Ask {
    type Rejection = Fault;

    async fn from_request(request: Request, _: &Arc<Serving>) -> Result<Self, Fault> {
        let (mut parts, body) = request.into_parts();
        let caller = parts.extensions.remove::<Caller>();
        let caller = caller.ok_or_else(|| Error::internal("a request came without its caller"))?;
        caller.peer.matched(parts.extensions.remove::<MatchedPath>());
        Ok(Self { caller, parts, body })
    }
}

/// A body that says nothing.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

/// The name in a path.
pub(crate) struct Named(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Fault> {
        let Path(name) = Path::<String>::from_request_parts(parts, state)
            .await
            .inspect_err(|_| refused_at(parts))
            .map_err(|_| Fault::api(404, "the name in the path is not UTF-8"))?;
        Ok(Self(name))
    }
}

/// Notes the path of a request that is refused before it is read, for log and metrics.
pub(crate) fn refused_at(parts: &Parts) {
    if let Some(caller) = parts.extensions.get::<Caller>() {
        caller.peer.matched(parts.extensions.get::<MatchedPath>().cloned());
    }
}

impl Ask {
    /// The query; see [`Query::of`].
    pub(crate) fn query(&self, known: &[&str]) -> Result<Query> {
        Query::of(&self.parts.uri, known)
    }

    /// The body as JSON.
    ///
    /// # Errors
    ///
    /// `invalid_argument` whose field is the place in the body, `payload_too_large`, and `api_error`
    /// with 408 and 415.
    pub(crate) async fn json<T: DeserializeOwned>(&mut self, serving: &Serving) -> Result<T> {
        let bytes = self.bytes(serving).await?;
        parse(text(&bytes)?)
    }

    /// The body's JSON text, not looked at. Errors as [`Ask::json`].
    pub(crate) async fn bytes(&mut self, serving: &Serving) -> Result<Bytes> {
        let bytes = self.any(serving).await?;
        self.must_be_json()?;
        Ok(bytes)
    }

    /// Checks that the body says nothing: it is empty, or `{}`.
    pub(crate) async fn nothing(&mut self, serving: &Serving) -> Result<()> {
        self.perhaps::<Nothing>(serving).await.map(drop)
    }

    /// The body as JSON; `None` when it is empty. Errors as [`Ask::json`].
    pub(crate) async fn perhaps<T: DeserializeOwned>(
        &mut self,
        serving: &Serving,
    ) -> Result<Option<T>> {
        let bytes = self.any(serving).await?;
        if bytes.is_empty() {
            return Ok(None);
        }
        self.must_be_json()?;
        parse(text(&bytes)?).map(Some)
    }

    fn must_be_json(&self) -> Result<()> {
        let given = self.parts.headers.get(CONTENT_TYPE).map(|value| value.as_bytes());
        let name = given.unwrap_or_default().split(|b| *b == b';').next().unwrap_or_default();
        if name.trim_ascii().eq_ignore_ascii_case(b"application/json") {
            return Ok(());
        }
        Err(Error::Api {
            status_code: 415,
            reason: "send the body as Content-Type: application/json".to_owned(),
        })
    }

    async fn any(&mut self, serving: &Serving) -> Result<Bytes> {
        let (limit, time) = (serving.options.body_limit, serving.options.body_timeout);
        let declared = self.parts.headers.get(CONTENT_LENGTH);
        let declared = declared.and_then(|n| n.to_str().ok()?.parse::<u64>().ok()).unwrap_or(0);
        if declared > limit as u64 {
            return Err(too_large(declared, limit));
        }
        let mut read = pin!(collect(std::mem::take(&mut self.body), limit));
        // Most bodies came with their head: those need no clock.
        if let Poll::Ready(read) = futures_util::poll!(&mut read) {
            return read;
        }
        match tokio::time::timeout(time, read).await {
            Ok(read) => read,
            Err(_) => Err(Error::Api {
                status_code: 408,
                reason: format!("the body took longer than {} seconds", time.as_secs_f64()),
            }),
        }
    }
}

/// Reads a body to its end, or until it is over the limit; see [`super::unread`] for the rest.
async fn collect(mut body: Body, limit: usize) -> Result<Bytes> {
    let broken = |_| Error::Api { status_code: 400, reason: "the body broke off".to_owned() };
    let mut first: Option<Bytes> = None;
    let mut all = BytesMut::new();
    let mut size = 0;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(broken)?.into_data() else { continue };
        size += data.len();
        if size > limit {
            return Err(too_large(size as u64, limit));
        }
        match first.take() {
            // Most bodies are one piece, and are not copied.
            None if all.is_empty() => first = Some(data),
            None => all.extend_from_slice(&data),
            Some(piece) => {
                all.extend_from_slice(&piece);
                all.extend_from_slice(&data);
            }
        }
    }
    Ok(first.unwrap_or_else(|| all.freeze()))
}

fn too_large(size_bytes: u64, limit: usize) -> Error {
    Error::PayloadTooLarge { field: "body".to_owned(), size_bytes, limit_bytes: limit as u64 }
}

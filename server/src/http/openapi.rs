//! The description of the interface, made from the handlers.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::StatusCode;
use axum::routing::get;
use bytes::Bytes;
use utoipa::openapi::OpenApi;

use super::answer::{self, Answer};
use super::ask::Ask;
use super::serving::Serving;

/// The route that answers the description.
pub(crate) fn routes(description: OpenApi) -> Router<Arc<Serving>> {
    let text = Bytes::from(serde_json::to_vec(&description).unwrap_or_default());
    Router::new().route("/api/v1/openapi.json", get(|ask: Ask| answer(ask, text)))
}

async fn answer(ask: Ask, text: Bytes) -> Answer {
    ask.query(&[])?;
    Ok(answer::of(StatusCode::OK, Body::from(text)))
}

//! The metrics of this process, for Prometheus and its like.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, HeaderValue};
use axum::response::Response;
use axum::routing::get;

use super::answer::Answer;
use super::ask::Ask;
use super::serving::Serving;
use crate::observe;

/// The route, at the root.
pub(crate) fn routes() -> Router<Arc<Serving>> {
    Router::new().route("/metrics", get(read))
}

/// All metrics as OpenMetrics text. Prometheus reads it, also where it expects its older form.
pub(crate) async fn read(State(serving): State<Arc<Serving>>, ask: Ask) -> Answer {
    ask.query(&[])?;
    serving.metrics.http().streams_are(serving.streams());
    let text = serving.metrics.read(&*serving.service).await;
    let mut response = Response::new(Body::from(text));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(observe::CONTENT_TYPE));
    Ok(response)
}

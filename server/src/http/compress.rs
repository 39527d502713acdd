//! Gzip for answers that are worth it.

use std::convert::Infallible;

use axum::body::Body;
use axum::http::header::{ACCEPT_ENCODING, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, Request};
use axum::response::Response;
use http_body::Body as _;
use tower::Service as _;
use tower_http::compression::Compression;

/// Bytes from which an answer is compressed.
const LEAST: u64 = 1024;

/// The answer carries leases: nothing may stand between its bytes and the connection.
#[derive(Clone)]
pub(crate) struct AsItIs;

/// Whether the client takes gzip.
pub(crate) fn accepted(headers: &HeaderMap) -> bool {
    headers.get_all(ACCEPT_ENCODING).iter().any(|value| {
        value.to_str().is_ok_and(|text| {
            text.split(',').any(|one| {
                let (name, q) = one.split_once(';').unwrap_or((one, ""));
                let refused = matches!(q.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000");
                name.trim().eq_ignore_ascii_case("gzip") && !refused
            })
        })
    })
}

/// The answer, compressed when it is long; a stream never is.
pub(crate) async fn compressed(response: Response) -> Response {
    let long = response.body().size_hint().exact().is_some_and(|size| size > LEAST);
    let json = response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind != "text/event-stream");
    if !long || !json || response.extensions().get::<AsItIs>().is_some() {
        return response;
    }
    let mut request = Request::new(());
    request.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
    let mut response = Some(response);
    let mut gzip = Compression::new(tower::service_fn(|_: Request<()>| {
        let response = response.take().unwrap_or_default();
        std::future::ready(Ok::<_, Infallible>(response))
    }))
    .gzip(true);
    let Ok(compressed) = gzip.call(request).await;
    compressed.map(Body::new)
}

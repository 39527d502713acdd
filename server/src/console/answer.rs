//! Answers with files of the console.

use axum::body::Body;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderName, HeaderValue,
    VARY,
};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use serde::Serialize;

use super::accept;
use super::assets::{Asset, Assets, find};

/// What every answer of the console says to the browser: load nothing from elsewhere, run nothing that is
/// no file of the console, stay out of frames, believe the types, and tell nobody where one came from.
const SAFETY: [(&str, &str); 5] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
         img-src 'self' data:; connect-src 'self'; font-src 'self'; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
];

/// The page of a build without the console.
const MISSING: &str = "<!doctype html>
<html lang=\"en\">
<head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">
<title>Windlass</title></head>
<body>
<h1>The server runs; this build has no console</h1>
<p>Run <code>scripts/setup.sh console build</code> in a clone of the sources, which needs Node.js, and
start the server again. Everything else works: see <code>/api/v1/openapi.json</code>.</p>
</body>
</html>
";

/// A request for a file.
pub(crate) struct Asked<'a> {
    pub(crate) method: &'a Method,
    pub(crate) path: &'a str,
    pub(crate) headers: &'a HeaderMap,
}

/// The file at the path, if there is one.
pub(crate) fn file(assets: Assets, asked: &Asked<'_>) -> Option<Response> {
    Some(with(find(assets, asked.path)?, asked))
}

/// The console's page, whatever the path: which view it shows it reads from there itself.
pub(crate) fn page(assets: Assets, asked: &Asked<'_>) -> Response {
    match find(assets, "/index.html") {
        Some(index) => with(index, asked),
        None => missing(asked),
    }
}

/// Whether somebody asks for a page of the console: by a browser's address line, at no path of the
/// interface, and for no file.
pub(crate) fn is_page(asked: &Asked<'_>) -> bool {
    let elsewhere = ["/api", "/metrics", "/health", "/assets/", "/console.json"];
    let reads = asked.method == Method::GET || asked.method == Method::HEAD;
    reads
        && !elsewhere.iter().any(|path| asked.path.starts_with(path))
        && accept::page(asked.headers)
}

/// What the console must know before it calls.
#[derive(Serialize)]
pub(crate) struct About {
    pub(crate) version: &'static str,
    pub(crate) read_only: bool,
    pub(crate) key_required: bool,
}

/// The answer at `/console.json`.
pub(crate) fn about(about: &About) -> Response {
    let text = serde_json::to_vec(about).unwrap_or_default();
    let mut response = safe(Response::new(Body::from(text)));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A file in the shortest form that is taken, or that the asker has it already.
fn with(asset: &'static Asset, asked: &Asked<'_>) -> Response {
    let taken = |name| accept::encoding(asked.headers, name);
    let (bytes, encoding) = match (asset.brotli, asset.gzip) {
        (Some(bytes), _) if taken("br") => (bytes, Some("br")),
        (_, Some(bytes)) if taken("gzip") => (bytes, Some("gzip")),
        _ => (asset.identity, None),
    };
    let digest = asset.digest;
    let tag = encoding.map_or_else(|| format!("\"{digest}\""), |e| format!("\"{digest}-{e}\""));
    let mut response = if accept::has(asked.headers, &tag) {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        let mut response = whole(bytes, asked);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(asset.kind()));
        if let Some(encoding) = encoding {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
        }
        response
    };
    let headers = response.headers_mut();
    if let Ok(tag) = HeaderValue::try_from(tag) {
        headers.insert(ETAG, tag);
    }
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(keep(asset)));
    safe(response)
}

/// How long a browser may keep a file: for good when another content has another name, else until it has
/// asked.
fn keep(asset: &Asset) -> &'static str {
    if asset.is_named_by_content() { "public, max-age=31536000, immutable" } else { "no-cache" }
}

fn missing(asked: &Asked<'_>) -> Response {
    let mut response = whole(MISSING.as_bytes(), asked);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    safe(response)
}

/// The bytes; only how many there are when nothing else was asked.
fn whole(bytes: &'static [u8], asked: &Asked<'_>) -> Response {
    let body = match *asked.method == Method::HEAD {
        true => Body::empty(),
        false => Body::from(Bytes::from_static(bytes)),
    };
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(bytes.len()));
    response
}

fn safe(mut response: Response) -> Response {
    for (name, value) in SAFETY {
        let name = HeaderName::from_static(name);
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests;

//! What a browser says that it takes.

use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, ACCEPT_ENCODING, HeaderName, IF_NONE_MATCH};

/// Whether an element of a header's list is named with a weight above 0.
fn takes(headers: &HeaderMap, header: &HeaderName, name: &str) -> bool {
    elements(headers, header).any(|element| {
        let mut parts = element.split(';').map(str::trim);
        let is_it = parts.next().is_some_and(|given| given.eq_ignore_ascii_case(name));
        let weight = parts.find_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q=")));
        is_it && weight.is_none_or(|q| q.parse::<f32>().is_ok_and(|q| q > 0.0))
    })
}

fn elements<'a>(headers: &'a HeaderMap, header: &HeaderName) -> impl Iterator<Item = &'a str> {
    let values = headers.get_all(header).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

/// Whether a page is asked for by name; `*/*` alone is what programs send.
pub(super) fn page(headers: &HeaderMap) -> bool {
    takes(headers, &ACCEPT, "text/html") || takes(headers, &ACCEPT, "application/xhtml+xml")
}

/// Whether an encoding is taken.
pub(super) fn encoding(headers: &HeaderMap, name: &str) -> bool {
    takes(headers, &ACCEPT_ENCODING, name)
}

/// Whether the asker has what this tag names (RFC 9110, 13.1.2: compared weakly).
pub(super) fn has(headers: &HeaderMap, tag: &str) -> bool {
    elements(headers, &IF_NONE_MATCH)
        .any(|given| given == "*" || given.strip_prefix("W/").unwrap_or(given) == tag)
}

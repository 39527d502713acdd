//! Graphs of stages, drawn.

use napi_derive::napi;

use crate::failure::raised;

/// The flowchart of stages; see `windlass_json::mermaid`.
#[napi]
pub fn mermaid(
    names: Vec<String>,
    from: Vec<String>,
    to: Vec<u32>,
    statuses: Vec<String>,
) -> napi::Result<String> {
    raised(windlass_json::mermaid::draw(&names, from, &to, &statuses))
}

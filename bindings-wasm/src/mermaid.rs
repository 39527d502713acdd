//! Graphs of stages, drawn.

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::failure::{raised, tell_panics};

/// The flowchart of stages; see `windlass_json::mermaid`.
#[wasm_bindgen]
pub fn mermaid(
    names: Vec<String>,
    from: Vec<String>,
    to: Vec<u32>,
    statuses: Vec<String>,
) -> Result<String, JsValue> {
    tell_panics();
    raised(windlass_json::mermaid::draw(&names, from, &to, &statuses))
}

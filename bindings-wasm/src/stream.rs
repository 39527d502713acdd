//! Histories, stages and events, followed.

use js_sys::Promise;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::promise::optional;

/// What is followed: a task's history, a pipeline's stages or all tasks.
#[wasm_bindgen(js_name = NativeStream)]
pub struct Stream(pub(crate) windlass_json::Stream);

#[wasm_bindgen(js_class = NativeStream)]
impl Stream {
    /// The next record; `null` when there are no more, or once it is closed.
    pub fn next(&self) -> Promise {
        let stream = self.0.clone();
        optional(async move { stream.next().await })
    }

    /// Ends the wait of `next`. Again is no error.
    pub fn close(&self) {
        self.0.close();
    }
}

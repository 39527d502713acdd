//! Histories and events, followed.

use js_sys::Promise;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::promise::optional;

#[cfg(feature = "whole")]
type Source = windlass_json::Updates;
/// Its records are handed on as they came.
#[cfg(not(feature = "whole"))]
type Source = windlass_json::Updates<windlass_client::TextClient>;

/// A task's history as it grows.
#[wasm_bindgen(js_name = NativeUpdates)]
pub struct Updates(pub(crate) Source);

#[wasm_bindgen(js_class = NativeUpdates)]
impl Updates {
    /// The next entry's record; `null` after the final one, or once it is closed.
    pub fn next(&self) -> Promise {
        let updates = self.0.clone();
        optional(async move { updates.next().await })
    }

    /// Ends the wait of `next`. Again is no error.
    pub fn close(&self) {
        self.0.close();
    }
}

/// What happens to all tasks, as it happens.
#[cfg(feature = "whole")]
#[wasm_bindgen(js_name = NativeEvents)]
pub struct Events(pub(crate) std::rc::Rc<dyn crate::seldom::Source>);

#[cfg(feature = "whole")]
#[wasm_bindgen(js_class = NativeEvents)]
impl Events {
    /// The next event's record; `null` once it or the client is closed.
    pub fn next(&self) -> Promise {
        optional(self.0.next())
    }

    /// Ends the wait of `next`. Again is no error.
    pub fn close(&self) {
        self.0.close();
    }
}

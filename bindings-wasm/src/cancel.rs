//! Calls that are given up.

use wasm_bindgen::prelude::wasm_bindgen;
use windlass_core::Result;
use windlass_core::future::BoxFuture;

/// Ends the call that it is given to.
#[wasm_bindgen]
#[derive(Default)]
pub struct Cancel(windlass_json::Cancel);

#[wasm_bindgen]
impl Cancel {
    /// One for one call.
    #[wasm_bindgen(constructor)]
    pub fn new() -> Self {
        Self::default()
    }

    /// Drops the work; the caller is told that it was aborted. Again is no error.
    pub fn abort(&self) {
        self.0.abort();
    }

    /// Another handle on the same: an argument that may be left out cannot be borrowed.
    pub fn share(&self) -> Self {
        Self(self.0.clone())
    }
}

#[wasm_bindgen]
extern "C" {
    /// A `Cancel` in JavaScript's hands.
    pub type CancelObject;

    #[wasm_bindgen(method)]
    fn share(this: &CancelObject) -> Cancel;
}

/// `work`, unless it is aborted first. Boxed, so that what waits for both is there once and not once for each verb.
pub(crate) fn or<T: 'static>(
    cancel: Option<CancelObject>,
    work: impl Future<Output = Result<T>> + 'static,
) -> BoxFuture<'static, Result<T>> {
    let work: BoxFuture<'static, Result<T>> = Box::pin(work);
    let Some(cancel) = cancel.map(|object| object.share()) else { return work };
    Box::pin(windlass_json::Cancel::or(Some(&cancel.0), work))
}

//! Answers on their way to JavaScript.

use js_sys::Promise;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::future_to_promise;
use windlass_core::Result;

use crate::failure::exception;

/// A promise of what `work` answers. Work goes on whether or not anybody awaits it.
pub(crate) fn promise<T: Into<JsValue>>(
    work: impl Future<Output = Result<T>> + 'static,
) -> Promise {
    future_to_promise(async move { work.await.map(Into::into).map_err(|error| exception(&error)) })
}

/// A promise of text, or of `null`.
pub(crate) fn optional(work: impl Future<Output = Result<Option<String>>> + 'static) -> Promise {
    promise(async move { Ok(work.await?.map_or(JsValue::NULL, JsValue::from)) })
}

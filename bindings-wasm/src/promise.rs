//! Answers on their way to JavaScript.

use js_sys::Promise;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::future_to_promise;
use windlass_core::Result;
use windlass_core::future::BoxFuture;

use crate::failure::exception;

/// A promise of the text that `work` answers. Work goes on whether or not anybody awaits it.
pub(crate) fn promise(work: impl Future<Output = Result<String>> + 'static) -> Promise {
    of_text(Box::pin(work))
}

/// A promise of text, or of `null`.
pub(crate) fn optional(work: impl Future<Output = Result<Option<String>>> + 'static) -> Promise {
    of_optional(Box::pin(work))
}

/// The same of work that is boxed already.
#[cfg(not(feature = "whole"))]
pub(crate) fn text(work: BoxFuture<'static, Result<String>>) -> Promise {
    of_text(work)
}

// Boxed, so that what settles a promise is there once and not once for each verb.
fn of_text(work: BoxFuture<'static, Result<String>>) -> Promise {
    future_to_promise(async move { work.await.map(JsValue::from).map_err(|e| exception(&e)) })
}

fn of_optional(work: BoxFuture<'static, Result<Option<String>>>) -> Promise {
    future_to_promise(async move {
        match work.await {
            Ok(text) => Ok(text.map_or(JsValue::NULL, JsValue::from)),
            Err(error) => Err(exception(&error)),
        }
    })
}

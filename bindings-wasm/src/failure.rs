//! Errors and panics as JavaScript reads them.

use std::panic;
use std::sync::Once;

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use windlass_core::{Error, Result};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = console, js_name = error)]
    fn console_error(text: &str);
}

/// An `Error` whose message is the JSON text `{"code", "message", "fields"}`.
pub(crate) fn exception(error: &Error) -> JsValue {
    js_sys::Error::new(&told(error)).into()
}

#[cfg(not(any(feature = "rules", feature = "dynamic")))]
fn told(error: &Error) -> String {
    windlass_json::failure(error)
}

/// Rules refuse arguments, and nothing else happens to them: written by the page's own JSON, since
/// ours would be half of the module.
#[cfg(any(feature = "rules", feature = "dynamic"))]
fn told(error: &Error) -> String {
    let fields = match error {
        Error::InvalidArgument { field, reason } => {
            format!("{{\"field\":{},\"reason\":{}}}", quoted(field), quoted(reason))
        }
        other => format!("{{\"reason\":{}}}", quoted(&other.to_string())),
    };
    let (code, message) = (quoted(error.code()), quoted(&error.to_string()));
    format!("{{\"code\":{code},\"message\":{message},\"fields\":{fields}}}")
}

#[cfg(any(feature = "rules", feature = "dynamic"))]
fn quoted(text: &str) -> String {
    js_sys::JSON::stringify(&JsValue::from_str(text)).map(String::from).unwrap_or_default()
}

/// The value of `result`, or its exception.
pub(crate) fn raised<T>(result: Result<T>) -> Result<T, JsValue> {
    result.map_err(|error| exception(&error))
}

/// A panic ends the whole module, so the place where it happened is told, and whoever waits is told that nothing
/// will come. Never what it was about: that may be a user's data.
pub(crate) fn tell_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        panic::set_hook(Box::new(|panic| {
            let (file, line) = panic.location().map_or(("", 0), |at| (at.file(), at.line()));
            console_error(&format!("windlass: a broken invariant at {file}:{line}"));
            // Rules answer at once: nobody waits.
            #[cfg(not(any(feature = "rules", feature = "dynamic")))]
            crate::promise::reject_all();
        }));
    });
}

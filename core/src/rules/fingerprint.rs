//! What an idempotency key stands for.

use sha2::{Digest, Sha256};
#[cfg(target_family = "wasm")]
use wasm_bindgen::JsCast;

use crate::error::{Error, Result};
use crate::words::Payload;

/// What the key of a batch, block or pipeline stands for, told part by part.
#[derive(Default)]
pub struct Print(Sha256);

impl Print {
    /// Adds text.
    pub fn text(&mut self, part: &str) {
        // The length keeps ("ab", "c") apart from ("a", "bc").
        self.0.update((part.len() as u64).to_be_bytes());
        self.0.update(part.as_bytes());
    }

    /// Adds what a task is: its type, queue and canonical payload.
    ///
    /// # Errors
    ///
    /// `invalid_payload` when the payload has no canonical form.
    pub fn task(&mut self, task_type: &str, queue: &str, payload: &Payload) -> Result<()> {
        self.0.update(of(task_type, queue, payload)?);
        Ok(())
    }

    /// Goes on where another print was finished.
    pub fn after(head: [u8; 32]) -> Self {
        Self(Sha256::new_with_prefix(head))
    }

    /// The print of all parts.
    pub fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

/// SHA-256 over task type, queue and the canonical payload.
///
/// Two requests with one key are the same when these are equal; member order, white space and the
/// spelling of numbers do not matter.
///
/// Source: RFC 8785, JSON Canonicalization Scheme. Vectors: `spec/vectors/pure/fingerprint.json`.
///
/// # Errors
///
/// `invalid_payload` when the payload has no canonical form.
pub fn of(task_type: &str, queue: &str, payload: &Payload) -> Result<[u8; 32]> {
    let mut hash = Sha256::new();
    for part in [task_type, queue] {
        // The length keeps ("ab", "c") apart from ("a", "bc").
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hash.update(canonical(payload)?);
    Ok(hash.finalize().into())
}

/// The canonical text of a payload.
///
/// # Errors
///
/// `invalid_payload` when the payload has no canonical form.
#[cfg(not(target_family = "wasm"))]
pub fn canonical(payload: &Payload) -> Result<Vec<u8>> {
    let value: serde_json::Value = payload.read("payload")?;
    serde_json_canonicalizer::to_vec(&value).map_err(|error| unwritable(&error.to_string()))
}

/// The same in a browser. The form was made of what JavaScript writes and how it sorts, so that is asked: what
/// would do it here is large.
#[cfg(target_family = "wasm")]
pub fn canonical(payload: &Payload) -> Result<Vec<u8>> {
    let mut text = String::new();
    js_sys::JSON::parse(payload.as_str())
        .and_then(|value| write(&mut text, &value))
        .map_err(|_| unwritable("has no canonical form"))?;
    Ok(text.into_bytes())
}

#[cfg(target_family = "wasm")]
fn write(text: &mut String, value: &wasm_bindgen::JsValue) -> Result<(), wasm_bindgen::JsValue> {
    let is_list = js_sys::Array::is_array(value);
    if value.is_null() || !value.is_object() {
        text.push_str(&String::from(js_sys::JSON::stringify(value)?));
        return Ok(());
    }
    text.push(if is_list { '[' } else { '{' });
    let names: js_sys::Array =
        js_sys::Object::keys(value.unchecked_ref::<js_sys::Object>()).unchecked_into();
    let names = if is_list { names } else { names.sort() };
    for (place, name) in names.iter().enumerate() {
        text.push_str(if place > 0 { "," } else { "" });
        if !is_list {
            text.push_str(&String::from(js_sys::JSON::stringify(&name)?));
            text.push(':');
        }
        write(text, &js_sys::Reflect::get(value, &name)?)?;
    }
    text.push(if is_list { ']' } else { '}' });
    Ok(())
}

fn unwritable(reason: &str) -> Error {
    Error::InvalidPayload { field: "payload".to_owned(), reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spelling_does_not_matter_and_content_does() {
        let print = |text: &str| of("t", "q", &Payload::new("payload", text).unwrap()).unwrap();
        assert_eq!(print(r#"{"b":1.0,"a":[1e2]}"#), print("{ \"a\": [100], \"b\": 1 }"));
        assert_ne!(print(r#"{"a":1}"#), print(r#"{"a":2}"#));
        assert_ne!(
            of("t", "qx", &Payload::null()).unwrap(),
            of("tq", "x", &Payload::null()).unwrap()
        );
    }
}

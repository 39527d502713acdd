//! What an idempotency key stands for.

use sha2::{Digest, Sha256};

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
pub fn canonical(payload: &Payload) -> Result<Vec<u8>> {
    let value: serde_json::Value = payload.read("payload")?;
    serde_json_canonicalizer::to_vec(&value)
        .map_err(|e| Error::InvalidPayload { field: "payload".to_owned(), reason: e.to_string() })
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

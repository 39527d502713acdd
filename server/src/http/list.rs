//! Answers that hold many tasks: written one by one, and never larger than a server can afford.

use axum::body::Body;
use axum::http::StatusCode;
use serde::Serialize;
use windlass_core::{Error, Result};

use super::answer::{self, Answer};

/// Bytes of an answer. Many may be under way at once, and each is held as a whole.
pub(crate) const LARGEST: usize = 64 << 20;

/// The text `{"tasks":[…` as it grows.
pub(crate) struct List(Vec<u8>);

impl List {
    /// An empty list.
    pub(crate) fn new() -> Self {
        Self(b"{\"tasks\":[".to_vec())
    }

    /// Adds an entry.
    ///
    /// # Errors
    ///
    /// `payload_too_large` with `field`, which says how many were asked for: ask for fewer.
    pub(crate) fn push(&mut self, field: &str, entry: &impl Serialize) -> Result<()> {
        if !self.0.ends_with(b"[") {
            self.0.push(b',');
        }
        serde_json::to_writer(&mut self.0, entry)
            .map_err(|error| Error::internal(error.to_string()))?;
        let size_bytes = self.0.len() as u64;
        if self.0.len() > LARGEST {
            let (field, limit_bytes) = (field.to_owned(), LARGEST as u64);
            return Err(Error::PayloadTooLarge { field, size_bytes, limit_bytes });
        }
        Ok(())
    }

    /// 200 with the list.
    pub(crate) fn answer(mut self) -> Answer {
        self.0.extend_from_slice(b"]}");
        Ok(answer::of(StatusCode::OK, Body::from(self.0)))
    }
}

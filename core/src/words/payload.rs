//! JSON text that is carried, and the labels beside it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::value::RawValue;

use crate::error::Error;
use crate::words::json;

/// Labels of a task: text to text. Scalars given as values are stored as their JSON text.
pub type Labels = BTreeMap<String, String>;

/// JSON text, checked once without building a tree and then kept byte for byte.
///
/// NaN, infinities, duplicate keys, invalid UTF-8 and nesting deeper than 127 are refused. Cloning
/// is cheap.
#[derive(Clone, PartialEq, Eq)]
pub struct Payload(Arc<str>);

impl Payload {
    /// Checks `text` and keeps it.
    ///
    /// # Errors
    ///
    /// `invalid_payload` with `field`.
    pub fn new(field: &str, text: impl Into<Arc<str>>) -> Result<Self, Error> {
        let text = text.into();
        json::check(&text)
            .map_err(|reason| Error::InvalidPayload { field: field.to_owned(), reason })?;
        Ok(Self(text))
    }

    /// Keeps text that was checked before, as a store does with what it reads.
    pub fn trusted(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The JSON text of a value.
    ///
    /// # Errors
    ///
    /// `invalid_payload` when the value has no JSON form.
    pub fn of(field: &str, value: &impl Serialize) -> Result<Self, Error> {
        serde_json::to_string(value)
            .map(Self::trusted)
            .map_err(|e| Error::InvalidPayload { field: field.to_owned(), reason: e.to_string() })
    }

    /// `null`.
    pub fn null() -> Self {
        Self("null".into())
    }

    /// The text, byte for byte as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Size in bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Never: the shortest JSON text has one byte.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Reads the text as a value.
    ///
    /// # Errors
    ///
    /// `invalid_payload` when the text has another shape.
    pub fn read<T: de::DeserializeOwned>(&self, field: &str) -> Result<T, Error> {
        serde_json::from_str(&self.0)
            .map_err(|e| Error::InvalidPayload { field: field.to_owned(), reason: e.to_string() })
    }
}

impl From<serde_json::Value> for Payload {
    /// A value has no key twice and no number that is not JSON: nothing is left to check.
    fn from(value: serde_json::Value) -> Self {
        Self::trusted(value.to_string())
    }
}

impl Default for Payload {
    fn default() -> Self {
        Self::null()
    }
}

impl fmt::Debug for Payload {
    // Payloads stay out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({} bytes)", self.0.len())
    }
}

impl Serialize for Payload {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        <&RawValue>::deserialize(&mut serde_json::Deserializer::from_str(&self.0))
            .map_err(serde::ser::Error::custom)?
            .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Payload {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Self::new("payload", Box::<str>::from(raw)).map_err(de::Error::custom)
    }
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for Payload {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        crate::words::schema::Json::schema()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for Payload {}

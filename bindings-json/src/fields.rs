//! Objects of options, each field read by name.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use windlass_core::words::duration_from_seconds;
use windlass_core::{Error, Payload, Result};

/// The fields of an object that are not read yet. `null` stands for left out.
pub struct Fields(BTreeMap<String, Box<RawValue>>);

impl Fields {
    /// Reads JSON text of an object.
    ///
    /// # Errors
    ///
    /// `invalid_argument` with `what` as the field.
    pub fn read(what: &str, text: &str) -> Result<Self> {
        record(what, text).map(Self)
    }

    /// A field of any type.
    ///
    /// # Errors
    ///
    /// `invalid_argument` with the name of the field.
    pub fn take<T: DeserializeOwned>(&mut self, name: &str) -> Result<Option<T>> {
        match self.raw(name) {
            Some(raw) => record(name, &raw).map(Some),
            None => Ok(None),
        }
    }

    /// A duration in seconds. Errors as `take`.
    pub fn seconds(&mut self, name: &str) -> Result<Option<Duration>> {
        self.take(name)?.map(|number| duration_from_seconds(name, number)).transpose()
    }

    /// A whole number. Errors as `take`.
    pub fn count<T: TryFrom<u64>>(&mut self, name: &str) -> Result<Option<T>> {
        let Some(number) = self.take::<f64>(name)? else { return Ok(None) };
        let whole = (number >= 0.0 && number.fract() == 0.0 && number < 9.1e15)
            .then(|| T::try_from(number as u64).ok())
            .flatten();
        let reason =
            || format!("must be a whole number of 0 or more that is not too large, not {number}");
        whole.map(Some).ok_or_else(|| Error::invalid(name, reason()))
    }

    /// JSON text of an object, as it is.
    ///
    /// # Errors
    ///
    /// `invalid_payload`.
    pub fn json(&mut self, name: &str) -> Result<Option<Payload>> {
        self.raw(name).map(|raw| Payload::new(name, &*raw)).transpose()
    }

    /// JSON text of a field, unless it is `null`.
    pub fn raw(&mut self, name: &str) -> Option<String> {
        self.0.remove(name).map(|raw| raw.get().to_owned()).filter(|raw| raw != "null")
    }

    /// Refuses what is left.
    ///
    /// # Errors
    ///
    /// `invalid_argument` with the name of the field.
    pub fn end(self) -> Result<()> {
        match self.0.into_keys().next() {
            Some(name) => Err(Error::invalid(name, "is not known here")),
            None => Ok(()),
        }
    }
}

/// A record from its JSON text.
///
/// # Errors
///
/// `invalid_argument` with `what` as the field.
pub(crate) fn record<'a, T: Deserialize<'a>>(what: &str, text: &'a str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| {
        // The place within one value says nothing to the reader.
        let text = error.to_string();
        Error::invalid(what, text.split(" at line ").next().unwrap_or(&text))
    })
}

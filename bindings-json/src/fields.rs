//! Objects of options, each field read by name.

use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use windlass_core::words::duration_from_seconds;
use windlass_core::words::members::{self, Members, fraction, unreadable};
use windlass_core::{Error, Payload, Result};

/// The fields of an object that are not read yet. `null` stands for left out.
pub struct Fields<'a>(Members<'a>);

impl<'a> Fields<'a> {
    /// Reads JSON text of an object.
    ///
    /// # Errors
    ///
    /// `invalid_argument` with `what` as the field.
    pub fn read(what: &str, text: &'a str) -> Result<Self> {
        Members::read(what, text).map(Self)
    }

    /// A field of any type. The readers below are smaller, where they fit.
    ///
    /// # Errors
    ///
    /// `invalid_argument` with the name of the field.
    pub fn take<T: DeserializeOwned>(&mut self, name: &str) -> Result<Option<T>> {
        match self.raw(name) {
            Some(raw) => record(name, raw).map(Some),
            None => Ok(None),
        }
    }

    /// Text. Errors as `take`.
    pub fn text(&mut self, name: &str) -> Result<Option<String>> {
        let Some(raw) = self.raw(name) else { return Ok(None) };
        members::text(raw).map(Some).map_err(|error| unreadable(name, &error))
    }

    /// A list of texts. Errors as `take`.
    pub fn texts(&mut self, name: &str) -> Result<Option<Vec<String>>> {
        let Some(raw) = self.raw(name) else { return Ok(None) };
        members::texts(raw).map(Some).map_err(|error| unreadable(name, &error))
    }

    /// Yes or no. Errors as `take`.
    pub fn flag(&mut self, name: &str) -> Result<Option<bool>> {
        match self.raw(name) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => Err(Error::invalid(name, "must be true or false")),
        }
    }

    /// A number. Errors as `take`.
    pub fn number(&mut self, name: &str) -> Result<Option<f64>> {
        self.raw(name).map(|raw| fraction(name, raw)).transpose()
    }

    /// A duration in seconds. Errors as `take`.
    pub fn seconds(&mut self, name: &str) -> Result<Option<Duration>> {
        self.number(name)?.map(|number| duration_from_seconds(name, number)).transpose()
    }

    /// A whole number. Errors as `take`.
    pub fn count<T: TryFrom<u64>>(&mut self, name: &str) -> Result<Option<T>> {
        let Some(raw) = self.raw(name) else { return Ok(None) };
        let whole = T::try_from(whole(name, raw)?).map(Some);
        whole.map_err(|_| refused(name, raw))
    }

    /// A list of whole numbers. Errors as `take`.
    pub fn counts<T: TryFrom<u64>>(&mut self, name: &str) -> Result<Option<Vec<T>>> {
        let Some(raw) = self.raw(name) else { return Ok(None) };
        let items = members::list(raw).map_err(|error| unreadable(name, &error))?;
        let count = |text: &str| T::try_from(whole(name, text)?).map_err(|_| refused(name, text));
        items.iter().map(|item| count(item)).collect::<Result<_>>().map(Some)
    }

    /// JSON text of an object, as it is.
    ///
    /// # Errors
    ///
    /// `invalid_payload`.
    pub fn json(&mut self, name: &str) -> Result<Option<Payload>> {
        self.raw(name).map(|raw| Payload::new(name, raw)).transpose()
    }

    /// JSON text of a field, unless it is `null`.
    pub fn raw(&mut self, name: &str) -> Option<&'a str> {
        self.0.take(name)
    }

    /// Refuses what is left.
    ///
    /// # Errors
    ///
    /// `invalid_argument` with the name of the field.
    pub fn end(self) -> Result<()> {
        match self.0.0.into_iter().next() {
            Some((name, _)) => Err(Error::invalid(name, "is not known here")),
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
    serde_json::from_str(text).map_err(|error| unreadable(what, &error))
}

/// The whole number that JSON text is. Some languages write one as `7.0`.
fn whole(name: &str, text: &str) -> Result<u64> {
    let number = fraction(name, text)?;
    let is_whole = number >= 0.0 && number.fract() == 0.0 && number < 9.1e15;
    if is_whole { Ok(number as u64) } else { Err(refused(name, text)) }
}

fn refused(name: &str, text: &str) -> Error {
    let reason = ["must be a whole number of 0 or more that is not too large, not ", text].concat();
    Error::invalid(name, reason)
}

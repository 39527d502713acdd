//! Objects of which only the members are looked at.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use windlass_core::{Error, Result};

/// The members of an object, in order.
pub(crate) struct Members(pub(crate) Vec<(String, Box<RawValue>)>);

impl Members {
    /// Reads an argument.
    ///
    /// # Errors
    ///
    /// `invalid_argument` with `what` as the field.
    pub(crate) fn read(what: &str, text: &str) -> Result<Self> {
        serde_json::from_str(text).map_err(|error| Error::invalid(what, error.to_string()))
    }

    /// Text of a member, unless it is `null`.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, raw)| raw.get()).filter(|text| *text != "null")
    }

    /// Whether there is such a member, if only `null`.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }

    /// Takes a member out.
    pub(crate) fn take(&mut self, name: &str) -> Option<Box<RawValue>> {
        let at = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.remove(at).1).filter(|raw| raw.get() != "null")
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Take;
        impl<'de> Visitor<'de> for Take {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(
                self,
                mut map: A,
            ) -> std::result::Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Take)
    }
}

/// What a JSON text says in a URL: a text without its quotes, anything else as it stands.
///
/// # Errors
///
/// `invalid_argument` with `field`.
pub(crate) fn plain(field: &str, raw: &RawValue) -> Result<String> {
    match raw.get().starts_with('"') {
        true => serde_json::from_str(raw.get())
            .map_err(|error| Error::invalid(field, error.to_string())),
        false => Ok(raw.get().to_owned()),
    }
}

/// JSON text of a text.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

//! Records and errors as JSON text.

use serde::Serialize;
use windlass_core::words::members::quoted;
use windlass_core::{Error, Result};

/// The JSON text of a record.
pub(crate) fn text(record: &impl Serialize) -> Result<String> {
    serde_json::to_string(record).map_err(|error| Error::internal(error.to_string()))
}

/// An error as JSON text: `{"code", "message", "fields"}`.
pub fn failure(error: &Error) -> String {
    let (message, fields) = (quoted(&error.to_string()), error.details());
    let parts =
        ["{\"code\":\"", error.code(), "\",\"message\":", &message, ",\"fields\":", &fields, "}"];
    parts.concat()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn an_error_says_its_code_its_words_and_its_fields() {
        let told = failure(&Error::invalid("limit", "must be 1 to 1000, not 0"));
        let told: Value = serde_json::from_str(&told).unwrap();
        assert_eq!(told["code"], "invalid_argument");
        assert_eq!(told["fields"]["field"], "limit");
        assert!(told["message"].as_str().is_some_and(|words| words.contains("1000")));
    }
}

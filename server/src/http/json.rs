//! Reading JSON with errors that name the place of what is wrong.

use std::str;

use serde::de::{DeserializeOwned, IgnoredAny};
use windlass_core::{Error, Result};

/// The body as text.
///
/// # Errors
///
/// `invalid_argument` with field `body`.
pub(crate) fn text(bytes: &[u8]) -> Result<&str> {
    str::from_utf8(bytes).map_err(|_| Error::invalid("body", "must be UTF-8"))
}

/// Reads JSON text.
///
/// # Errors
///
/// `invalid_argument` whose field is the place of the value that is wrong.
pub(crate) fn parse<T: DeserializeOwned>(text: &str) -> Result<T> {
    // A list would be read as the fields in their order.
    if !text.trim_ascii_start().starts_with('{') {
        let what = serde_json::from_str::<IgnoredAny>(text);
        return Err(
            what.map_or_else(|e| malformed(&e), |_| Error::invalid("body", "must be an object"))
        );
    }
    // The place costs time to keep, so it is looked for only once something is wrong.
    serde_json::from_str(text).or_else(|_| placed(text))
}

fn placed<T: DeserializeOwned>(text: &str) -> Result<T> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let read = serde_path_to_error::deserialize(&mut deserializer);
    let error = match read {
        Ok(value) => {
            return deserializer.end().map(|()| value).map_err(|error| malformed(&error));
        }
        Err(error) => error,
    };
    if !error.inner().is_data() {
        return Err(malformed(error.inner()));
    }
    let mut place = error.path().to_string();
    let reason = error.inner().to_string();
    let reason = reason.split(" at line ").next().unwrap_or(&reason).to_owned();
    let about = ["unknown field `", "missing field `", "duplicate field `"];
    if let Some(name) = about.iter().find_map(|before| quoted(&reason, before))
        && place != name
        && !place.ends_with(&format!(".{name}"))
    {
        place = if place == "." { name.to_owned() } else { format!("{place}.{name}") };
    }
    if place == "." {
        place = "body".to_owned();
    }
    Err(Error::invalid(place, reason))
}

fn malformed(error: &serde_json::Error) -> Error {
    Error::invalid("body", format!("is not JSON: {error}"))
}

fn quoted<'a>(text: &'a str, before: &str) -> Option<&'a str> {
    text.strip_prefix(before)?.split('`').next()
}

#[cfg(test)]
mod tests {
    use windlass_core::words::SettleBody;

    use super::*;

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        let id = "\"task_id\":\"0198c000-0000-7000-8000-000000000000\"";
        let token = "\"token\":\"0198c000-0000-7000-8000-000000000000\"";
        for (text, field) in [
            ("", "body"),
            ("{", "body"),
            ("[1", "body"),
            ("[]x", "body"),
            ("[[]]", "body"),
            ("{\"settles\":[]} x", "body"),
            ("{\"settle\":[]}", "settle"),
            ("{}", "settles"),
            ("{\"settles\":{}}", "settles"),
            ("{\"settles\":[{}]}", "settles[0].task_id"),
            ("{\"settles\":[{\"task_id\":7}]}", "settles[0].task_id"),
            (&format!("{{\"settles\":[{{{id},{token},\"outcome\":\"x\"}}]}}"), "settles[0]"),
            (
                &format!(
                    "{{\"settles\":[{{{id},{token},\"outcome\":\"fail\",\"error\":{{\"code\":1}}}}]}}"
                ),
                "settles[0].error.code",
            ),
            ("{\"settles\":[],\"then\":{\"lim\":1}}", "then.lim"),
            ("{\"settles\":[],\"settles\":[]}", "settles"),
        ] {
            let error = parse::<SettleBody>(text).unwrap_err();
            assert_eq!(error.code(), "invalid_argument");
            assert_eq!(error.fields()["field"], field, "{text}: {error}");
        }
    }

    #[test]
    fn an_outcome_keeps_its_json_text() {
        let text = "{\"settles\":[{\"task_id\":\"0198c000-0000-7000-8000-000000000000\",\
            \"token\":\"0198c000-0000-7000-8000-000000000000\",\"outcome\":\"complete\",\
            \"result\":{\"a\":1e2}}]}";
        for read in [parse::<SettleBody>(text), placed::<SettleBody>(text)] {
            assert!(serde_json::to_string(&read.unwrap()).unwrap().contains("{\"a\":1e2}"));
        }
    }
}

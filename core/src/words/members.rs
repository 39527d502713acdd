//! Objects of which only the members are looked at, by name.

use std::borrow::Cow;

use serde::de::Error as _;
use serde_json::value::RawValue;

use crate::error::{Error, Result};
use crate::words::number;

/// The members of an object, in order, each as its text. `null` stands for left out.
///
/// For places where a reader made for each record, as serde makes them, would be too large: a module that a
/// browser fetches. The JSON reader says whether a text is JSON; here it is only taken apart.
pub struct Members<'a>(pub Vec<(Cow<'a, str>, &'a str)>);

impl<'a> Members<'a> {
    /// Reads JSON text of an object.
    ///
    /// # Errors
    ///
    /// The text is none.
    pub fn parse(text: &'a str) -> serde_json::Result<Self> {
        let mut members = Vec::new();
        let mut parts = parts(text, '{')?.into_iter();
        while let (Some(name), Some(value)) = (parts.next(), parts.next()) {
            members.push((unquoted(name)?, value));
        }
        Ok(Self(members))
    }

    /// Reads an argument.
    ///
    /// # Errors
    ///
    /// `invalid_argument` with `what` as the field.
    pub fn read(what: &str, text: &'a str) -> Result<Self> {
        Self::parse(text).map_err(|error| unreadable(what, &error))
    }

    /// Text of a member.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, text)| *text).filter(|text| *text != "null")
    }

    /// Whether there is such a member, if only `null`.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }

    /// Takes a member out.
    pub fn take(&mut self, name: &str) -> Option<&'a str> {
        let at = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.remove(at).1).filter(|text| *text != "null")
    }

    /// A member that an answer must have.
    ///
    /// # Errors
    ///
    /// It has none.
    pub fn expect(&self, name: &'static str) -> serde_json::Result<&'a str> {
        self.get(name).ok_or_else(|| serde_json::Error::missing_field(name))
    }

    /// A text that an answer must have.
    ///
    /// # Errors
    ///
    /// It has none.
    pub fn text(&self, name: &'static str) -> serde_json::Result<String> {
        text(self.expect(name)?)
    }

    /// A whole number that an answer must have.
    ///
    /// # Errors
    ///
    /// It has none.
    pub fn whole(&self, name: &'static str) -> serde_json::Result<u64> {
        self.expect(name)?.parse().map_err(|_| serde_json::Error::custom("expected a whole number"))
    }
}

/// A text from its JSON text.
///
/// # Errors
///
/// It is no text.
pub fn text(json: &str) -> serde_json::Result<String> {
    unquoted(json).map(Cow::into_owned)
}

/// A list of texts from its JSON text.
///
/// # Errors
///
/// It is no list, or one of something else.
pub fn texts(json: &str) -> serde_json::Result<Vec<String>> {
    let mut texts = Vec::new();
    for item in list(json)? {
        texts.push(text(item)?);
    }
    Ok(texts)
}

/// The items of a list, each as its text.
///
/// # Errors
///
/// It is no list.
pub fn list(json: &str) -> serde_json::Result<Vec<&str>> {
    parts(json, '[')
}

/// What stands between the signs of a list, or of an object: its names and values in turns.
fn parts(text: &str, begin: char) -> serde_json::Result<Vec<&str>> {
    let text = serde_json::from_str::<&RawValue>(text)?.get();
    if !text.starts_with(begin) {
        let expected = if begin == '{' { "expected an object" } else { "expected a list" };
        return Err(serde_json::Error::custom(expected));
    }
    // From here on it is JSON.
    let bytes = text.as_bytes();
    let mut parts = Vec::new();
    let (mut depth, mut start, mut at) = (0, 1, 0);
    while at < bytes.len() {
        match bytes[at] {
            b'"' => {
                at += 1;
                while bytes[at] != b'"' {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
            }
            b'[' | b'{' => depth += 1,
            b',' | b':' if depth == 1 => {
                parts.extend(text.get(start..at).map(str::trim_ascii));
                start = at + 1;
            }
            b']' | b'}' => {
                depth -= 1;
                let last = text.get(start..at).map(str::trim_ascii);
                if depth == 0 && last != Some("") {
                    parts.extend(last);
                }
            }
            _ => {}
        }
        at += 1;
    }
    Ok(parts)
}

fn unquoted(json: &str) -> serde_json::Result<Cow<'_, str>> {
    match json.strip_prefix('"').and_then(|json| json.strip_suffix('"')) {
        None => Err(serde_json::Error::custom("expected a text")),
        Some(inner) if !inner.contains('\\') => Ok(inner.into()),
        Some(_) => unescaped(json).map(Cow::Owned),
    }
}

#[cfg(not(target_family = "wasm"))]
fn unescaped(json: &str) -> serde_json::Result<String> {
    serde_json::from_str(json)
}

/// JavaScript has its own code for it.
#[cfg(target_family = "wasm")]
fn unescaped(json: &str) -> serde_json::Result<String> {
    let text = js_sys::JSON::parse(json).ok().and_then(|text| text.as_string());
    text.ok_or_else(|| serde_json::Error::custom("expected a text"))
}

/// JSON text of a text.
pub fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

/// JSON text of a list of texts.
pub fn quoted_list<T: AsRef<str>>(texts: impl Iterator<Item = T>) -> String {
    let mut list = "[".to_owned();
    for text in texts {
        list.push_str(if list.len() > 1 { "," } else { "" });
        list.push_str(&quoted(text.as_ref()));
    }
    list + "]"
}

/// A number with a fraction from its JSON text.
///
/// # Errors
///
/// `invalid_argument` with `name` as the field.
pub fn fraction(name: &str, json: &str) -> Result<f64> {
    number::read(json).ok_or_else(|| Error::invalid(name, "must be a number"))
}

/// An argument whose text could not be read. The place within one value says nothing to the reader.
pub fn unreadable(what: &str, error: &serde_json::Error) -> Error {
    let text = error.to_string();
    let end = text.as_bytes().windows(PLACE.len()).position(|part| part == PLACE);
    Error::invalid(what, end.and_then(|end| text.get(..end)).unwrap_or(&text))
}

/// What stands before a place in an error.
const PLACE: &[u8] = b" at line ";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_read_by_name_and_null_is_left_out() {
        let mut members = Members::parse(r#"{"a":"x","b":null,"c":3,"d":["y"]}"#).unwrap();
        assert_eq!(members.text("a").unwrap(), "x");
        assert_eq!((members.get("b"), members.get("z")), (None, None));
        assert_eq!(members.whole("c").unwrap(), 3);
        assert!(members.whole("a").is_err() && members.text("z").is_err());
        let items = members.take("d").unwrap();
        assert_eq!(texts(items).unwrap(), ["y"]);
        assert_eq!(members.get("d"), None);
        assert_eq!(quoted_list(["a\"", "b"].iter()), r#"["a\"","b"]"#);
        let nested =
            Members::parse(r#" { "k\u0065y" : "a,\"}b" , "o":{"x":[1,{"y":":"}]} } "#).unwrap();
        assert_eq!(nested.0[0].0, "key");
        assert_eq!(nested.text("key").unwrap(), "a,\"}b");
        assert_eq!(nested.get("o"), Some(r#"{"x":[1,{"y":":"}]}"#));
        assert!(Members::parse("{ }").unwrap().0.is_empty() && list(" [ ] ").unwrap().is_empty());
        assert_eq!(list("[1, [2,3] ,{}]").unwrap(), ["1", "[2,3]", "{}"]);
        for text in ["", "{", "{\"a\"}", "[1", "1", "{\"a\":\"\\x\"}", "{} x"] {
            assert!(Members::parse(text).is_err(), "{text}");
        }
        assert!(Members::parse("{\"a\":").err().unwrap().is_eof());
        let refused = Members::read("options", "[1]").err().unwrap();
        assert_eq!(refused.fields()["field"], "options");
        assert!(!refused.to_string().contains("line"), "{refused}");
    }
}

//! Checks JSON text without building a tree.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};

/// Checks that `text` is one JSON value, with no key twice in an object and at most 127 levels.
///
/// NaN and infinities are no JSON and are refused; so are numbers beyond the range of an f64. Returns
/// what is wrong, with line and column.
pub fn check(text: &str) -> Result<(), String> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    Checked::deserialize(&mut deserializer)
        .and_then(|Checked| deserializer.end())
        .map_err(|e| e.to_string())
}

struct Checked;

impl<'de> Deserialize<'de> for Checked {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Check)
    }
}

struct Check;

impl<'de> Visitor<'de> for Check {
    type Value = Checked;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_bool<E: de::Error>(self, _: bool) -> Result<Checked, E> {
        Ok(Checked)
    }
    fn visit_i64<E: de::Error>(self, _: i64) -> Result<Checked, E> {
        Ok(Checked)
    }
    fn visit_u64<E: de::Error>(self, _: u64) -> Result<Checked, E> {
        Ok(Checked)
    }
    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Checked, E> {
        Ok(Checked)
    }
    fn visit_str<E: de::Error>(self, _: &str) -> Result<Checked, E> {
        Ok(Checked)
    }
    fn visit_unit<E: de::Error>(self) -> Result<Checked, E> {
        Ok(Checked)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Checked, A::Error> {
        while seq.next_element::<Checked>()?.is_some() {}
        Ok(Checked)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Checked, A::Error> {
        // Most objects are small: a scan of a few keys costs less than a set.
        let mut few: Vec<Cow<'de, str>> = Vec::new();
        let mut many: HashSet<Cow<'de, str>> = HashSet::new();
        while let Some(Key(key)) = map.next_key::<Key<'de>>()? {
            let twice = if few.len() < 16 {
                let known = few.contains(&key);
                if !known {
                    few.push(key.clone());
                }
                known
            } else {
                few.contains(&key) || !many.insert(key.clone())
            };
            if twice {
                return Err(de::Error::custom(format_args!("duplicate key {key:?}")));
            }
            map.next_value::<Checked>()?;
        }
        Ok(Checked)
    }
}

/// A key, borrowed from the text unless it has escapes.
struct Key<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Take;
        impl<'de> Visitor<'de> for Take {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }
            fn visit_borrowed_str<E: de::Error>(self, key: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(key)))
            }
            fn visit_str<E: de::Error>(self, key: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(key.to_owned())))
            }
        }
        deserializer.deserialize_str(Take)
    }
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn text_that_is_one_value_passes() {
        for text in [
            "null",
            " 1 ",
            r#"{"a":[1,{"a":2}],"b":"\u00e9"}"#,
            "[]",
            "-0.5e3",
            "12345678901234567890123",
        ] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn what_is_no_json_or_has_a_key_twice_is_refused() {
        let many =
            format!("{{{}\"k7\":0}}", (0..40).map(|i| format!("\"k{i}\":0,")).collect::<String>());
        let deep = "[".repeat(200) + &"]".repeat(200);
        for text in [
            "",
            "NaN",
            "Infinity",
            "{\"a\":NaN}",
            "1 2",
            "{'a':1}",
            r#"{"a":1,"\u0061":2}"#,
            "1e999",
            &many,
            &deep,
        ] {
            assert!(check(text).is_err(), "{text}");
        }
    }
}

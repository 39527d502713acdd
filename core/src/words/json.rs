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

/// A whole number as JSON has it: `7`, and `7.0`, which some languages write for it.
pub fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    struct Whole;
    impl Visitor<'_> for Whole {
        type Value = u32;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a whole number")
        }
        fn visit_u64<E: de::Error>(self, number: u64) -> Result<u32, E> {
            u32::try_from(number)
                .map_err(|_| E::invalid_value(de::Unexpected::Unsigned(number), &self))
        }
        fn visit_i64<E: de::Error>(self, number: i64) -> Result<u32, E> {
            u32::try_from(number)
                .map_err(|_| E::invalid_value(de::Unexpected::Signed(number), &self))
        }
        fn visit_f64<E: de::Error>(self, number: f64) -> Result<u32, E> {
            let is_whole = number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number);
            let refused = || E::invalid_value(de::Unexpected::Float(number), &self);
            // The cast is exact: the number is whole and within the range.
            is_whole.then_some(number as u32).ok_or_else(refused)
        }
    }
    deserializer.deserialize_any(Whole)
}

/// The same, or null.
pub fn opt_whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    #[derive(Deserialize)]
    struct Number(#[serde(deserialize_with = "whole")] u32);
    Ok(Option::<Number>::deserialize(deserializer)?.map(|Number(number)| number))
}

/// A record that is written as an object: serde would take a list of its fields in their order, too.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Take<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Take<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
                T::deserialize(de::value::MapAccessDeserializer::new(map)).map(Object)
            }
        }
        deserializer.deserialize_map(Take(std::marker::PhantomData))
    }
}

/// Reads such a record.
pub fn object<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Object::deserialize(deserializer).map(|Object(record)| record)
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
        let mut few: Vec<Cow<'de, str>> = Vec::with_capacity(8);
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
    fn a_whole_number_may_have_a_point() {
        #[derive(Debug, serde::Deserialize)]
        struct Record(#[serde(deserialize_with = "super::opt_whole")] Option<u32>);
        let read = |text: &str| serde_json::from_str::<Record>(text).map(|Record(number)| number);
        assert_eq!(read("7").unwrap(), Some(7));
        assert_eq!(read("7.0").unwrap(), Some(7));
        assert_eq!(read("null").unwrap(), None);
        for text in ["7.5", "-1", "4294967296", "1e10", "\"7\""] {
            assert!(read(text).is_err(), "{text}");
        }
    }

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

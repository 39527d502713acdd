//! Which handler runs a task.

use std::fmt;

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use crate::words::Payload;

/// The handler of a task: its type, but for `stateless` and `stateful` the payload's `function` when
/// that is text, else the empty name, which is a worker's default handler.
pub fn of(task_type: &str, payload: &Payload) -> String {
    match task_type {
        "stateless" | "stateful" => function(payload).unwrap_or_default(),
        other => other.to_owned(),
    }
}

/// The payload's `function`, found without building a tree.
fn function(payload: &Payload) -> Option<String> {
    struct Find;
    impl<'de> Visitor<'de> for Find {
        type Value = Option<String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut found = None;
            while let Some(key) = map.next_key::<std::borrow::Cow<'de, str>>()? {
                if key == "function" {
                    found = map.next_value::<serde_json::Value>()?.as_str().map(str::to_owned);
                } else {
                    map.next_value::<IgnoredAny>()?;
                }
            }
            Ok(found)
        }
    }
    if !payload.as_str().trim_start().starts_with('{') {
        return None;
    }
    serde_json::Deserializer::from_str(payload.as_str()).deserialize_map(Find).ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stateless_tasks_are_named_by_their_function_or_fall_to_the_default() {
        let payload = |text: &str| Payload::new("payload", text).unwrap();
        for (task_type, text, handler) in [
            ("thumbnail", r#"{"function":"other"}"#, "thumbnail"),
            ("stateless", r#"{"a":{"function":"deep"},"function":"resize"}"#, "resize"),
            ("stateful", r#"{"function":"step"}"#, "step"),
            ("stateless", r#"{"function":7}"#, ""),
            ("stateless", r#"{"x":1}"#, ""),
            ("stateless", "[1]", ""),
            ("stateless", "null", ""),
        ] {
            assert_eq!(of(task_type, &payload(text)), handler, "{task_type} {text}");
        }
    }
}

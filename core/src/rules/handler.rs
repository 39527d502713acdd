//! Which handler runs a task.

use crate::words::Payload;
use crate::words::members::{Members, text};

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
    let members = Members::parse(payload.as_str()).ok()?;
    text(members.get("function")?).ok()
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

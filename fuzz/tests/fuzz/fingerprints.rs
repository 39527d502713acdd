//! Equal JSON has one fingerprint and one canonical text; that text is JSON for the same value.

use proptest::prelude::any;
use serde_json::Value;
use windlass::Payload;
use windlass::rules::fingerprint;
use windlass_fuzz::{json, target};

use super::hold;

fn canonical(text: &str) -> Result<String, String> {
    let payload = Payload::new("payload", text).map_err(|e| format!("{text}: {e}"))?;
    let bytes = fingerprint::canonical(&payload).map_err(|e| e.to_string())?;
    String::from_utf8(bytes).map_err(|e| e.to_string())
}

fn print(text: &str) -> Result<[u8; 32], String> {
    let payload = Payload::new("payload", text).map_err(|e| format!("{text}: {e}"))?;
    fingerprint::of("t", "q", &payload).map_err(|e| e.to_string())
}

/// Whether two values are the same JSON by RFC 8785, for which every number is a double.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(k, a)| b.get(k).is_some_and(|b| same(a, b)))
        }
        _ => a == b,
    }
}

#[test]
fn fingerprints_ignore_spelling() {
    let inputs = (json::value(), any::<u64>(), any::<u64>());
    target::fuzz("fingerprints_ignore_spelling", 100, inputs, |(value, one, other)| {
        let one = json::spell(&value, &mut json::Draw(one));
        let other = json::spell(&value, &mut json::Draw(other));
        hold!(print(&one)? == print(&other)?, "two prints: {one} and {other}");
        let text = canonical(&one)?;
        let back: Value = serde_json::from_str(&text).map_err(|e| format!("{text}: {e}"))?;
        hold!(same(&value, &back), "{text} is another value");
        let again = canonical(&text)?;
        hold!(again == text, "canonical twice: {again}");
        Ok(())
    });
}

#[test]
fn fingerprints_differ_when_values_do() {
    let inputs = (json::value(), json::value());
    target::fuzz("fingerprints_differ_when_values_do", 60, inputs, |(a, b)| {
        let equal = print(&a.to_string())? == print(&b.to_string())?;
        hold!(equal == same(&a, &b), "one print: {equal}");
        Ok(())
    });
}

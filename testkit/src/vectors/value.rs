//! References and generators in what goes in, matching of what comes out.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use windlass::Timestamp;

/// 2030-01-01T00:00:00Z, where every case begins.
pub(super) const START_MILLIS: i64 = 1_893_456_000_000;

/// What steps saved, by name.
pub(super) type Saved = BTreeMap<String, Value>;

/// Replaces references and generators by what they stand for.
pub(super) fn resolve(value: &Value, saved: &Saved) -> Result<Value, String> {
    match value {
        Value::String(text) => match text.strip_prefix('$') {
            Some(path) => look_up(path, saved),
            None => Ok(value.clone()),
        },
        Value::Array(items) => items.iter().map(|item| resolve(item, saved)).collect(),
        Value::Object(map) => match generated(map) {
            Some(value) => Ok(value),
            None => map
                .iter()
                .map(|(key, item)| Ok((key.clone(), resolve(item, saved)?)))
                .collect::<Result<Map<_, _>, String>>()
                .map(Value::Object),
        },
        _ => Ok(value.clone()),
    }
}

fn look_up(path: &str, saved: &Saved) -> Result<Value, String> {
    let mut parts = path.split('.');
    let name = parts.next().unwrap_or_default();
    let mut at = saved.get(name).ok_or_else(|| format!("${path}: nothing was saved as {name}"))?;
    for part in parts {
        let next = match at {
            Value::Array(items) => part.parse::<usize>().ok().and_then(|i| items.get(i)),
            _ => at.get(part),
        };
        at = next.ok_or_else(|| format!("${path}: there is no {part} in {at}"))?;
    }
    Ok(at.clone())
}

fn generated(map: &Map<String, Value>) -> Option<Value> {
    let times = || map.get("times").and_then(Value::as_u64).unwrap_or(0) as usize;
    Some(if let Some(text) = map.get("$repeat").and_then(Value::as_str) {
        json!(text.repeat(times()))
    } else if let Some(count) = map.get("$pairs").and_then(Value::as_u64) {
        (0..count).map(|i| (format!("k{i}"), json!("v"))).collect::<Map<_, _>>().into()
    } else if let Some(depth) = map.get("$nest").and_then(Value::as_u64) {
        (1..depth).fold(json!([]), |inner, _| json!([inner]))
    } else if let Some(seconds) = map.get("$time").and_then(Value::as_f64) {
        let millis = (seconds * 1000.0).round() as i64;
        json!(Timestamp::from_millis(START_MILLIS + millis).to_string())
    } else {
        return None;
    })
}

/// Whether `given` is as expected: objects may hold more, arrays are exact, `{"$any": true}` and its
/// like match kinds of values. The error says where they differ.
pub(super) fn matches(want: &Value, given: &Value, path: &str) -> Result<(), String> {
    let differ = || Err(format!("{path}: expected {want}, got {given}"));
    match want {
        Value::Object(map) if map.keys().any(|key| key.starts_with('$')) => {
            matcher(map, given, path)
        }
        Value::Object(map) => {
            let Some(fields) = given.as_object() else { return differ() };
            for (key, item) in map {
                let field = fields.get(key).unwrap_or(&Value::Null);
                matches(item, field, &format!("{path}.{key}"))?;
            }
            Ok(())
        }
        Value::Array(items) => match given.as_array() {
            Some(all) if all.len() == items.len() => {
                for (i, (item, given)) in items.iter().zip(all).enumerate() {
                    matches(item, given, &format!("{path}.{i}"))?;
                }
                Ok(())
            }
            _ => differ(),
        },
        Value::Number(number) => match (number.as_f64(), given.as_f64()) {
            (Some(a), Some(b)) if (a - b).abs() <= 1e-9 * a.abs().max(1.0) => Ok(()),
            _ => differ(),
        },
        _ if want == given => Ok(()),
        _ => differ(),
    }
}

fn matcher(map: &Map<String, Value>, given: &Value, path: &str) -> Result<(), String> {
    let differ = || Err(format!("{path}: expected {}, got {given}", json!(map)));
    let (name, want) = match (map.len(), map.iter().next()) {
        (1, Some(entry)) => entry,
        _ => return Err(format!("{path}: a matcher has one key: {}", json!(map))),
    };
    let holds = match name.as_str() {
        "$any" => !given.is_null(),
        "$absent" => given.is_null(),
        "$len" => {
            let len = given.as_array().map(Vec::len).or(given.as_str().map(str::len));
            len.map(|len| len as u64) == want.as_u64()
        }
        "$not" => matches(want, given, path).is_err(),
        "$unordered" => return unordered(want, given, path),
        other => return Err(format!("{path}: there is no matcher {other}")),
    };
    if holds { Ok(()) } else { differ() }
}

fn unordered(want: &Value, given: &Value, path: &str) -> Result<(), String> {
    let (Some(want), Some(given)) = (want.as_array(), given.as_array()) else {
        return Err(format!("{path}: $unordered compares arrays"));
    };
    let mut left: Vec<&Value> = given.iter().collect();
    for item in want {
        match left.iter().position(|given| matches(item, given, path).is_ok()) {
            Some(i) => drop(left.remove(i)),
            None => return Err(format!("{path}: {item} is missing in {}", json!(given))),
        }
    }
    if left.is_empty() { Ok(()) } else { Err(format!("{path}: {} is too much", json!(left))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_never_overlooked() {
        for (want, given) in [
            (json!({"a": 1}), json!({"a": 2})),
            (json!({"a": 1}), json!({})),
            (json!([1]), json!([1, 2])),
            (json!({"$any": true}), json!(null)),
            (json!({"$absent": true}), json!(0)),
            (json!({"$len": 2}), json!([1])),
            (json!({"$not": 1}), json!(1)),
            (json!({"$unordered": [1, 2]}), json!([1, 1])),
            (json!({"$unordered": [1]}), json!([1, 1])),
            (json!({"$typo": 1}), json!(1)),
            (json!(1), json!("1")),
            (json!(true), json!(null)),
        ] {
            assert!(matches(&want, &given, "").is_err(), "{want} {given}");
        }
        let (want, given) =
            (json!({"a": {"$unordered": [2, {"$any": true}]}}), json!({"a": [1, 2]}));
        assert_eq!(matches(&want, &given, ""), Ok(()));
        assert!(resolve(&json!("$a.x"), &Saved::new()).is_err());
    }
}

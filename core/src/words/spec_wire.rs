//! A task to submit, read from its wire record, naming the field that is wrong.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use serde::de::{self, Deserialize, DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::error::{Error, Result};
use crate::words::{
    Labels, Payload, Priority, RetryOptions, TaskSpec, Timestamp, duration_from_seconds,
};

/// The fields of a record in their order, none of them twice. Names and values are read in place.
struct Fields<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Take<'a>(PhantomData<&'a ()>);
        impl<'de: 'a, 'a> Visitor<'de> for Take<'a> {
            type Value = Fields<'a>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'a>, A::Error> {
                let mut fields: Vec<(Cow<'a, str>, &'a RawValue)> = Vec::with_capacity(8);
                while let Some((Name(name), value)) = map.next_entry::<Name<'a>, &'a RawValue>()? {
                    // One of so many is not known and will be named: the others do not matter.
                    if fields.len() > KNOWN.len() {
                        continue;
                    }
                    if fields.iter().any(|(known, _)| *known == name) {
                        return Err(de::Error::custom(format_args!("duplicate key {name:?}")));
                    }
                    fields.push((name, value));
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Take(PhantomData))
    }
}

/// A record that holds what most do, and holds it rightly: read as the text goes by. Where anything is
/// out of the ordinary it fails without saying what: [`TaskSpec::from_wire`] says it.
struct Usual(TaskSpec);

impl<'de> Deserialize<'de> for Usual {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Take;
        impl<'de> Visitor<'de> for Take {
            type Value = Usual;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Usual, A::Error> {
                let unusual = || de::Error::custom("not as usual");
                let mut spec = TaskSpec::new("stateless", Payload::null());
                let mut seen = [false; KNOWN.len()];
                while let Some(Name(name)) = map.next_key::<Name<'de>>()? {
                    let place =
                        KNOWN.iter().position(|known| *known == name).ok_or_else(unusual)?;
                    if std::mem::replace(&mut seen[place], true) {
                        return Err(unusual());
                    }
                    let raw: &RawValue = map.next_value()?;
                    spec.set(&name, raw).map_err(|_| unusual())?;
                }
                Ok(Usual(spec))
            }
        }
        deserializer.deserialize_map(Take)
    }
}

/// A field's name, borrowed unless it has escapes.
#[derive(serde::Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

/// An object without a key twice: which of two values was meant is nobody's to guess.
struct Once<T>(BTreeMap<String, T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Once<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Take<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Take<T> {
            type Value = Once<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Once<T>, A::Error> {
                let mut fields = BTreeMap::new();
                while let Some((key, value)) = map.next_entry::<String, T>()? {
                    if fields.contains_key(&key) {
                        return Err(de::Error::custom(format_args!("duplicate key {key:?}")));
                    }
                    fields.insert(key, value);
                }
                Ok(Once(fields))
            }
        }
        deserializer.deserialize_map(Take(PhantomData))
    }
}

impl TaskSpec {
    /// Reads a wire record: a JSON object with the names of the wire. `null` stands for left out,
    /// but in `payload`. Sizes and lengths are checked at submit.
    ///
    /// Left out, `task_type` is `stateless`, `queue` is `default` and `payload` is `null`.
    ///
    /// # Errors
    ///
    /// `invalid_argument` with the name of the field, also for an unknown one; `invalid_payload`.
    pub fn from_wire(text: &str) -> Result<Self> {
        let Fields(fields) = serde_json::from_str(text)
            .map_err(|e| Error::invalid("task", format!("must be an object: {e}")))?;
        let mut spec = Self::new("stateless", Payload::null());
        fields.iter().try_for_each(|(field, raw)| spec.set(field, raw))?;
        Ok(spec)
    }

    /// Reads JSON text of a list of wire records, each as [`from_wire`](Self::from_wire) does.
    ///
    /// # Errors
    ///
    /// `invalid_argument` with the field `tasks` when it is no list; else as `from_wire`, for the first
    /// record that is wrong.
    pub fn list_from_wire(text: &str) -> Result<Vec<Self>> {
        if let Ok(specs) = serde_json::from_str::<Vec<Usual>>(text) {
            return Ok(specs.into_iter().map(|Usual(spec)| spec).collect());
        }
        let records: Vec<&RawValue> = from_text("tasks", text)?;
        records.iter().map(|record| Self::from_wire(record.get())).collect()
    }

    /// Sets a field to what its text says.
    fn set(&mut self, name: &str, raw: &RawValue) -> Result<()> {
        if raw.get() == "null" && name != "payload" {
            return if KNOWN.contains(&name) { Ok(()) } else { Err(unknown(name)) };
        }
        match name {
            "task_type" => self.task_type = read(name, raw)?,
            "payload" => self.payload = json(name, raw)?,
            "queue" => self.queue = read(name, raw)?,
            "priority" => self.priority = priority(raw)?,
            "run_at" => self.run_at = Some(instant(name, raw)?),
            "delay_seconds" => self.delay = Some(seconds(name, raw)?),
            "timeout_seconds" => self.timeout = Some(seconds(name, raw)?),
            // What `retry` says goes first, wherever it stands.
            "max_retries" => {
                let given = whole(name, raw)?;
                self.retry.max_retries.get_or_insert(given);
            }
            "retry" => self.retry = retry(raw)?.or(self.retry),
            "idempotency_key" => self.idempotency_key = Some(read(name, raw)?),
            "labels" => self.labels = labels(raw)?,
            "metadata" => self.metadata = Some(json(name, raw)?),
            "traceparent" => self.traceparent = Some(read(name, raw)?),
            "state_key" => self.state_key = Some(read(name, raw)?),
            "initial_state" => self.initial_state = Some(json(name, raw)?),
            _ => return Err(unknown(name)),
        }
        Ok(())
    }
}

const KNOWN: [&str; 15] = [
    "task_type",
    "payload",
    "queue",
    "priority",
    "run_at",
    "delay_seconds",
    "timeout_seconds",
    "max_retries",
    "retry",
    "idempotency_key",
    "labels",
    "metadata",
    "traceparent",
    "state_key",
    "initial_state",
];

fn unknown(field: &str) -> Error {
    Error::invalid(field, format!("is not known; a task has {}", KNOWN.join(", ")))
}

fn read<T: DeserializeOwned>(field: &str, raw: &RawValue) -> Result<T> {
    from_text(field, raw.get())
}

fn from_text<'a, T: Deserialize<'a>>(field: &str, text: &'a str) -> Result<T> {
    serde_json::from_str(text).map_err(|e| {
        // The place within one value says nothing to the reader.
        let text = e.to_string();
        let reason = text.split(" at line ").next().unwrap_or(&text).to_owned();
        Error::invalid(field, reason)
    })
}

fn whole(field: &str, raw: &RawValue) -> Result<u32> {
    #[derive(serde::Deserialize)]
    struct Number(#[serde(deserialize_with = "crate::words::json::whole")] u32);
    read(field, raw).map(|Number(number)| number)
}

fn json(field: &str, raw: &RawValue) -> Result<Payload> {
    Payload::new(field, raw.get())
}

fn seconds(field: &str, raw: &RawValue) -> Result<Duration> {
    duration_from_seconds(field, read(field, raw)?)
}

fn instant(field: &str, raw: &RawValue) -> Result<Timestamp> {
    read::<String>(field, raw)?.parse()
}

fn priority(raw: &RawValue) -> Result<Priority> {
    match read::<Value>("priority", raw)? {
        Value::String(name) => name.parse(),
        Value::Number(number) if number.is_i64() => {
            Priority::from_number(number.as_i64().unwrap_or_default())
        }
        // What is no whole number is told as it was given.
        other => match whole("priority", raw) {
            Ok(number) => Priority::from_number(number.into()),
            Err(_) => other.to_string().parse(),
        },
    }
}

fn labels(raw: &RawValue) -> Result<Labels> {
    let Once(given): Once<Value> = read("labels", raw)?;
    let mut labels = Labels::new();
    for (key, value) in given {
        let text = match value {
            Value::String(text) => text,
            Value::Number(_) | Value::Bool(_) => value.to_string(),
            _ => {
                let reason = format!("value of {key:?} must be text, number or boolean");
                return Err(Error::invalid("labels", reason));
            }
        };
        labels.insert(key, text);
    }
    Ok(labels)
}

fn retry(raw: &RawValue) -> Result<RetryOptions> {
    let Once(fields): Once<Box<RawValue>> = read("retry", raw)?;
    let mut retry = RetryOptions::default();
    for (name, raw) in fields.iter().filter(|(_, raw)| raw.get() != "null") {
        match name.as_str() {
            "max_retries" => retry.max_retries = Some(whole(name, raw)?),
            "initial_delay_seconds" => retry.initial_delay = Some(seconds(name, raw)?),
            "exponential_base" => retry.exponential_base = Some(read(name, raw)?),
            "max_delay_seconds" => retry.max_delay = Some(seconds(name, raw)?),
            "jitter" => retry.jitter = Some(read(name, raw)?),
            "retry_on_timeout" => retry.retry_on_timeout = Some(read(name, raw)?),
            _ => return Err(Error::invalid(format!("retry.{name}"), "is not known")),
        }
    }
    Ok(retry)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_field_by_field() {
        let spec = TaskSpec::from_wire(
            r#"{"task_type":"t","payload":{"a":1e2},"priority":"high","delay_seconds":1.5,
                "max_retries":2,"retry":{"jitter":0},"labels":{"n":7,"b":true,"s":"x"},"queue":null}"#,
        )
        .unwrap();
        assert_eq!(spec.payload.as_str(), r#"{"a":1e2}"#);
        assert_eq!(
            (spec.priority, spec.delay),
            (Priority::High, Some(Duration::from_millis(1500)))
        );
        assert_eq!((spec.retry.max_retries, spec.retry.jitter), (Some(2), Some(0.0)));
        assert_eq!(spec.labels["n"], "7");
        assert_eq!(spec.queue, "default");
    }

    #[test]
    fn a_list_is_read_as_its_records_are_one_by_one() {
        let records = [
            r#"{}"#,
            r#"{"payload":{"a":[1]},"task_type":"t"}"#,
            r#" { "queue" : null , "retry":{"max_retries":2}, "max_retries":1, "payload" : 1.50 } "#,
            r#"{"\u0071ueue":"q","labels":{"n":7},"metadata":{},"delay_seconds":1.5}"#,
        ];
        let one_by_one: Result<Vec<_>> = records.iter().map(|r| TaskSpec::from_wire(r)).collect();
        let list = TaskSpec::list_from_wire(&format!(" [{}] ", records.join(",")));
        assert_eq!(list.unwrap(), one_by_one.unwrap());
        assert_eq!(TaskSpec::list_from_wire("[]").unwrap(), []);
        for wrong in [
            r#"{"prio":1}"#,
            r#"{"queue":"a","queue":"b"}"#,
            r#"{"payload":{"a":1,"a":2}}"#,
            r#"{"payload":1e999}"#,
            r#"{"retry":{"jitters":1}}"#,
            "[]",
            "7",
            "null",
        ] {
            let error = TaskSpec::list_from_wire(&format!(r#"[{{}},{wrong},{{"priority":0}}]"#));
            let same = TaskSpec::from_wire(wrong).unwrap_err();
            assert_eq!(error.unwrap_err().to_string(), same.to_string(), "{wrong}");
        }
        for text in ["", "{}", "[{}", "[{}] 1", r#"[{"a":}]"#] {
            let error = TaskSpec::list_from_wire(text).unwrap_err();
            assert_eq!(error.fields()["field"], "tasks", "{text}");
        }
    }

    #[test]
    fn retry_goes_before_max_retries_in_either_order() {
        for text in [
            r#"{"max_retries":1,"retry":{"max_retries":2,"jitter":0}}"#,
            r#"{"retry":{"max_retries":2,"jitter":0},"max_retries":1}"#,
        ] {
            let retry = TaskSpec::from_wire(text).unwrap().retry;
            assert_eq!((retry.max_retries, retry.jitter), (Some(2), Some(0.0)), "{text}");
        }
        let many: String = (0..100_000).map(|n| format!(",\"k{n}\":0")).collect();
        let error = TaskSpec::from_wire(&format!("{{\"queue\":\"q\"{many}}}")).unwrap_err();
        assert_eq!(error.fields()["field"], "k0");
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, code, field) in [
            (r#"{"priority":0}"#, "invalid_argument", "priority"),
            (r#"{"priority":"urgent"}"#, "invalid_argument", "priority"),
            (r#"{"priority":2.5}"#, "invalid_argument", "priority"),
            (r#"{"timeout_seconds":-1}"#, "invalid_argument", "timeout_seconds"),
            (r#"{"max_retries":-1}"#, "invalid_argument", "max_retries"),
            (r#"{"retry":{"jitters":1}}"#, "invalid_argument", "retry.jitters"),
            (r#"{"labels":{"a":[1]}}"#, "invalid_argument", "labels"),
            (r#"{"prio":null}"#, "invalid_argument", "prio"),
            (r#"{"payload":{"a":1,"a":2}}"#, "invalid_payload", "payload"),
            (r#"{"queue":"a","queue":"b"}"#, "invalid_argument", "task"),
            (r#"{"labels":{"a":1,"\u0061":2}}"#, "invalid_argument", "labels"),
            (r#"{"retry":{"jitter":0,"jitter":1}}"#, "invalid_argument", "retry"),
        ] {
            let error = TaskSpec::from_wire(text).unwrap_err();
            assert_eq!(
                (error.code(), error.fields()["field"].as_str()),
                (code, Some(field)),
                "{text}"
            );
        }
    }
}

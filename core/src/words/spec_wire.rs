//! A task to submit, read from its wire record, naming the field that is wrong.

use std::time::Duration;

use crate::error::{Error, Result};
use crate::words::members::{self, Members, fraction, unreadable};
use crate::words::{
    Labels, Payload, Priority, RetryOptions, TaskSpec, Timestamp, duration_from_seconds,
};

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
        let Members(fields) = Members::parse(text).map_err(|e| not_an_object(&e.to_string()))?;
        let mut spec = Self::new("stateless", Payload::null());
        for (place, (field, raw)) in fields.iter().enumerate() {
            // Which of two values was meant is nobody's to guess. There are few to look at: one that is not
            // known ends it.
            if fields[..place].iter().any(|(known, _)| known == field) {
                return Err(not_an_object(&format!("duplicate key {field:?}")));
            }
            spec.set(field, raw)?;
        }
        Ok(spec)
    }

    /// Reads JSON text of a list of wire records, each as [`from_wire`](Self::from_wire) does.
    ///
    /// # Errors
    ///
    /// `invalid_argument` with the field `tasks` when it is no list; else as `from_wire`, for the first
    /// record that is wrong.
    pub fn list_from_wire(text: &str) -> Result<Vec<Self>> {
        #[cfg(not(target_family = "wasm"))]
        if let Ok(specs) = serde_json::from_str::<Vec<usual::Usual>>(text) {
            return Ok(specs.into_iter().map(|usual::Usual(spec)| spec).collect());
        }
        let records = members::list(text).map_err(|error| unreadable("tasks", &error))?;
        records.into_iter().map(Self::from_wire).collect()
    }

    /// Sets a field to what its text says.
    pub(super) fn set(&mut self, name: &str, raw: &str) -> Result<()> {
        if raw == "null" && name != "payload" {
            return if KNOWN.contains(&name) { Ok(()) } else { Err(unknown(name)) };
        }
        match name {
            "task_type" => self.task_type = text(name, raw)?,
            "payload" => self.payload = json(name, raw)?,
            "queue" => self.queue = text(name, raw)?,
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
            "idempotency_key" => self.idempotency_key = Some(text(name, raw)?),
            "labels" => self.labels = labels(raw)?,
            "metadata" => self.metadata = Some(json(name, raw)?),
            "traceparent" => self.traceparent = Some(text(name, raw)?),
            "state_key" => self.state_key = Some(text(name, raw)?),
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

fn not_an_object(reason: &str) -> Error {
    Error::invalid("task", ["must be an object: ", reason].concat())
}

pub(super) fn text(field: &str, raw: &str) -> Result<String> {
    members::text(raw).map_err(|error| unreadable(field, &error))
}

/// `7`, and `7.0`, which some languages write for it.
pub(super) fn whole(field: &str, raw: &str) -> Result<u32> {
    let number = fraction(field, raw)?;
    let is_whole = number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number);
    if is_whole {
        // Exact: the number is whole and within the range.
        return Ok(number as u32);
    }
    Err(Error::invalid(field, ["must be a whole number, not ", raw].concat()))
}

pub(super) fn json(field: &str, raw: &str) -> Result<Payload> {
    Payload::new(field, raw)
}

pub(super) fn seconds(field: &str, raw: &str) -> Result<Duration> {
    duration_from_seconds(field, fraction(field, raw)?)
}

fn instant(field: &str, raw: &str) -> Result<Timestamp> {
    text(field, raw)?.parse()
}

pub(super) fn priority(raw: &str) -> Result<Priority> {
    if raw.starts_with('"') {
        return text("priority", raw)?.parse();
    }
    match raw.parse() {
        Ok(number) => Priority::from_number(number),
        // What is no whole number is told as it was given.
        Err(_) => whole("priority", raw)
            .map_or_else(|_| raw.parse(), |number| Priority::from_number(number.into())),
    }
}

pub(super) fn labels(raw: &str) -> Result<Labels> {
    let Members(given) = Members::read("labels", raw)?;
    let mut labels = Labels::new();
    for (key, value) in given {
        let text = match value.as_bytes().first() {
            Some(b'"') => text("labels", value)?,
            Some(b't' | b'f') => value.to_owned(),
            Some(b'-' | b'0'..=b'9') => scalar(value)?,
            _ => {
                let reason = format!("value of {key:?} must be text, number or boolean");
                return Err(Error::invalid("labels", reason));
            }
        };
        if let Some(twice) = labels.insert(key.into_owned(), text) {
            return Err(Error::invalid("labels", format!("duplicate key: one is {twice:?}")));
        }
    }
    Ok(labels)
}

/// The text of a number, in one spelling: `1.5` for `1.50`.
fn scalar(raw: &str) -> Result<String> {
    if raw.parse::<i64>().is_ok() || raw.parse::<u64>().is_ok() {
        return Ok(raw.to_owned());
    }
    let number = fraction("labels", raw)?;
    serde_json::to_string(&number).map_err(|error| unreadable("labels", &error))
}

pub(super) fn retry(raw: &str) -> Result<RetryOptions> {
    let Members(fields) = Members::read("retry", raw)?;
    let mut retry = RetryOptions::default();
    for (place, (name, raw)) in fields.iter().enumerate() {
        let name = &**name;
        match name {
            _ if fields[..place].iter().any(|(known, _)| known == name) => {
                return Err(Error::invalid("retry", format!("duplicate key {name:?}")));
            }
            _ if *raw == "null" => {}
            "max_retries" => retry.max_retries = Some(whole(name, raw)?),
            "initial_delay_seconds" => retry.initial_delay = Some(seconds(name, raw)?),
            "exponential_base" => retry.exponential_base = Some(fraction(name, raw)?),
            "max_delay_seconds" => retry.max_delay = Some(seconds(name, raw)?),
            "jitter" => retry.jitter = Some(fraction(name, raw)?),
            "retry_on_timeout" => retry.retry_on_timeout = Some(flag(name, raw)?),
            _ => return Err(Error::invalid(format!("retry.{name}"), "is not known")),
        }
    }
    Ok(retry)
}

fn flag(field: &str, raw: &str) -> Result<bool> {
    raw.parse().map_err(|_| Error::invalid(field, "must be true or false"))
}

/// The way of most records. A browser does without: it would be a second reader to fetch.
#[cfg(not(target_family = "wasm"))]
mod usual {
    use std::borrow::Cow;
    use std::fmt;

    use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
    use serde_json::value::RawValue;

    use super::{KNOWN, Payload, TaskSpec};

    /// A record that holds what most do, and holds it rightly: read as the text goes by. Where anything is
    /// out of the ordinary it fails without saying what: [`TaskSpec::from_wire`] says it.
    pub(super) struct Usual(pub(super) TaskSpec);

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
                        spec.set(&name, raw.get()).map_err(|_| unusual())?;
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

//! Tasks to submit whose records travel as they were given. What is wrong in one is the server's to say;
//! what is too large does not travel.

use std::time::Duration;

use bytes::Bytes;
use serde_json::value::RawValue;
use windlass_core::future::BoxFuture;
use windlass_core::rules::limits;
use windlass_core::{Error, Result, Submission};

use super::TextClient;
use super::members::{Members, quoted};
use crate::submitting::Place;

pub(crate) const KEY: &str = "idempotency_key";

impl TextClient {
    /// Stores tasks, all or none, from JSON text of a list of their records.
    ///
    /// # Errors
    ///
    /// As `Client::submit_many`.
    pub fn submit(
        &self,
        records: &str,
        batch: bool,
        patience: Duration,
    ) -> BoxFuture<'static, Result<Vec<Submission>>> {
        let (client, read) = (self.clone(), self.body(records, batch));
        Box::pin(async move {
            let (place, body, filled) = read?;
            if filled.is_empty() {
                return Ok(Vec::new());
            }
            let stored = client.rest.store(&client.tenant, place, body, &filled, patience).await;
            stored.map_err(|error| if place == Place::One { error } else { alone(error) })
        })
    }

    /// What travels, and which tasks were given a key.
    fn body(&self, records: &str, batch: bool) -> Result<(Place, Bytes, Vec<bool>)> {
        let records = checked(records)?;
        let place = Place::of(records.len(), batch)?;
        let (mut filled, mut texts) = (Vec::new(), Vec::new());
        for (text, mut members) in records {
            let keyless = members.get(KEY).is_none();
            filled.push(keyless);
            if !keyless {
                texts.push(text.get().to_owned());
                continue;
            }
            members.take(KEY);
            let key = quoted(&self.rest.keys.next(self.now()));
            let mut text = ["{\"", KEY, "\":", &key].concat();
            for (name, value) in members.0.iter().filter(|(name, _)| name != KEY) {
                text.push(',');
                text.push_str(&quoted(name));
                text.push(':');
                text.push_str(value.get());
            }
            text.push('}');
            texts.push(text);
        }
        let texts = texts.join(",");
        let body =
            if place == Place::One { texts } else { ["{\"tasks\":[", &texts, "]}"].concat() };
        Ok((place, Bytes::from(body), filled))
    }
}

/// Checks of JSON text of a list of records what can be told without reading all words: their sizes.
///
/// # Errors
///
/// `invalid_argument`, `payload_too_large`.
pub fn check(records: &str) -> Result<()> {
    checked(records).map(|_| ())
}

pub(crate) fn checked(records: &str) -> Result<Vec<(Box<RawValue>, Members)>> {
    let records: Vec<Box<RawValue>> = serde_json::from_str(records)
        .map_err(|error| Error::invalid("tasks", error.to_string()))?;
    let read = |text: Box<RawValue>| {
        let members = Members::read("task", text.get())?;
        let size = |name| members.get(name).map_or(0, str::len);
        limits::check_sizes(size("payload"), size("initial_state"), size("metadata"))?;
        Ok((text, members))
    };
    records.into_iter().map(read).collect()
}

/// The error of one of many tasks with its field as that of one alone: the server says which it was.
pub(crate) fn alone(error: Error) -> Error {
    let within = |field: String| match field.strip_prefix("tasks[").and_then(|f| f.split_once(']'))
    {
        Some((_, "")) => "task".to_owned(),
        Some((_, rest)) => rest.trim_start_matches('.').to_owned(),
        None => field,
    };
    match error {
        Error::InvalidArgument { field, reason } => {
            Error::InvalidArgument { field: within(field), reason }
        }
        Error::InvalidPayload { field, reason } => {
            Error::InvalidPayload { field: within(field), reason }
        }
        Error::PayloadTooLarge { field, size_bytes, limit_bytes } => {
            Error::PayloadTooLarge { field: within(field), size_bytes, limit_bytes }
        }
        error => error,
    }
}

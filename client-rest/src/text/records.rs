//! Tasks to submit whose records travel as they were given. What is wrong in one is the server's to say;
//! what is too large does not travel.

use std::time::Duration;

use bytes::Bytes;
use windlass_core::future::BoxFuture;
use windlass_core::rules::limits;
use windlass_core::words::members::{Members, list, quoted, unreadable};
use windlass_core::{Error, Result, Submission};

use super::{TextClient, words};
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
        if batch {
            let (client, read) = (self.clone(), self.batch_of(records));
            return Box::pin(async move {
                let batch = read?;
                if batch.tasks.is_empty() {
                    return Ok(Vec::new());
                }
                let sent = client.rest.send_batch(&client.tenant, batch, patience).await;
                sent.map(|stored| stored.submissions).map_err(alone)
            });
        }
        self.store(records, patience)
    }

    /// As [`submit`](Self::submit), of tasks that are no batch: the little that most pages need.
    ///
    /// # Errors
    ///
    /// As `Client::submit_many`.
    pub fn store(
        &self,
        records: &str,
        patience: Duration,
    ) -> BoxFuture<'static, Result<Vec<Submission>>> {
        let (client, read) = (self.clone(), self.body(records));
        Box::pin(async move {
            let (place, body, filled) = read?;
            if filled.is_empty() {
                return Ok(Vec::new());
            }
            let read = |text: &str| words::stored(place, text);
            let stored = client.rest.store(&client.tenant, place, body, &read, &filled, patience);
            let stored = stored.await;
            stored.map_err(|error| if place == Place::One { error } else { alone(error) })
        })
    }

    /// What travels, and which tasks were given a key.
    fn body(&self, records: &str) -> Result<(Place, Bytes, Vec<bool>)> {
        let records = checked(records)?;
        let place = Place::of(records.len())?;
        let (mut filled, mut texts) = (Vec::new(), Vec::new());
        for (text, members) in records {
            let keyless = members.get(KEY).is_none();
            filled.push(keyless);
            if !keyless {
                texts.push(text.to_owned());
                continue;
            }
            let key = quoted(&self.rest.keys.next(self.now()));
            let mut text = ["{\"", KEY, "\":", &key].concat();
            rest(&mut text, &members, KEY);
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

pub(crate) fn checked(records: &str) -> Result<Vec<(&str, Members<'_>)>> {
    let records = list(records).map_err(|error| unreadable("tasks", &error))?;
    let read = |text| {
        let members = Members::read("task", text)?;
        let size = |name| members.get(name).map_or(0, str::len);
        limits::check_sizes(size("payload"), size("initial_state"), size("metadata"))?;
        Ok((text, members))
    };
    records.into_iter().map(read).collect()
}

/// The error of one of many tasks with its field as that of one alone: the server says which it was.
pub(crate) fn alone(error: Error) -> Error {
    let Error::Told(mut told) = error else { return error };
    let field = Members::parse(&told.details).and_then(|details| details.text("field"));
    if let Ok(field) = field
        && let Some((_, rest)) = field.strip_prefix("tasks[").and_then(|f| f.split_once(']'))
    {
        let within = if rest.is_empty() { "task" } else { rest.trim_start_matches('.') };
        // Its words begin with it.
        if let Some(rest) = told.message.strip_prefix(&field) {
            told.message = [within, rest].concat();
        }
        told.details = renamed(&told.details, within);
    }
    Error::Told(told)
}

/// JSON text of an error's values with another `field`.
fn renamed(details: &str, field: &str) -> String {
    let Ok(members) = Members::parse(details) else { return String::new() };
    let mut text = ["{\"field\":", &quoted(field)].concat();
    rest(&mut text, &members, "field");
    text
}

/// Writes the members but `name` behind what stands there, and ends the object.
fn rest(text: &mut String, members: &Members<'_>, name: &str) {
    for (known, value) in members.0.iter().filter(|(known, _)| known != name) {
        text.push(',');
        text.push_str(&quoted(known));
        text.push(':');
        text.push_str(value);
    }
    text.push('}');
}

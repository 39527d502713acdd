//! What is read of answers, by their members: a browser, too, reads these, and readers made by serde would be
//! large.

use std::str::FromStr;

use serde::de::Error as _;
use windlass_core::words::members::{Members, list, texts};
use windlass_core::{
    BatchId, BatchSubmission, Error, Payload, PipelineSubmission, Submission, TaskId, TaskStatus,
};

/// What an answer says.
pub(crate) trait Answered: Sized + Send {
    /// Reads it.
    fn read(text: &str) -> serde_json::Result<Self>;
}

impl Answered for Submission {
    fn read(text: &str) -> serde_json::Result<Self> {
        let one = Members::parse(text)?;
        let batch_id = one.get("batch_id").map(|_| word(&one, "batch_id")).transpose()?;
        Ok(Self {
            task_id: word(&one, "task_id")?,
            status: word(&one, "status")?,
            deduplicated: is(&one, "deduplicated"),
            batch_id,
        })
    }
}

impl Answered for BatchSubmission {
    fn read(text: &str) -> serde_json::Result<Self> {
        let batch = Members::parse(text)?;
        Ok(Self {
            batch_id: word(&batch, "batch_id")?,
            deduplicated: is(&batch, "deduplicated"),
            submissions: submissions(&batch)?,
        })
    }
}

impl Answered for PipelineSubmission {
    fn read(text: &str) -> serde_json::Result<Self> {
        let pipeline = Members::parse(text)?;
        let ids = texts(pipeline.expect("task_ids")?)?;
        let ids = ids.iter().map(|id| TaskId::parse(id).map_err(|_| unlike("task_ids")));
        Ok(Self {
            pipeline_id: word(&pipeline, "pipeline_id")?,
            task_ids: ids.collect::<serde_json::Result<_>>()?,
            status: word::<TaskStatus>(&pipeline, "status")?,
            deduplicated: is(&pipeline, "deduplicated"),
        })
    }
}

/// The id of a batch that was begun.
pub(crate) struct Opened(pub(crate) BatchId);

impl Answered for Opened {
    fn read(text: &str) -> serde_json::Result<Self> {
        word(&Members::parse(text)?, "batch_id").map(Self)
    }
}

/// How many tasks a batch has.
pub(crate) struct Extended(pub(crate) u64);

impl Answered for Extended {
    fn read(text: &str) -> serde_json::Result<Self> {
        Members::parse(text)?.whole("total").map(Self)
    }
}

/// What a task waited for.
pub(crate) struct Upstream(pub(crate) Payload);

impl Answered for Upstream {
    fn read(text: &str) -> serde_json::Result<Self> {
        value(&Members::parse(text)?, "result").map(Self)
    }
}

/// Names of stages.
pub(crate) struct Names(pub(crate) Vec<String>);

impl Answered for Names {
    fn read(text: &str) -> serde_json::Result<Self> {
        texts(Members::parse(text)?.expect("names")?).map(Self)
    }
}

/// A state, if there is one.
pub(crate) struct State(pub(crate) Option<Payload>);

impl Answered for State {
    fn read(text: &str) -> serde_json::Result<Self> {
        let state = Members::parse(text)?;
        is(&state, "exists").then(|| value(&state, "state")).transpose().map(Self)
    }
}

/// The submissions in the list that has their name.
pub(crate) fn submissions(members: &Members<'_>) -> serde_json::Result<Vec<Submission>> {
    items(members, "submissions")?.into_iter().map(Submission::read).collect()
}

/// The items of a list.
pub(crate) fn items<'a>(
    members: &Members<'a>,
    name: &'static str,
) -> serde_json::Result<Vec<&'a str>> {
    list(members.expect(name)?)
}

/// A word of ours, from its text.
pub(crate) fn word<T: FromStr>(members: &Members<'_>, name: &'static str) -> serde_json::Result<T> {
    members.text(name)?.parse().map_err(|_| unlike(name))
}

/// JSON text, `null` too, which is a value.
fn value(members: &Members<'_>, name: &'static str) -> serde_json::Result<Payload> {
    if members.has(name) {
        return Ok(Payload::trusted(members.get(name).unwrap_or("null")));
    }
    members.expect(name).map(Payload::trusted)
}

fn is(members: &Members<'_>, name: &str) -> bool {
    members.get(name) == Some("true")
}

fn unlike(name: &'static str) -> serde_json::Error {
    serde_json::Error::custom(["no such ", name].concat())
}

/// What a server answered was read once already, and yet is nothing that it answers.
pub(crate) fn unread(error: serde_json::Error) -> Error {
    let reason = format!("not what a Windlass server answers: {error}");
    Error::Api { status_code: 200, reason }
}

/// As many as were asked for, or nothing can be told from the answer.
pub(crate) fn counted<T>(found: Vec<T>, asked: usize) -> Result<Vec<T>, Error> {
    if found.len() == asked { Ok(found) } else { Err(miscounted(found.len(), asked)) }
}

pub(crate) fn miscounted(found: usize, asked: usize) -> Error {
    let reason = format!("answered {found} entries to a question about {asked}");
    Error::Api { status_code: 200, reason }
}

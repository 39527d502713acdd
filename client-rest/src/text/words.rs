//! Records that are handed on as they came: of each only that is read which decides what is done next.

use windlass_core::client::{Entry, Waited, answer_of};
use windlass_core::error::Told;
use windlass_core::words::members::{Members, quoted};
use windlass_core::{Error, Result, Submission, TaskId, TaskStatus};

use super::unread;
use crate::answered::{Answered, items, submissions, word};
use crate::reading::Record;
use crate::submitting::Place;

/// A task's record, and what a wait and a follower read of it.
pub struct TaskText {
    task_id: TaskId,
    status: TaskStatus,
    task_type: String,
    queue: String,
    handler: String,
    pub(crate) last_seq: u64,
    pub(crate) text: String,
}

impl TaskText {
    /// JSON text of its answer. Errors as `Client::result`.
    pub(crate) fn answer(&self) -> Result<String> {
        let task = Members::parse(&self.text).map_err(unread)?;
        match (answer_of(self.task_id, self.status, None), task.get("error")) {
            (Err(failed @ Error::TaskFailed { .. }), Some(error)) => {
                Err(self.failed(failed, error).map_err(unread)?)
            }
            (told, _) => told.map(|()| task.get("result").unwrap_or("null").to_owned()),
        }
    }

    /// What is told of a task that failed with `error`.
    fn failed(&self, failed: Error, error: &str) -> serde_json::Result<Error> {
        let (id, message) = (self.task_id.to_string(), Members::parse(error)?.text("message")?);
        Ok(Error::Told(Box::new(Told {
            code: failed.code(),
            status: failed.http_status(),
            message: ["task ", &id, " failed: ", &message].concat(),
            details: ["{\"task_id\":", &quoted(&id), ",\"error\":", error, "}"].concat(),
            retry_after: None,
        })))
    }
}

impl Record for TaskText {
    fn one(text: &str) -> serde_json::Result<Self> {
        let task = Members::parse(text)?;
        Ok(Self {
            task_id: word(&task, "task_id")?,
            status: word(&task, "status")?,
            task_type: task.text("task_type")?,
            queue: task.text("queue")?,
            handler: task.text("handler")?,
            last_seq: task.whole("last_seq")?,
            text: text.to_owned(),
        })
    }

    fn list(text: &str) -> serde_json::Result<Vec<Option<Self>>> {
        items(&Members::parse(text)?, "tasks")?.into_iter().map(read).collect()
    }
}

fn read<T: Record>(one: &str) -> serde_json::Result<Option<T>> {
    if one == "null" { Ok(None) } else { T::one(one).map(Some) }
}

/// What an answer tells of tasks that were stored.
pub(crate) fn stored(place: Place, text: &str) -> serde_json::Result<Vec<Submission>> {
    match place {
        Place::One => Submission::read(text).map(|one| vec![one]),
        _ => submissions(&Members::parse(text)?),
    }
}

impl Waited for TaskText {
    fn task_id(&self) -> TaskId {
        self.task_id
    }

    fn status(&self) -> TaskStatus {
        self.status
    }

    fn task_type(&self) -> &str {
        &self.task_type
    }

    fn queue(&self) -> &str {
        &self.queue
    }

    fn handler(&self) -> &str {
        &self.handler
    }
}

/// An entry of a task's history.
pub struct EntryText {
    seq: u64,
    is_final: bool,
    text: String,
}

impl Record for EntryText {
    fn one(text: &str) -> serde_json::Result<Self> {
        let entry = Members::parse(text)?;
        let status = entry.get("status").map(|_| word::<TaskStatus>(&entry, "status"));
        let is_status = entry.text("kind")? == "status";
        let is_final = is_status && status.transpose()?.is_some_and(TaskStatus::is_final);
        Ok(Self { seq: entry.whole("seq")?, is_final, text: text.to_owned() })
    }

    fn list(text: &str) -> serde_json::Result<Vec<Option<Self>>> {
        items(&Members::parse(text)?, "updates")?.into_iter().map(read).collect()
    }
}

impl Entry for EntryText {
    fn seq(&self) -> u64 {
        self.seq
    }

    fn is_final(&self) -> bool {
        self.is_final
    }

    fn into_json(self) -> Result<String> {
        Ok(self.text)
    }
}

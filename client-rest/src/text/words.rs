//! Records that are handed on as they came: of each only that is read which decides what is done next.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use windlass_core::client::{Entry, Waited, answer_of};
use windlass_core::words::TaskError;
use windlass_core::{Result, TaskId, TaskStatus};

use super::unread;

/// A task's record.
pub struct TaskText {
    seen: Seen,
    pub(crate) text: Box<RawValue>,
}

/// What a wait and a follower read of a task.
#[derive(Deserialize)]
struct Seen {
    task_id: TaskId,
    status: TaskStatus,
    task_type: String,
    queue: String,
    handler: String,
    last_seq: u64,
}

/// What the end of a task is told by.
#[derive(Deserialize)]
struct Ended {
    #[serde(default)]
    result: Option<Box<RawValue>>,
    #[serde(default)]
    error: Option<TaskError>,
}

impl TaskText {
    pub(crate) fn last_seq(&self) -> u64 {
        self.seen.last_seq
    }

    /// JSON text of its answer. Errors as `Client::result`.
    pub(crate) fn answer(&self) -> Result<String> {
        let Ended { result, error } = serde_json::from_str(self.text.get()).map_err(unread)?;
        answer_of(self.seen.task_id, self.seen.status, error)?;
        Ok(result.map_or_else(|| "null".to_owned(), |result| result.get().to_owned()))
    }
}

impl<'de> Deserialize<'de> for TaskText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Box::<RawValue>::deserialize(deserializer)?;
        let seen = serde_json::from_str(text.get()).map_err(D::Error::custom)?;
        Ok(Self { seen, text })
    }
}

impl Waited for TaskText {
    fn task_id(&self) -> TaskId {
        self.seen.task_id
    }

    fn status(&self) -> TaskStatus {
        self.seen.status
    }

    fn task_type(&self) -> &str {
        &self.seen.task_type
    }

    fn queue(&self) -> &str {
        &self.seen.queue
    }

    fn handler(&self) -> &str {
        &self.seen.handler
    }
}

/// An entry of a task's history.
pub struct EntryText {
    seq: u64,
    is_final: bool,
    text: Box<RawValue>,
}

/// What a follower reads of an entry.
#[derive(Deserialize)]
struct Mark {
    seq: u64,
    kind: String,
    #[serde(default)]
    status: Option<TaskStatus>,
}

impl<'de> Deserialize<'de> for EntryText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Box::<RawValue>::deserialize(deserializer)?;
        let mark: Mark = serde_json::from_str(text.get()).map_err(D::Error::custom)?;
        let is_final = mark.kind == "status" && mark.status.is_some_and(TaskStatus::is_final);
        Ok(Self { seq: mark.seq, is_final, text })
    }
}

impl Serialize for EntryText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.text.serialize(serializer)
    }
}

impl Entry for EntryText {
    fn seq(&self) -> u64 {
        self.seq
    }

    fn is_final(&self) -> bool {
        self.is_final
    }
}

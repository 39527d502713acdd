//! Questions about many tasks, and their answers.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::error::Error;
use crate::words::{BatchId, Labels, Task, TaskId, TaskKind, TaskStatus, Timestamp};

/// Which tasks to list, newest first. What is left out does not restrict; all given must hold.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Filter {
    /// One of these; empty for any.
    pub status: Vec<TaskStatus>,
    /// This type.
    pub task_type: Option<String>,
    /// This queue.
    pub queue: Option<String>,
    /// All of these labels.
    pub labels: Labels,
    /// This batch.
    pub batch_id: Option<BatchId>,
    /// This kind; those that a handler runs when left out.
    pub kind: Option<TaskKind>,
    /// Created at or after this.
    pub since: Option<Timestamp>,
    /// Created before this.
    pub until: Option<Timestamp>,
    /// The error's message contains this, case-sensitive.
    pub error: Option<String>,
}

/// How much older than its row a task's id may be: a submit waits for its turn to be written, and for
/// room in a full queue.
const ID_LAG: Duration = Duration::from_secs(300);

/// How much younger than its row a task's id may be: ids go on rising when the clock steps back.
const ID_LEAD: Duration = Duration::from_secs(60);

impl Filter {
    /// The lowest id that a match can have: where a walk may end.
    pub fn least_id(&self) -> Option<TaskId> {
        self.since.map(|since| TaskId::least_at(since.before(ID_LAG)))
    }

    /// Above every id that a match can have: where a walk may begin.
    pub fn above_ids(&self) -> Option<TaskId> {
        self.until.map(|until| TaskId::least_at(until.after(ID_LEAD)))
    }

    /// Whether nothing is given, so that every task matches.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether nothing but statuses and the queue is given: what is counted all the time.
    pub fn is_counted(&self) -> bool {
        let rest = Self { status: Vec::new(), queue: None, ..self.clone() };
        rest.is_empty()
    }

    /// The filter for those of `statuses` that it asks for; `None` when it asks for none of them.
    pub fn among(mut self, statuses: &[TaskStatus]) -> Option<Self> {
        if self.status.is_empty() {
            self.status = statuses.to_vec();
        } else {
            self.status.retain(|status| statuses.contains(status));
        }
        (!self.status.is_empty()).then_some(self)
    }

    /// Whether the task is one of those asked for.
    pub fn matches(&self, task: &Task) -> bool {
        let given = |wanted: &Option<String>, is: &str| wanted.as_ref().is_none_or(|w| w == is);
        (self.status.is_empty() || self.status.contains(&task.status))
            && given(&self.task_type, &task.task_type)
            && given(&self.queue, &task.queue)
            && self.labels.iter().all(|(key, value)| task.labels.get(key) == Some(value))
            && task.kind == self.kind.unwrap_or_default()
            && self.batch_id.is_none_or(|batch| task.batch_id == Some(batch))
            && self.since.is_none_or(|since| task.created_at >= since)
            && self.until.is_none_or(|until| task.created_at < until)
            && self.error.as_ref().is_none_or(|text| {
                task.error.as_ref().is_some_and(|error| error.message.contains(text.as_str()))
            })
    }
}

/// Place in a list, to go on from. Opaque text on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// The last task that was looked at.
    pub after: TaskId,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("c1")?;
        self.after.as_bytes().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for Cursor {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let refused = || Error::invalid("cursor", "is not one that a list returned");
        let hex = text
            .strip_prefix("c1")
            .filter(|h| h.len() == 32 && h.bytes().all(|b| b.is_ascii_hexdigit()));
        let hex = hex.ok_or_else(refused)?;
        let mut bytes = [0; 16];
        for (i, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).map_err(|_| refused())?;
        }
        Ok(Self { after: TaskId::from_bytes(bytes) })
    }
}

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// Part of a list.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Page {
    /// Newest first. May hold fewer than the limit, even none, while `next` is given: a walk looks
    /// at a bounded number of rows.
    pub tasks: Vec<Task>,
    /// Where to go on; `None` at the end.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, pattern = "^c1[0-9a-f]{32}$"))]
    pub next: Option<Cursor>,
}

/// How many tasks match.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Tally {
    /// So many.
    pub count: u64,
    /// Whether these are all; else counting stopped there.
    pub exact: bool,
}

/// What a verb over all tasks that match did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Changed {
    /// Tasks that were changed.
    pub changed: u64,
    /// Whether it stopped at its bound, so that more may match.
    pub more: bool,
    /// Where to go on, when it did: what was passed is not looked at again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, pattern = "^c1[0-9a-f]{32}$"))]
    pub next: Option<Cursor>,
}

/// How far a verb over all tasks that match goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// Where it begins; with the newest task when `None`.
    pub cursor: Option<Cursor>,
    /// Most tasks to change.
    pub most: u32,
}

/// From the newest on.
impl From<u32> for Stretch {
    fn from(most: u32) -> Self {
        Self { cursor: None, most }
    }
}

/// How many tasks of a queue have a status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Count {
    /// The queue.
    pub queue: String,
    /// The status.
    pub status: TaskStatus,
    /// How many; never 0.
    pub count: u64,
}

/// Why a task does not run now, in one word for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Waiting {
    /// It has ended.
    Finished,
    /// A worker has it.
    Running,
    /// Its worker has been asked to stop it.
    Cancelling,
    /// Its worker's lease has passed; the next sweep takes it back.
    LeaseExpired,
    /// Its time has not come: delay, snooze or first run.
    Delayed,
    /// It failed and backs off before the next attempt.
    BackingOff,
    /// Waits for other tasks.
    Blocked,
    /// No live worker takes its type from its queue.
    NoWorker,
    /// Its queue is paused.
    Paused,
    /// A worker was lost with it; it waits for a worker that holds nothing else.
    Suspect,
    /// Others go first.
    Behind,
    /// Nothing is before it: a worker will take it.
    Next,
}

/// Answer to "why does this task not run?".
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Why {
    /// The task.
    pub task_id: TaskId,
    /// Its status.
    pub status: TaskStatus,
    /// The reason, for programs.
    pub reason: Waiting,
    /// The reason and what to do, for people.
    pub text: String,
    /// Tasks that its workers take before it; counted up to 1000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ahead: Option<u64>,
    /// When it becomes due or its lease ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Who has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<String>,
}

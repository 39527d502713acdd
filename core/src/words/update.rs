//! One entry of a task's history.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::words::{Payload, TaskError, TaskId, TaskStatus, Timestamp};

/// How grave a log line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum LogLevel {
    Debug,
    #[default]
    Info,
    Warning,
    Error,
}

impl LogLevel {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl FromStr for LogLevel {
    type Err = Error;

    fn from_str(word: &str) -> Result<Self, Error> {
        [Self::Debug, Self::Info, Self::Warning, Self::Error]
            .into_iter()
            .find(|level| level.as_str() == word)
            .ok_or_else(|| {
                Error::invalid(
                    "level",
                    format!("must be debug, info, warning or error, not {word:?}"),
                )
            })
    }
}

/// What an update tells.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum UpdateKind {
    /// The status changed.
    Status {
        /// The new status.
        status: TaskStatus,
        /// Attempts counted so far.
        attempt: u32,
        /// Why, where there is something to say.
        #[serde(skip_serializing_if = "Option::is_none")]
        message: Option<String>,
        /// The failed attempt's error.
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<TaskError>,
        /// JSON text of the answer, with `completed`.
        #[serde(skip_serializing_if = "Option::is_none")]
        result: Option<Payload>,
    },
    /// The handler reported how far it is.
    Progress {
        /// 0 to 100.
        progress: f64,
        /// Text beside it.
        #[serde(skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    },
    /// The handler wrote a log line.
    Log {
        /// How grave.
        level: LogLevel,
        /// The line, at most 16 KiB.
        message: String,
    },
    /// A member of this batch, block or pipeline changed its status. A batch tells of ends only.
    Member {
        /// The member.
        member_id: TaskId,
        /// Its name in a pipeline.
        #[serde(skip_serializing_if = "Option::is_none")]
        stage: Option<String>,
        /// Its new status.
        status: TaskStatus,
        /// Its attempts counted so far.
        attempt: u32,
        /// Its last error, when it failed or was cancelled.
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<TaskError>,
    },
    /// History before this entry was pruned; this is how the task stands now.
    Resync {
        /// Its status.
        status: TaskStatus,
        /// Its progress.
        #[serde(skip_serializing_if = "Option::is_none")]
        progress: Option<f64>,
    },
}

/// One entry of a task's history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "UpdateRecord")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Update {
    /// The task.
    pub task_id: TaskId,
    /// From 1, without gaps, never renumbered. A resync carries the last number that is missing.
    pub seq: u64,
    /// When, by the store's clock.
    pub at: Timestamp,
    /// What.
    #[serde(flatten)]
    pub kind: UpdateKind,
}

impl Update {
    /// Whether this is the final entry of a finished task's stream.
    pub fn is_final(&self) -> bool {
        matches!(&self.kind, UpdateKind::Status { status, .. } if status.is_final())
    }
}

/// An entry that a handler adds: progress or log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum NewUpdate {
    /// How far the handler is.
    Progress {
        /// 0 to 100.
        #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 100))]
        progress: f64,
        /// Text beside it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    },
    /// A log line.
    Log {
        /// How grave.
        #[serde(default)]
        level: LogLevel,
        /// The line.
        message: String,
    },
}

impl From<NewUpdate> for UpdateKind {
    fn from(new: NewUpdate) -> Self {
        match new {
            NewUpdate::Progress { progress, message } => Self::Progress { progress, message },
            NewUpdate::Log { level, message } => Self::Log { level, message },
        }
    }
}

/// The flat wire form. JSON text that is kept as text cannot be read through serde's tagged forms.
#[derive(Deserialize)]
struct UpdateRecord {
    task_id: TaskId,
    seq: u64,
    at: Timestamp,
    kind: String,
    #[serde(default)]
    status: Option<TaskStatus>,
    #[serde(default)]
    attempt: u32,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    error: Option<TaskError>,
    #[serde(default)]
    result: Option<Payload>,
    #[serde(default)]
    progress: Option<f64>,
    #[serde(default)]
    level: LogLevel,
    #[serde(default)]
    member_id: Option<TaskId>,
    #[serde(default)]
    stage: Option<String>,
}

impl TryFrom<UpdateRecord> for Update {
    type Error = Error;

    fn try_from(r: UpdateRecord) -> Result<Self, Error> {
        let missing = |field| Error::invalid(field, format!("is needed by kind {}", r.kind));
        let kind = match r.kind.as_str() {
            "status" => UpdateKind::Status {
                status: r.status.ok_or_else(|| missing("status"))?,
                attempt: r.attempt,
                message: r.message,
                error: r.error,
                result: r.result,
            },
            "progress" => UpdateKind::Progress {
                progress: r.progress.ok_or_else(|| missing("progress"))?,
                message: r.message,
            },
            "log" => UpdateKind::Log {
                level: r.level,
                message: r.message.ok_or_else(|| missing("message"))?,
            },
            "member" => UpdateKind::Member {
                member_id: r.member_id.ok_or_else(|| missing("member_id"))?,
                stage: r.stage,
                status: r.status.ok_or_else(|| missing("status"))?,
                attempt: r.attempt,
                error: r.error,
            },
            "resync" => UpdateKind::Resync {
                status: r.status.ok_or_else(|| missing("status"))?,
                progress: r.progress,
            },
            other => return Err(Error::invalid("kind", format!("{other:?} is not known"))),
        };
        Ok(Self { task_id: r.task_id, seq: r.seq, at: r.at, kind })
    }
}

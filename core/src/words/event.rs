//! What happens to tasks, as whoever follows all of them is told.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::words::{TaskError, TaskId, TaskStatus, Timestamp};

/// What happened to a task: one name for each change of its status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum TaskEventKind {
    /// It was stored.
    #[serde(rename = "task.submitted")]
    Submitted,
    /// It waits for a time: it failed and backs off, or snoozes.
    #[serde(rename = "task.scheduled")]
    Scheduled,
    /// It may be leased again: its time has come, it was handed back, or it was retried.
    #[serde(rename = "task.pending")]
    Pending,
    /// An attempt began.
    #[serde(rename = "task.started")]
    Started,
    /// It ended well.
    #[serde(rename = "task.completed")]
    Completed,
    /// It ended badly.
    #[serde(rename = "task.failed")]
    Failed,
    /// It ended on request.
    #[serde(rename = "task.cancelled")]
    Cancelled,
}

impl TaskEventKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::Submitted,
        Self::Scheduled,
        Self::Pending,
        Self::Started,
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
    ];

    /// The name on the wire: `task.submitted` and so on.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Submitted => "task.submitted",
            Self::Scheduled => "task.scheduled",
            Self::Pending => "task.pending",
            Self::Started => "task.started",
            Self::Completed => "task.completed",
            Self::Failed => "task.failed",
            Self::Cancelled => "task.cancelled",
        }
    }

    /// What entry number `seq` of a history tells when it says that the task became `status`; `None`
    /// for a task that waits for others.
    pub fn of(seq: u64, status: TaskStatus) -> Option<Self> {
        match status {
            _ if seq == 1 => Some(Self::Submitted),
            TaskStatus::Blocked => None,
            TaskStatus::Scheduled => Some(Self::Scheduled),
            TaskStatus::Pending => Some(Self::Pending),
            TaskStatus::Running => Some(Self::Started),
            TaskStatus::Completed => Some(Self::Completed),
            TaskStatus::Failed => Some(Self::Failed),
            TaskStatus::Cancelled => Some(Self::Cancelled),
        }
    }
}

impl fmt::Display for TaskEventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One change in the life of a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TaskEvent {
    /// What happened.
    pub event: TaskEventKind,
    /// The task.
    pub task_id: TaskId,
    /// Number of the entry in the task's history: one event for each task and number.
    pub seq: u64,
    /// When, by the store's clock.
    pub at: Timestamp,
    /// The task's queue.
    pub queue: String,
    /// The task's type.
    pub task_type: String,
    /// The status that it then had.
    pub status: TaskStatus,
    /// Attempts counted by then.
    pub attempt: u32,
    /// Why, where there is something to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The failed attempt's error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<TaskError>,
    /// The worker of the attempt, where it is known: of the last attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_has_one_name() {
        for kind in TaskEventKind::ALL {
            let json = serde_json::to_string(&kind).unwrap();
            assert_eq!(json, format!("{:?}", kind.as_str()));
        }
    }
}

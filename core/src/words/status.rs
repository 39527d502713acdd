//! Where a task stands, and where it may go from there.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// Status of a task. The last three are final.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum TaskStatus {
    /// Waits for other tasks, or for its turn on a state key.
    Blocked = 0,
    /// Waits for a time: delay, backoff or snooze.
    Scheduled = 1,
    /// May be leased now.
    Pending = 2,
    /// Under a lease.
    Running = 3,
    /// Ended well.
    Completed = 4,
    /// Ended badly: the dead letter, kept for inspection and retry on demand.
    Failed = 5,
    /// Ended on request.
    Cancelled = 6,
}

impl TaskStatus {
    /// Every status, in the order of their numbers.
    pub const ALL: [Self; 7] = [
        Self::Blocked,
        Self::Scheduled,
        Self::Pending,
        Self::Running,
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
    ];

    /// The statuses that may follow this one. From `failed` and `cancelled` only by an explicit retry.
    pub const fn next(self) -> &'static [Self] {
        use TaskStatus::*;
        match self {
            Blocked => &[Pending, Scheduled, Cancelled],
            Scheduled => &[Pending, Cancelled],
            Pending => &[Running, Cancelled],
            Running => &[Completed, Scheduled, Pending, Failed, Cancelled],
            Completed => &[],
            Failed | Cancelled => &[Pending, Blocked],
        }
    }

    /// Whether `to` may follow this status.
    pub fn may_become(self, to: Self) -> bool {
        self.next().contains(&to)
    }

    /// Whether the task has ended.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }

    /// Whether the task counts towards the depth of its queue.
    pub const fn is_waiting(self) -> bool {
        matches!(self, Self::Blocked | Self::Scheduled | Self::Pending)
    }

    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Blocked => "blocked",
            Self::Scheduled => "scheduled",
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The status with this number, as stores keep it.
    pub const fn from_number(number: u8) -> Option<Self> {
        if (number as usize) < Self::ALL.len() { Some(Self::ALL[number as usize]) } else { None }
    }
}

impl fmt::Display for TaskStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for TaskStatus {
    type Err = Error;

    fn from_str(word: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|s| s.as_str() == word).ok_or_else(|| {
            let all = Self::ALL.map(Self::as_str).join(", ");
            Error::invalid("status", format!("must be one of {all}, not {word:?}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_explicit_retry_leaves_a_final_status() {
        for status in TaskStatus::ALL {
            assert_eq!(TaskStatus::from_number(status as u8), Some(status));
            if status.is_final() {
                assert!(status.next().iter().all(|s| s.is_waiting()), "{status}");
            }
        }
        assert_eq!(TaskStatus::from_number(7), None);
    }
}

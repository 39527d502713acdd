//! One attempt in the hands of the host.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use crate::words::{Payload, Task};

/// Number of a job within its worker.
pub type JobId = u64;

/// Why a handler is asked to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum CancelReason {
    /// Somebody cancelled the task.
    Requested = 1,
    /// The attempt ran past its timeout.
    Timeout = 2,
    /// The worker shuts down; the task goes back to its queue.
    Shutdown = 3,
    /// The lease is gone; the result is not wanted.
    Lost = 4,
}

impl CancelReason {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Timeout => "timeout",
            Self::Shutdown => "shutdown",
            Self::Lost => "lost",
        }
    }
}

/// Tells a handler that it is asked to stop. Clones share it; reading it takes no lock.
#[derive(Debug, Clone, Default)]
pub struct CancelFlag(Arc<AtomicU8>);

impl CancelFlag {
    /// Why the handler is asked to stop, if it is.
    pub fn reason(&self) -> Option<CancelReason> {
        match self.0.load(Ordering::Relaxed) {
            1 => Some(CancelReason::Requested),
            2 => Some(CancelReason::Timeout),
            3 => Some(CancelReason::Shutdown),
            4 => Some(CancelReason::Lost),
            _ => None,
        }
    }

    pub(super) fn set(&self, reason: CancelReason) {
        self.0.store(reason as u8, Ordering::Relaxed);
    }
}

/// One attempt to run. The claim is its start.
#[derive(Debug, Clone)]
pub struct Job {
    /// To hand back with its outcome.
    pub id: JobId,
    /// The task as leased.
    pub task: Task,
    /// The state of its `state_key`: as the last task left it, else its `initial_state`.
    pub state: Option<Payload>,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// Longest it may run: the task's timeout, else the handler's.
    pub timeout: Option<Duration>,
    /// Whether it is asked to stop.
    pub cancel: CancelFlag,
}

/// News about a job that the host has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Stop the handler, then hand in its outcome as ever.
    Cancel(JobId, CancelReason),
    /// The handler ignored its cancellation for too long: the task was settled without it, and its
    /// slot is given to others. Its thread is to be replaced; what it still returns is ignored.
    Abandon(JobId),
}

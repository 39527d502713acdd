//! What came of a run and of each of its tasks.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use windlass_core::rules::dynamic::Metrics;

/// Why a task did not complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExecutionError<E> {
    /// It failed with this.
    Failed(E),
    /// It ran longer than this, its timeout.
    TimedOut(Duration),
    /// It never started: it depends on this task, which did not complete.
    Unmet(String),
    /// The time of the run was over before it ended.
    Stopped,
}

impl<E> ExecutionError<E> {
    /// `handler_error`, `task_timeout` or `task_cancelled`.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Failed(_) => "handler_error",
            Self::TimedOut(_) => "task_timeout",
            Self::Unmet(_) | Self::Stopped => "task_cancelled",
        }
    }
}

impl<E: fmt::Display> fmt::Display for ExecutionError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => error.fmt(f),
            Self::TimedOut(timeout) => {
                write!(f, "it ran longer than {} seconds", timeout.as_secs_f64())
            }
            Self::Unmet(task_id) => {
                write!(f, "it depends on task {task_id}, which did not complete")
            }
            Self::Stopped => f.write_str("the time of the run was over"),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> std::error::Error for ExecutionError<E> {}

/// What came of a run. Each task is in `results` or in `errors`.
#[derive(Debug, Clone)]
pub struct Execution<T, E> {
    /// What the tasks that completed succeeded with, by their ids.
    pub results: BTreeMap<String, T>,
    /// Why the others did not, by their ids.
    pub errors: BTreeMap<String, ExecutionError<E>>,
    /// Whether the time of the run was over before its last task ended.
    pub timed_out: bool,
    /// What was measured.
    pub metrics: Metrics,
    /// What the measured numbers say about the settings, most important first.
    pub recommendations: Vec<String>,
}

impl<T, E> Execution<T, E> {
    /// Whether every task completed.
    pub fn is_success(&self) -> bool {
        self.errors.is_empty()
    }
}

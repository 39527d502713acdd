//! What came of a block and of each of its steps.

use std::time::Duration;

use windlass_core::rules::strategy::Overall;

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepResult<T, E> {
    /// It succeeded with this.
    Completed(T),
    /// It failed with this.
    Failed(E),
    /// It was dropped before its end, or never started.
    Cancelled,
}

impl<T, E> StepResult<T, E> {
    /// What it succeeded with.
    pub const fn completed(&self) -> Option<&T> {
        match self {
            Self::Completed(value) => Some(value),
            _ => None,
        }
    }

    /// What it failed with.
    pub const fn failed(&self) -> Option<&E> {
        match self {
            Self::Failed(error) => Some(error),
            _ => None,
        }
    }

    /// `completed`, `failed` or `cancelled`.
    pub const fn status(&self) -> &'static str {
        match self {
            Self::Completed(_) => "completed",
            Self::Failed(_) => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// What came of a block.
#[derive(Debug, Clone)]
pub struct BlockResult<T, E> {
    /// The verdict.
    pub overall: Overall,
    /// Steps that succeeded.
    pub completed: u32,
    /// Steps that failed.
    pub failed: u32,
    /// Steps that were cancelled.
    pub cancelled: u32,
    /// How long it took.
    pub elapsed: Duration,
    /// One for each step, in the order of the steps.
    pub results: Vec<StepResult<T, E>>,
}

impl<T, E> BlockResult<T, E> {
    /// What the steps that succeeded succeeded with, in the order of the steps.
    pub fn values(self) -> impl Iterator<Item = T> {
        self.results.into_iter().filter_map(|step| match step {
            StepResult::Completed(value) => Some(value),
            _ => None,
        })
    }
}

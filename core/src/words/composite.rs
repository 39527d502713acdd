//! A task that stands for others: a batch, a block of steps, a pipeline. Its members do its work.

use serde::{Deserialize, Serialize};

use crate::words::TaskId;

/// What a task is made of.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum TaskKind {
    /// A handler runs it.
    #[default]
    Task = 0,
    /// Tasks with one progress and one completion.
    Batch = 1,
    /// Steps under a strategy.
    Block = 2,
    /// A graph of stages.
    Pipeline = 3,
}

impl TaskKind {
    /// Every kind, in the order of their numbers.
    pub const ALL: [Self; 4] = [Self::Task, Self::Batch, Self::Block, Self::Pipeline];

    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Task => "task",
            Self::Batch => "batch",
            Self::Block => "block",
            Self::Pipeline => "pipeline",
        }
    }

    /// Whether a handler runs it.
    pub fn is_task(&self) -> bool {
        *self == Self::Task
    }

    /// The kind with this number, as stores keep it.
    pub const fn from_number(number: u8) -> Option<Self> {
        if (number as usize) < Self::ALL.len() { Some(Self::ALL[number as usize]) } else { None }
    }
}

/// The composite that a task is a member of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Parent {
    /// The task that stands for it.
    pub task_id: TaskId,
    /// What it is; never [`TaskKind::Task`].
    pub kind: TaskKind,
}

/// How the members of a composite ended so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Members {
    /// Members.
    pub total: u32,
    /// Those that completed.
    pub completed: u32,
    /// Those that failed for good.
    pub failed: u32,
    /// Those that were cancelled.
    pub cancelled: u32,
    /// Whether the member that ended first completed; `None` while none has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<bool>,
}

impl Members {
    /// Members that have ended.
    pub const fn ended(&self) -> u32 {
        self.completed + self.failed + self.cancelled
    }

    /// Members that have not.
    pub const fn open(&self) -> u32 {
        self.total.saturating_sub(self.ended())
    }

    /// How far it is, 0 to 100.
    pub fn progress(&self) -> f64 {
        if self.total == 0 {
            100.0
        } else {
            f64::from(self.ended()) * 100.0 / f64::from(self.total)
        }
    }
}

/// Which end of a task lets another go on that waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Need {
    /// It completed.
    Success = 0,
    /// It failed or was cancelled.
    Failure = 1,
    /// It ended, however.
    End = 2,
}

impl Need {
    /// Whether an end with `completed` meets it.
    pub const fn is_met(self, completed: bool) -> bool {
        match self {
            Self::Success => completed,
            Self::Failure => !completed,
            Self::End => true,
        }
    }

    /// The need with this number, as stores keep it.
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Success),
            1 => Some(Self::Failure),
            2 => Some(Self::End),
            _ => None,
        }
    }
}

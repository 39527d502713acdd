//! What a store is given and asked of batches, blocks and pipelines.

use crate::engine::submit::NewTask;
use crate::words::{Need, Submission, Task, TaskId};

/// A batch, block or pipeline to store whole or not at all.
#[derive(Debug, Clone, PartialEq)]
pub struct Composition {
    /// The task that stands for it: its `place.kind` says what it is, and its own timeout how long the
    /// whole may take. Its id is lower than its members'.
    pub task: NewTask,
    /// Its members, in their order; each names it as its parent.
    pub members: Vec<NewTask>,
    /// Who waits for whom among the members, by their places. A member's `place.waits` counts the edges
    /// that end at it; one more than those is a turn that `Rows::next_step` gives.
    pub edges: Vec<Edge>,
    /// Tasks that wait for its own end; no members of it.
    pub hooks: Vec<(Need, NewTask)>,
    /// Refuse when a queue would then hold more waiting tasks.
    pub depth_limit: Option<u64>,
}

pub use crate::rules::graph::Edge;

/// A batch, block or pipeline that is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Composed {
    /// The task that stands for it.
    pub task: Submission,
    /// One for each member, in order.
    pub members: Vec<Submission>,
}

/// Whether these are members in the order of their ids, all of them: an answer that can be told from the
/// rows, and need not be kept.
pub fn are_by_id(members: &[Submission]) -> bool {
    members.iter().all(|member| !member.deduplicated)
        && members.is_sorted_by_key(|member| member.task_id)
}

/// A batch, block or pipeline and its members, of one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Graph {
    /// The task that stands for it.
    pub task: Task,
    /// Its members by id, which is their order.
    pub members: Vec<Task>,
    /// Who waits for whom: `to` for `from`.
    pub edges: Vec<(TaskId, TaskId)>,
}

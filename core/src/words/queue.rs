//! A queue and a batch as others see them: counts of tasks.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::words::{BatchId, TaskStatus, Timestamp};

/// Tasks by status; zeros are left out.
pub type Counts = BTreeMap<TaskStatus, u64>;

/// A named line of tasks. It exists by being used; one that nobody used has no tasks and is not paused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct QueueInfo {
    /// Its name.
    pub queue: String,
    /// Whether workers are given nothing from it. Tasks are still accepted, and what runs goes on.
    pub paused: bool,
    /// Tasks by status.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::words::schema::StatusCounts))]
    pub counts: Counts,
    /// Tasks that wait: blocked, scheduled and pending.
    pub depth: u64,
    /// `run_at` of the pending task that has waited longest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest_pending_at: Option<Timestamp>,
}

/// Tasks that were submitted together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Batch {
    /// Its id.
    pub batch_id: BatchId,
    /// `pending` while nothing has begun, `running` while something is open; then `failed` when a task
    /// failed, else `cancelled` when one was cancelled, else `completed`.
    pub status: TaskStatus,
    /// How many tasks it has, those that were pruned left out.
    pub total: u64,
    /// Tasks by status.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::words::schema::StatusCounts))]
    pub counts: Counts,
}

impl Batch {
    /// The batch whose tasks count so.
    pub fn of(batch_id: BatchId, counts: Counts) -> Self {
        let total = counts.values().sum();
        let has = |status: &TaskStatus| counts.get(status).is_some_and(|count| *count > 0);
        let open = counts.iter().any(|(status, count)| !status.is_final() && *count > 0);
        let begun = counts.iter().any(|(status, count)| {
            (status.is_final() || *status == TaskStatus::Running) && *count > 0
        });
        let status = match (open, begun) {
            (true, false) => TaskStatus::Pending,
            (true, true) => TaskStatus::Running,
            _ if has(&TaskStatus::Failed) => TaskStatus::Failed,
            _ if has(&TaskStatus::Cancelled) => TaskStatus::Cancelled,
            _ => TaskStatus::Completed,
        };
        Self { batch_id, status, total, counts }
    }

    /// Whether every task has ended.
    pub fn is_final(&self) -> bool {
        self.status.is_final()
    }
}

//! A queue as others see it: counts of tasks.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::words::{TaskStatus, Timestamp};

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

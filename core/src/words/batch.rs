//! A batch: many tasks with one progress and one completion.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::words::{
    BatchId, Counts, Labels, Payload, Submission, TaskId, TaskSpec, TaskStatus, Timestamp,
};

/// What a batch is told beside its tasks.
///
/// A hook runs once: at the first end of the batch that fits it. A batch whose task runs again ends again,
/// and then those run that were not needed before.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct BatchSpec {
    /// For people; at most 128 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Runs when every task has ended, however. Has no `idempotency_key`: the batch has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_complete: Option<TaskSpec>,
    /// Runs when every task has completed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_success: Option<TaskSpec>,
    /// Runs when every task has ended and one of them failed or was cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_failure: Option<TaskSpec>,
    /// One batch per tenant and key. For a batch that comes in chunks it stands for what is told here,
    /// not for its tasks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    /// Labels of the batch itself.
    #[serde(skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// Free JSON object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Payload>,
}

/// A batch that is stored: durable when it is returned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BatchSubmission {
    /// The batch.
    pub batch_id: BatchId,
    /// Whether its own key was known, so that nothing new was stored.
    #[serde(default)]
    pub deduplicated: bool,
    /// One for each task, in order.
    pub submissions: Vec<Submission>,
}

impl BatchSubmission {
    /// Makes the answer to one who asked again, because the first answer was lost, what that one was: the
    /// batch was new, and so are the tasks that are of it.
    pub fn as_first_told(&mut self) {
        let mut told = HashSet::with_capacity(self.submissions.len());
        self.deduplicated = false;
        for submission in &mut self.submissions {
            let is_own = submission.batch_id == Some(self.batch_id);
            submission.deduplicated = !told.insert(submission.task_id) || !is_own;
        }
    }
}

/// The tasks that run when a batch has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Hooks {
    /// Of `on_complete`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_complete: Option<TaskId>,
    /// Of `on_success`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_success: Option<TaskId>,
    /// Of `on_failure`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_failure: Option<TaskId>,
}

/// Tasks that were submitted together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Batch {
    /// Its id: also the id of the task that stands for it, which can be followed.
    pub batch_id: BatchId,
    /// `pending` while nothing has begun, `running` while something is open; then `failed` when a task
    /// failed, else `cancelled` when one was cancelled, else `completed`.
    pub status: TaskStatus,
    /// How many tasks it has.
    pub total: u64,
    /// Tasks by status.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::words::schema::StatusCounts))]
    pub counts: Counts,
    /// How many of its tasks have ended, 0 to 100.
    pub progress: f64,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// When it was stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
    /// When its last task ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// The tasks that run when it has ended.
    #[serde(default)]
    pub hooks: Hooks,
}

impl Batch {
    /// The batch whose tasks count so.
    pub fn of(batch_id: BatchId, counts: Counts) -> Self {
        let total: u64 = counts.values().sum();
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
        let ended = counts.iter().filter(|(status, _)| status.is_final());
        let ended: u64 = ended.map(|(_, count)| count).sum();
        let progress = if total == 0 { 100.0 } else { ended as f64 * 100.0 / total as f64 };
        Self {
            batch_id,
            status,
            total,
            counts,
            progress,
            name: None,
            created_at: None,
            finished_at: None,
            hooks: Hooks::default(),
        }
    }

    /// Whether every task has ended.
    pub fn is_final(&self) -> bool {
        self.status.is_final()
    }
}

//! Bodies that client and server exchange, beside the words themselves.

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::words::{
    Cursor, ErrorBody, LeaseRequest, Leased, Renewal, Renewed, Settle, Settled, Submission, Task,
    TaskId, TaskSpec, TaskStatus, Timestamp, Update, WorkerInfo,
};

/// Body of a submit of many tasks: all are stored or none.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SubmitBody {
    /// The tasks, at most 100,000.
    #[cfg_attr(feature = "openapi", schema(max_items = 100000))]
    pub tasks: Vec<TaskSpec>,
}

/// Answer to a submit of one task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SubmittedTask {
    /// The submission.
    #[serde(flatten)]
    pub submission: Submission,
    /// The task as it stood when the wait that was asked for had ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<Task>,
}

/// Answer to a submit of many tasks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Submitted {
    /// One for each task, in order.
    pub submissions: Vec<Submission>,
}

/// Body of a question about tasks by id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TaskIds {
    /// The tasks; one that is no id at all is answered like one that is not there.
    pub task_ids: Vec<String>,
}

/// Answer with one entry for each id, in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FoundTasks {
    /// `null` where the tenant has none.
    pub tasks: Vec<Option<Task>>,
}

/// Body of a verb over all tasks that match.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BoundBody {
    /// Most tasks to change; 10,000 when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 10000))]
    pub most: Option<u32>,
    /// Where to go on: `next` of the answer before; with the newest task when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, pattern = "^c1[0-9a-f]{32}$"))]
    pub cursor: Option<Cursor>,
}

/// Body of a wait for the end of tasks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WaitBody {
    /// The tasks.
    pub task_ids: Vec<String>,
    /// Answer as soon as one is `failed` or `cancelled`.
    #[serde(default)]
    pub fail_fast: bool,
    /// How long to hold the answer, 0 to 60 seconds.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 60))]
    pub wait_seconds: f64,
}

/// Tasks as they stand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Tasks {
    /// The tasks, in the order of the question.
    pub tasks: Vec<Task>,
}

/// Part of a task's history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Updates {
    /// In order.
    pub updates: Vec<Update>,
}

/// Body of heartbeats.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RenewBody {
    /// One for each task that is held.
    pub renewals: Vec<Renewal>,
}

/// Answer to heartbeats.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RenewAnswer {
    /// One for each, in order.
    pub renewed: Vec<Renewed>,
}

/// Body of outcomes, and of what to lease with the same stroke.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SettleBody {
    /// The outcomes.
    pub settles: Vec<Settle>,
    /// What to lease next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub then: Option<LeaseRequest>,
}

/// What became of one outcome: a status, or an error and nothing recorded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SettledRecord {
    /// The task.
    pub task_id: TaskId,
    /// Its status now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<TaskStatus>,
    /// Why the outcome was not recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorBody>,
}

/// Answer to outcomes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SettleAnswer {
    /// One for each outcome, in order.
    pub settled: Vec<SettledRecord>,
    /// What was leased with them.
    #[serde(default)]
    pub leased: Leased,
}

/// Live workers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Workers {
    /// By id.
    pub workers: Vec<WorkerInfo>,
}

impl SettledRecord {
    /// The record of what a settle of `task_id` came to.
    pub fn of(task_id: TaskId, settled: &Result<Settled, Error>, at: Timestamp) -> Self {
        match settled {
            Ok(done) => Self { task_id: done.task_id, status: Some(done.status), error: None },
            Err(error) => {
                Self { task_id, status: None, error: Some(ErrorBody::of(error, at, None)) }
            }
        }
    }

    /// What the record says.
    ///
    /// # Errors
    ///
    /// The error that it carries; `api_error` when it carries neither that nor a status.
    pub fn into_settled(self) -> Result<Settled, Error> {
        match (self.status, self.error) {
            (_, Some(error)) => Err(error.into_error(500)),
            (Some(status), None) => Ok(Settled { task_id: self.task_id, status }),
            (None, None) => Err(Error::Api {
                status_code: 200,
                reason: "an outcome was answered with neither status nor error".to_owned(),
            }),
        }
    }
}

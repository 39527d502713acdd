//! A timed claim on tasks, and the heartbeat that keeps it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

#[cfg(feature = "openapi")]
use crate::words::schema;
use crate::words::{
    LeaseToken, NewUpdate, Payload, Task, TaskId, Timestamp, json, opt_seconds, seconds,
};

/// Who holds a task, and until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Lease {
    /// Id of the worker.
    pub worker: String,
    /// When it is taken away unless renewed, by the store's clock.
    pub expires_at: Timestamp,
    /// Whether the attempt counts already: its start was reported, or it was leased alone.
    pub counted: bool,
}

/// What a worker asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LeaseRequest {
    /// Id of the worker; 1 to 128 characters.
    #[cfg_attr(feature = "openapi", schema(value_type = schema::Name))]
    pub worker: String,
    /// Queues to take from; at least one.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<schema::Name>, min_items = 1))]
    pub queues: Vec<String>,
    /// Handlers it has: task types, `function` names, and the empty name for a default handler.
    pub handlers: Vec<String>,
    /// Most tasks to take, 1 to 1000.
    #[serde(deserialize_with = "json::whole")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 1000))]
    pub limit: u32,
    /// How long the lease lasts, 1 s to 1 h.
    #[serde(rename = "lease_seconds", with = "seconds")]
    #[cfg_attr(feature = "openapi", schema(value_type = f64, minimum = 1, maximum = 3600))]
    pub ttl: Duration,
    /// How long to wait for a task when there is none; 0 answers at once.
    #[serde(rename = "wait_seconds", with = "seconds", default)]
    #[cfg_attr(feature = "openapi", schema(value_type = f64, minimum = 0, maximum = 60))]
    pub wait: Duration,
    /// Whether a suspect may be given: true only while the worker holds nothing else.
    #[serde(default = "yes")]
    pub suspects: bool,
}

fn yes() -> bool {
    true
}

/// A task in the hands of a worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LeasedTask {
    /// The row as leased.
    pub task: Task,
    /// Proof of the lease, to send with every write.
    pub token: LeaseToken,
    /// The state of its `state_key` as the last task left it, else its `initial_state`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<Payload>,
}

/// Answer to a lease request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Leased {
    /// 0 to `limit` tasks in lease order; exactly one when it is a suspect.
    pub tasks: Vec<LeasedTask>,
    /// A suspect is the first in order, and the request did not allow one: finish what is held, then
    /// ask again.
    #[serde(default)]
    pub suspect_waiting: bool,
}

/// One heartbeat of one task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Renewal {
    /// The task.
    pub task_id: TaskId,
    /// Proof of the lease.
    pub token: LeaseToken,
    /// New time to live from now; `None` leaves the deadline.
    #[serde(rename = "lease_seconds", with = "opt_seconds", default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<f64>, minimum = 1, maximum = 3600))]
    pub extend: Option<Duration>,
    /// How long ago the handler started, when not yet reported: counts the attempt.
    #[serde(rename = "started_seconds_ago", with = "opt_seconds", default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<schema::Seconds>))]
    pub started: Option<Duration>,
    /// Progress and logs since the last report, oldest first.
    #[serde(default)]
    pub updates: Vec<NewUpdate>,
}

/// Answer to one heartbeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Renewed {
    /// The lease holds.
    Held,
    /// The lease holds, and the task is to be cancelled.
    CancelRequested,
    /// The lease is gone: stop the handler, its result is not wanted.
    Lost,
}

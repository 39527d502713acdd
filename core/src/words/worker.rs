//! A worker as others see it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::words::{RetryOptions, Timestamp};

/// A process-side loop that leases and runs tasks. Announced every 5 s, gone after 15 s of silence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WorkerInfo {
    /// Unique id.
    pub worker_id: String,
    /// Queues it takes from.
    pub queues: Vec<String>,
    /// Handlers it has; the empty name is its default handler.
    pub handlers: Vec<String>,
    /// Tasks it runs at once.
    pub concurrency: u32,
    /// Host name and process id.
    pub host: String,
    /// When it was last heard of, by the store's clock.
    #[serde(default)]
    pub seen_at: Timestamp,
    /// Tasks that it holds, as it last said.
    #[serde(default)]
    pub holds: u32,
    /// It is heard of, but asks for no work although it has room and work waits. Judged by the server
    /// that it speaks to; always false without one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deaf: bool,
    /// Retry options that its handlers declare, by handler: used when the worker is lost.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[cfg_attr(feature = "openapi", schema(value_type = std::collections::BTreeMap<String, RetryOptions>))]
    pub declared: BTreeMap<String, RetryOptions>,
    /// Free JSON object given at registration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<crate::words::schema::JsonObject>))]
    pub metadata: Option<crate::words::Payload>,
}

impl WorkerInfo {
    /// Whether it would take a task of `queue` for `handler`.
    pub fn takes(&self, queue: &str, handler: &str) -> bool {
        takes(&self.queues, &self.handlers, queue, handler)
    }
}

/// Whether a worker with these queues and handlers takes a task of `queue` that needs `handler`.
pub fn takes(queues: &[String], handlers: &[String], queue: &str, handler: &str) -> bool {
    queues.iter().any(|q| q == queue) && handlers.iter().any(|h| h == handler)
}

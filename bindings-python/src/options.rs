//! What Python tells a connection.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use windlass::rules::limits;
use windlass::{ConnectOptions, Durability, Error, Result};

use crate::calls::{self, BreakerFields, RetryFields};
use crate::convert::{count, seconds};

/// Options as they come from Python, durations in seconds; `None` is core's default.
#[derive(Default)]
pub(crate) struct Given {
    pub(crate) tenant: Option<String>,
    pub(crate) timeout: Option<f64>,
    pub(crate) api_key: Option<String>,
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) retry: Option<RetryFields>,
    pub(crate) breaker: Option<BreakerFields>,
    pub(crate) no_breaker: bool,
    pub(crate) max_connections: Option<i64>,
    pub(crate) patience: Option<f64>,
    pub(crate) durability: Option<String>,
    pub(crate) clock: Option<Arc<windlass::ManualClock>>,
    pub(crate) queue_depth_limit: Option<i64>,
    pub(crate) retention: Option<f64>,
    pub(crate) keep_finished: Option<i64>,
    pub(crate) updates_per_task: Option<i64>,
    pub(crate) seedless_jitter: bool,
}

impl Given {
    /// The same for core, and how long a submit keeps trying while its queue is full.
    ///
    /// # Errors
    ///
    /// `invalid_argument`.
    pub(crate) fn options(self) -> Result<(ConnectOptions, Duration)> {
        let mut options =
            ConnectOptions { seedless_jitter: self.seedless_jitter, ..ConnectOptions::default() };
        if let Some(tenant) = self.tenant {
            limits::name("tenant", &tenant)?;
            options.tenant = tenant;
        }
        if let Some(timeout) = seconds("timeout", self.timeout)? {
            options.timeout = timeout;
        }
        options.api_key = self.api_key;
        options.ca_file = self.ca_file;
        if let Some(retry) = self.retry {
            options.retry = calls::retry(retry)?;
        }
        if let Some(breaker) = self.breaker {
            options.breaker = Some(calls::breaker(breaker)?);
        }
        if self.no_breaker {
            options.breaker = None;
        }
        if let Some(connections) = count("max_connections", self.max_connections)? {
            if connections == 0 {
                return Err(Error::invalid("max_connections", "must be at least 1"));
            }
            options.max_connections = connections;
        }
        options.durability = match self.durability.as_deref() {
            None | Some("full") => Durability::Full,
            Some("normal") => Durability::Normal,
            Some(other) => {
                let reason = format!("must be full or normal, not {other:?}");
                return Err(Error::invalid("durability", reason));
            }
        };
        if let Some(limit) = count("queue_depth_limit", self.queue_depth_limit)? {
            options.queue_depth_limit = Some(limit);
        }
        if let Some(retention) = seconds("retention_seconds", self.retention)? {
            options.retention = retention;
        }
        if let Some(keep) = count("keep_finished", self.keep_finished)? {
            options.keep_finished = Some(keep);
        }
        if let Some(updates) = count("updates_per_task", self.updates_per_task)? {
            options.updates_per_task = updates;
        }
        if let Some(clock) = self.clock {
            options.clock = Some(clock);
        }
        let patience = seconds("patience", self.patience)?.unwrap_or(options.timeout);
        Ok((options, patience))
    }
}

//! What a connection is told, wherever it runs.

use std::time::Duration;

use windlass_core::rules::limits;
use windlass_core::{BreakerConfig, EngineOptions, Error, Result, RetryConfig};

use crate::calls;
use crate::fields::Fields;

/// What a connection can be told on every platform; `None` is left out.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Whose tasks.
    pub tenant: Option<String>,
    /// For a server: sent as a bearer token.
    pub api_key: Option<String>,
    /// For a server: longest time that one call may take with its retries.
    pub timeout: Option<Duration>,
    /// For a server: how calls are repeated.
    pub retry: Option<RetryConfig>,
    /// For a server: when calls are kept away because it keeps failing; `Some(None)` never does.
    pub breaker: Option<Option<BreakerConfig>>,
    /// For a server: ordinary calls in flight at once.
    pub max_connections: Option<usize>,
    /// Waiting tasks that a queue may hold.
    pub queue_depth_limit: Option<u64>,
    /// How long finished tasks are kept.
    pub retention: Option<Duration>,
    /// Finished tasks that are kept at most.
    pub keep_finished: Option<u64>,
    /// History entries of one task that are kept at most.
    pub updates_per_task: Option<u64>,
    /// Draws the middle of every jitter, for tests.
    pub seedless_jitter: bool,
    /// How long a submit keeps trying while its queue is full.
    pub patience: Option<Duration>,
}

impl Options {
    /// Takes every field that it knows; durations are in seconds. The caller takes its own and ends the
    /// object.
    ///
    /// # Errors
    ///
    /// `invalid_argument` with the name of the field.
    pub fn take(fields: &mut Fields) -> Result<Self> {
        let options = Self {
            tenant: fields.text("tenant")?,
            api_key: fields.text("api_key")?,
            timeout: fields.seconds("timeout")?,
            retry: fields.raw("retry").map(calls::retry).transpose()?,
            breaker: match fields.raw("breaker") {
                Some("false") => Some(None),
                Some(text) => Some(Some(calls::breaker(text)?)),
                None => None,
            },
            max_connections: fields.count("max_connections")?,
            queue_depth_limit: fields.count("queue_depth_limit")?,
            retention: fields.seconds("retention_seconds")?,
            keep_finished: fields.count("keep_finished")?,
            updates_per_task: fields.count("updates_per_task")?,
            seedless_jitter: fields.flag("seedless_jitter")?.unwrap_or(false),
            patience: fields.seconds("patience")?,
        };
        if let Some(tenant) = &options.tenant {
            limits::name("tenant", tenant)?;
        }
        match options.max_connections {
            Some(0) => Err(Error::invalid("max_connections", "must be at least 1")),
            _ => Ok(options),
        }
    }

    /// What an engine in this process makes of them.
    pub fn engine(&self, manual: bool) -> EngineOptions {
        let default = EngineOptions::default();
        EngineOptions {
            queue_depth_limit: self.queue_depth_limit.or(default.queue_depth_limit),
            retention: self.retention.unwrap_or(default.retention),
            keep_finished: self.keep_finished.or(default.keep_finished),
            updates_per_task: self.updates_per_task.unwrap_or(default.updates_per_task),
            chance: if self.seedless_jitter { || 0.5 } else { default.chance },
            manual,
            ..default
        }
    }
}

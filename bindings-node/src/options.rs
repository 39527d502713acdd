//! What JavaScript tells a connection.

use std::sync::Arc;
use std::time::Duration;

use windlass::rules::limits;
use windlass::{ConnectOptions, Durability, Error, ManualClock, Result};

use crate::calls;
use crate::fields::Fields;

/// Options from JSON text of an object, durations in seconds, and how long a submit keeps trying
/// while its queue is full. What is left out comes from the environment, else has core's default.
///
/// # Errors
///
/// `invalid_argument`, also for a field that is not known.
pub(crate) fn read(
    text: &str,
    clock: Option<Arc<ManualClock>>,
) -> Result<(ConnectOptions, Duration)> {
    let mut fields = Fields::read("options", text)?;
    let mut options = ConnectOptions::from_env();
    if let Some(tenant) = fields.take::<String>("tenant")? {
        options.tenant = tenant;
    }
    limits::name("tenant", &options.tenant)?;
    options.api_key = fields.take("api_key")?.or(options.api_key);
    options.ca_file = fields.take("ca_file")?.or(options.ca_file);
    options.timeout = fields.seconds("timeout")?.unwrap_or(options.timeout);
    if let Some(text) = fields.raw("retry") {
        options.retry = calls::retry(&text)?;
    }
    match fields.raw("breaker").as_deref() {
        Some("false") => options.breaker = None,
        Some(text) => options.breaker = Some(calls::breaker(text)?),
        None => {}
    }
    if let Some(connections) = fields.count("max_connections")? {
        if connections == 0 {
            return Err(Error::invalid("max_connections", "must be at least 1"));
        }
        options.max_connections = connections;
    }
    options.durability = match fields.take::<String>("durability")?.as_deref() {
        None | Some("full") => Durability::Full,
        Some("normal") => Durability::Normal,
        Some(other) => {
            let reason = format!("must be full or normal, not {other:?}");
            return Err(Error::invalid("durability", reason));
        }
    };
    options.queue_depth_limit = fields.count("queue_depth_limit")?.or(options.queue_depth_limit);
    options.retention = fields.seconds("retention_seconds")?.unwrap_or(options.retention);
    options.keep_finished = fields.count("keep_finished")?.or(options.keep_finished);
    options.updates_per_task =
        fields.count("updates_per_task")?.unwrap_or(options.updates_per_task);
    options.seedless_jitter = fields.take("seedless_jitter")?.unwrap_or(false);
    if let Some(clock) = clock {
        options.clock = Some(clock);
    }
    let patience = fields.seconds("patience")?.unwrap_or(options.timeout);
    fields.end()?;
    Ok((options, patience))
}

//! What JavaScript tells a connection.

use std::sync::Arc;
use std::time::Duration;

use windlass::rules::limits;
use windlass::{ConnectOptions, Durability, Error, ManualClock, Result};
use windlass_json::{Fields, Options};

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
    let told = Options::take(&mut fields)?;
    let mut options = ConnectOptions::from_env();
    options.tenant = told.tenant.unwrap_or(options.tenant);
    // What the environment says is checked as well.
    limits::name("tenant", &options.tenant)?;
    options.api_key = told.api_key.or(options.api_key);
    options.ca_file = fields.take("ca_file")?.or(options.ca_file);
    options.timeout = told.timeout.unwrap_or(options.timeout);
    options.retry = told.retry.unwrap_or(options.retry);
    options.breaker = told.breaker.unwrap_or(options.breaker);
    options.max_connections = told.max_connections.unwrap_or(options.max_connections);
    options.durability = match fields.take::<String>("durability")?.as_deref() {
        None | Some("full") => Durability::Full,
        Some("normal") => Durability::Normal,
        Some(other) => {
            let reason = format!("must be full or normal, not {other:?}");
            return Err(Error::invalid("durability", reason));
        }
    };
    options.queue_depth_limit = told.queue_depth_limit.or(options.queue_depth_limit);
    options.retention = told.retention.unwrap_or(options.retention);
    options.keep_finished = told.keep_finished.or(options.keep_finished);
    options.updates_per_task = told.updates_per_task.unwrap_or(options.updates_per_task);
    options.seedless_jitter = told.seedless_jitter;
    if let Some(clock) = clock {
        options.clock = Some(clock);
    }
    fields.end()?;
    let patience = told.patience.unwrap_or(options.timeout);
    Ok((options, patience))
}

//! What a worker is told.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use windlass_core::rules::limits;
use windlass_core::worker::{DeclaredHandler, Lane, WorkerConfig};
use windlass_core::{Result, TaskSpec};

use crate::fields::Fields;

/// A configuration from JSON text of an object. Its `handlers` is an object, by name, of what each
/// declares, as a task's record says it. What is left out has core's default.
///
/// # Errors
///
/// `invalid_argument` with the name of the field, also for one that is not known.
pub(crate) fn read(config: &str) -> Result<WorkerConfig> {
    let (mut fields, default) = (Fields::read("config", config)?, WorkerConfig::default());
    let handlers: BTreeMap<String, Box<RawValue>> = fields.take("handlers")?.unwrap_or_default();
    let declared = |(name, options): (String, Box<RawValue>)| {
        let spec = TaskSpec::from_wire(options.get())?;
        limits::check_spec(&spec)?;
        let (retry, timeout) = (spec.retry, spec.timeout);
        Ok(DeclaredHandler { name, lane: Lane::Loop, retry, timeout })
    };
    let config = WorkerConfig {
        worker_id: fields.text("worker_id")?,
        queues: fields.texts("queues")?.unwrap_or(default.queues),
        handlers: handlers.into_iter().map(declared).collect::<Result<_>>()?,
        concurrency: fields.count("concurrency")?.unwrap_or(default.concurrency),
        lease: fields.seconds("lease_seconds")?.unwrap_or(default.lease),
        drain_grace: fields.seconds("drain_grace")?.unwrap_or(default.drain_grace),
        cancel_grace: fields.seconds("cancel_grace")?.unwrap_or(default.cancel_grace),
        metadata: fields.json("metadata")?,
        host: fields.text("host")?.unwrap_or_default(),
    };
    fields.end()?;
    Ok(config)
}

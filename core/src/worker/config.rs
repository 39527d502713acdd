//! What a worker is told at its start.

use std::time::Duration;

use crate::error::{Error, Result};
use crate::rules::limits;
use crate::words::{Payload, RetryOptions};

/// How the host runs a handler. Jobs of the two lanes are claimed apart; both count towards one
/// concurrency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Lane {
    /// On an event loop: coroutines, promises, futures.
    #[default]
    Loop,
    /// On a thread of its own.
    Thread,
}

/// A handler that the host has.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DeclaredHandler {
    /// Task type or `function` it is for; empty for the default handler.
    pub name: String,
    /// How the host runs it.
    pub lane: Lane,
    /// Retry options for tasks submitted without.
    pub retry: RetryOptions,
    /// Timeout of an attempt for tasks submitted without.
    pub timeout: Option<Duration>,
}

/// Everything that a worker can be told.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkerConfig {
    /// Unique id; `None` makes one from host name, process id and chance.
    pub worker_id: Option<String>,
    /// Queues to take from. Default `default`.
    pub queues: Vec<String>,
    /// Handlers it has; at least one.
    pub handlers: Vec<DeclaredHandler>,
    /// Tasks it runs at once, 1 to 10,000. Default 8.
    pub concurrency: u32,
    /// How long a lease lasts, 1 s to 1 h; renewed every third of it. Default 60 s.
    pub lease: Duration,
    /// How long running tasks may go on after a drain begins. Default 30 s.
    pub drain_grace: Duration,
    /// How long code may ignore its cancellation before its slot is given up. Default 10 s.
    pub cancel_grace: Duration,
    /// Free JSON object shown with the worker.
    pub metadata: Option<Payload>,
    /// Host name and process id, for people. Empty: not told.
    pub host: String,
}

impl Default for WorkerConfig {
    fn default() -> Self {
        Self {
            worker_id: None,
            queues: vec!["default".to_owned()],
            handlers: Vec::new(),
            concurrency: 8,
            lease: Duration::from_secs(60),
            drain_grace: Duration::from_secs(30),
            cancel_grace: Duration::from_secs(10),
            metadata: None,
            host: String::new(),
        }
    }
}

impl WorkerConfig {
    /// Checks every field.
    ///
    /// # Errors
    ///
    /// `invalid_argument`.
    pub fn check(&self) -> Result<()> {
        if let Some(id) = &self.worker_id {
            limits::name("worker_id", id)?;
        }
        if self.queues.is_empty() {
            return Err(Error::invalid("queues", "must name at least one queue"));
        }
        self.queues.iter().try_for_each(|queue| limits::name("queues", queue))?;
        if self.handlers.is_empty() {
            return Err(Error::invalid("handlers", "must hold at least one handler"));
        }
        limits::check_lines(self.queues.len(), self.handlers.len())?;
        for (i, handler) in self.handlers.iter().enumerate() {
            if !handler.name.is_empty() {
                limits::name("handlers", &handler.name)?;
            }
            limits::check_retry(&handler.retry)?;
            if self.handlers[..i].iter().any(|other| other.name == handler.name) {
                let reason = format!("has two handlers for {:?}", handler.name);
                return Err(Error::invalid("handlers", reason));
            }
        }
        if !(1..=10_000).contains(&self.concurrency) {
            return Err(Error::invalid("concurrency", "must be 1 to 10000"));
        }
        limits::check_ttl(self.lease)
    }
}

//! Where the server is: one process after the other.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use windlass_core::Service;

use super::clockwork::Pid;

/// The process that serves now.
#[derive(Clone)]
pub(super) struct Server {
    pub(super) pid: Pid,
    pub(super) service: Arc<dyn Service>,
    /// When it answers for the first time.
    pub(super) from: Duration,
}

/// Where the server is found; another takes its place when it dies.
#[derive(Clone)]
pub(super) struct Address(Arc<Mutex<Server>>);

impl Address {
    pub(super) fn new(server: Server) -> Self {
        Self(Arc::new(Mutex::new(server)))
    }

    pub(super) fn server(&self) -> Server {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }

    pub(super) fn replace(&self, server: Server) {
        *self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = server;
    }
}

//! Logs of a server, also where another program's process runs it.

use std::io::IsTerminal;

use tracing::Dispatch;

use crate::observe::{LogFilter, LogFormat, init_logs, subscriber};

/// Where log lines go from now on: to standard error.
#[derive(Clone)]
pub(crate) struct Logs {
    /// What writes them when the process has a log already, as that of Python has: it is then set for
    /// each thread of the server's own.
    own: Option<Dispatch>,
}

impl Logs {
    /// Begins to log.
    pub(crate) fn begin(format: LogFormat, filter: LogFilter) -> Self {
        if init_logs(format, filter.clone()) {
            return Self { own: None };
        }
        let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self { own: Some(Dispatch::new(subscriber(format, filter, colours, std::io::stderr))) }
    }

    /// To be called on each thread of the server when it starts.
    pub(crate) fn on_thread(&self) {
        if let Some(own) = &self.own {
            // It holds until the thread ends.
            std::mem::forget(tracing::dispatcher::set_default(own));
        }
    }
}

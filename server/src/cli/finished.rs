//! How a command line ended, for the program that called it.

use std::fmt;

use crate::cli::failure::{Failure, exit};
use crate::cli::output::{Format, Output};

/// What the caller of [`run`](crate::cli::run) does next.
#[derive(Debug, Clone, PartialEq)]
pub enum Finished {
    /// Everything is done and printed: end the process with this code.
    Exit(i32),
    /// Run a worker in this process, in the app's own language.
    Worker(WorkerArgs),
}

/// The arguments of `windlass worker`. What is `None` or empty was not given: the app decides.
#[derive(Clone, PartialEq, Eq)]
pub struct WorkerArgs {
    /// `MODULE:APP`; both parts are there.
    pub app: String,
    /// Tasks to run at once; at least 1.
    pub concurrency: Option<u32>,
    /// Queues to take from.
    pub queues: Vec<String>,
    /// How long a lease lasts, in seconds; 1 to 3600.
    pub lease: Option<u32>,
    /// The store, before the app's own and the environment's.
    pub url: Option<String>,
    /// The tenant.
    pub tenant: Option<String>,
    /// The key for the server, from the file that an option or a variable names.
    pub api_key: Option<String>,
}

impl fmt::Debug for WorkerArgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkerArgs")
            .field("app", &self.app)
            .field("concurrency", &self.concurrency)
            .field("queues", &self.queues)
            .field("lease", &self.lease)
            .field("url", &self.url)
            .field("tenant", &self.tenant)
            .field("api_key", &self.api_key.as_ref().map(|_| "***"))
            .finish()
    }
}

/// Prints why the plain binary cannot run a worker and what can; answers the exit code.
pub fn refuse_worker(worker: &WorkerArgs) -> i32 {
    let failure = Failure::usage(
        format!("this windlass is the plain binary; it cannot run {}, a Python app", worker.app),
        "use the script of the Python package: pip install windlass, then `windlass worker` from \
         that environment; or `python -m windlass worker`",
    );
    Output::new(Format::Table).failure(&failure);
    exit::USAGE
}

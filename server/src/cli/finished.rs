//! How a command line ended, for the program that called it.

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
#[derive(Debug, Clone, PartialEq, Eq)]
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

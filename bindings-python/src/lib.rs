//! The native module of the Python package: `windlass._native`, private to it.
//!
//! Converts, holds handles and maps errors; what is allowed and what happens is decided in core.
//!
//! | file | what lives there |
//! | --- | --- |
//! | `runtime` | the tokio runtime, waits with the GIL released, forks and the exit |
//! | `messenger` | the one native thread that calls into Python |
//! | `bridge` | answers on their way into an event loop |
//! | `link` | one connection, across forks |
//! | `calls` | how a client calls a server |
//! | `options` | what a connection is told |
//! | `client` | the verbs of a client |
//! | `compose` | the verbs on batches, pipelines, blocks and states |
//! | `updates` | a task's history, followed |
//! | `changes` | what happens to the stages of a pipeline |
//! | `events` | what happens to all tasks, followed |
//! | `hands` | leases taken by hand: lease, renew, settle, sweep |
//! | `worker` | jobs on their way to handlers, outcomes on their way back |
//! | `job` | one attempt, as `ctx` reads it |
//! | `rest` | the documents' small client of a server |
//! | `server` | a server in this process, for tests |
//! | `convert` | values across the border |
//! | `errors` | a core error becomes a Python exception |
//! | `dynamic` | tasks with dependencies, on a pool that grows and shrinks |
//! | `concurrency` | advice on concurrency, and the machine that it is for |
//! | `clock` | a clock that tests move |
//! | `block` | blocks of steps: which may start, and when the block is decided |
//! | `breaker` | a circuit breaker around what Python calls |
//! | `logging` | what core logs, for Python's `logging` |
//! | `cli` | the command line |

mod block;
mod breaker;
mod bridge;
mod calls;
mod changes;
mod cli;
mod client;
mod clock;
mod compose;
mod concurrency;
mod convert;
mod dynamic;
mod errors;
mod events;
mod hands;
mod job;
mod link;
mod logging;
mod messenger;
mod options;
mod rest;
mod runtime;
mod server;
mod updates;
mod worker;

/// `windlass._native`.
#[pyo3::pymodule]
mod _native {
    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::block::Block;
    #[pymodule_export]
    use crate::breaker::{Breaker, Pass};
    #[pymodule_export]
    use crate::bridge::Bridge;
    #[pymodule_export]
    use crate::calls::{check_calls, default_calls};
    #[pymodule_export]
    use crate::changes::Changes;
    #[pymodule_export]
    use crate::cli::run_cli;
    #[pymodule_export]
    use crate::client::Client;
    #[pymodule_export]
    use crate::clock::ManualClock;
    #[pymodule_export]
    use crate::compose::{Compose, mermaid};
    #[pymodule_export]
    use crate::concurrency::{
        Adaptive, Machine, base_batch_size, batch_sizes, optimal_batch_size, optimal_concurrency,
    };
    #[pymodule_export]
    use crate::convert::check_options;
    #[pymodule_export]
    use crate::dynamic::Dynamic;
    #[pymodule_export]
    use crate::events::Events;
    #[pymodule_export]
    use crate::hands::Hands;
    #[pymodule_export]
    use crate::job::Job;
    #[pymodule_export]
    use crate::logging::{flush_logs, set_log_level};
    #[pymodule_export]
    use crate::rest::RestCalls;
    #[pymodule_export]
    use crate::runtime::{after_fork_in_child, exiting};
    #[pymodule_export]
    use crate::server::Server;
    #[pymodule_export]
    use crate::updates::Updates;
    #[pymodule_export]
    use crate::worker::Worker;

    /// Version of the engine within.
    #[pymodule_export]
    #[allow(non_upper_case_globals)]
    const version: &str = env!("CARGO_PKG_VERSION");

    #[pymodule_init]
    fn init(_module: &Bound<'_, PyModule>) -> PyResult<()> {
        crate::logging::install();
        Ok(())
    }
}

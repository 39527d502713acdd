//! `windlass`: one function for the binary and for the scripts of the language packages.
//!
//! | file | what lives there |
//! | --- | --- |
//! | [`run`](run()) | parse, connect, dispatch, exit code |
//! | `args` | the command tree and the global options |
//! | `values` | durations, instants and labels as people type them |
//! | `connect` | which store is meant, and whether it is there |
//! | `failure` | errors, hints and exit codes |
//! | `output` | everything that is printed |
//! | `tasks/*`, `queues`, `workers`, `doctor`, `migrate` | one command each |

mod args;
mod connect;
mod doctor;
mod failure;
mod finished;
mod migrate;
mod output;
mod queues;
mod run;
mod tasks;
mod values;
mod workers;

pub use finished::{Finished, WorkerArgs, refuse_worker};
pub use run::run;

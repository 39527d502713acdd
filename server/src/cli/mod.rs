//! `windlass`: one function for the binary and for the scripts of the language packages.
//!
//! | file | what lives there |
//! | --- | --- |
//! | [`run`](run()) | parse, connect, dispatch, exit code |
//! | `args` | the command tree and the global options |
//! | `values` | durations, instants and labels as people type them |
//! | `origin` | where a value came from: option, variable, default |
//! | `key` | the key between a client and a server |
//! | `connect` | which store is meant, and whether it is there |
//! | `failure` | errors, hints and exit codes |
//! | `composites` | lists of batches and pipelines |
//! | `source` | text from a file or standard input |
//! | `output` | everything that is printed |
//! | `serve/*` | `windlass dev` and `windlass serve` |
//! | `tasks/*`, `batches/*`, `pipelines/*`, `parallel`, `state`, `queues`, `workers`, `events`, `config/*`, `doctor/*`, `migrate` | one command each |

mod args;
mod batches;
mod composites;
mod config;
mod connect;
mod doctor;
mod events;
mod failure;
mod finished;
mod key;
mod migrate;
mod origin;
mod output;
mod parallel;
mod pipelines;
mod queues;
mod run;
mod serve;
mod source;
mod state;
mod tasks;
mod values;
mod workers;

pub use finished::{Finished, WorkerArgs, refuse_worker};
pub use run::run;

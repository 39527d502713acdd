//! The worker: a machine that decides, and a driver that does.
//!
//! The host pulls: it claims jobs as slots become free, runs its handlers in its own way, and hands
//! outcomes back in batches. Core never calls into a host.

mod config;
mod driver;
mod handle;
mod held;
mod job;
mod machine;
#[cfg(not(all(target_family = "wasm", feature = "apart")))]
mod open;
mod operations;
mod pace;

pub use config::{DeclaredHandler, Lane, WorkerConfig};
pub use handle::Worker;
pub use job::{CancelFlag, CancelReason, Job, JobId, Signal};

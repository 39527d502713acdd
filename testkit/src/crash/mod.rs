//! Real processes on one SQLite file, killed with SIGKILL at random moments.
//!
//! Submitters, workers (in Rust and in Python) and a watcher share a file; one of them after the other
//! is killed and started again. Each writes what it knows to a log of its own, so that the verdict does
//! not rest on what the store says alone. At random moments all are stopped at once and the file is
//! copied with its journal, as a power cut would leave it, and the copy must hold all that was
//! acknowledged by then.
//!
//! The same by HTTP: one process serves the file, all others know nothing but its URL, and it is killed
//! and started again on the same port in the middle of submits, long polls and streams, as they are.

mod composites;
mod log;
mod parts;
mod stage;
mod verdict;

pub use parts::{follower, server, submitter, watcher, worker};
pub use stage::{Plan, run};
pub use verdict::Verdict;

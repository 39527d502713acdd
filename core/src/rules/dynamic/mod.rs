//! Tasks with dependencies, priorities and memory, on a pool of workers that grows and shrinks.
//!
//! [`Dynamic`] decides what starts and how many workers there are; the host runs and measures.

mod advice;
mod entry;
mod machine;
mod metrics;
mod pool;
#[cfg(test)]
mod tests;

pub use entry::{Bounds, Entry};
pub use machine::{Dynamic, Finish, Plan};
pub use metrics::Metrics;

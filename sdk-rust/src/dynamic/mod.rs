//! Futures with dependencies, priorities and memory requirements, on a pool that grows and shrinks.
//!
//! They are driven in place by whoever awaits [`DynamicExecutor::run`], as those of
//! [`parallel`](crate::parallel) are: a worker of the pool is a place for one future, not a thread.
//! A future that ran too long is cancelled by being dropped. One that computes for long keeps the
//! others waiting; spawn it and let the task await its handle. Only timeouts need tokio's timer.
//!
//! ```
//! use windlass::dynamic::{DynamicExecutor, ExecutionError, ExecutionTask, Priority};
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let done = DynamicExecutor::new()
//!     .max_workers(8)
//!     .run([
//!         ExecutionTask::boxed("report", async { Ok(0) }).dependencies(["check"]),
//!         ExecutionTask::boxed("check", async { Err("no amount") }).dependencies(["load"]),
//!         ExecutionTask::boxed("load", async { Ok(3) }).priority(Priority::High),
//!     ])
//!     .await?;
//! assert_eq!(done.results["load"], 3);
//! assert_eq!(done.errors["check"], ExecutionError::Failed("no amount"));
//! assert_eq!(done.errors["report"], ExecutionError::Unmet("check".to_owned()));
//! # Ok::<(), windlass::Error>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod drive;
mod execution;
mod executor;
mod task;

pub use execution::{Execution, ExecutionError};
pub use executor::DynamicExecutor;
pub use task::ExecutionTask;
pub use windlass_core::Priority;
pub use windlass_core::rules::dynamic::Metrics;

//! How tasks are run.

use std::future::{Future, poll_fn};
use std::time::Duration;

use windlass_core::rules::dynamic::{Bounds, Dynamic};
use windlass_core::{Error, Result};

use super::drive::Drive;
use super::execution::Execution;
use super::task::ExecutionTask;
use crate::machine::Machine;

/// Runs sets of tasks, each set on a pool of its own.
///
/// There are as many workers as there are tasks to run, from `min_workers` to `max_workers`, and
/// fewer while the machine is full. It is measured as tasks wake up, every 250 ms at most.
#[derive(Debug, Clone, Copy)]
#[must_use = "an executor does nothing until it runs tasks"]
pub struct DynamicExecutor {
    min_workers: u32,
    max_workers: u32,
    memory_limit_mb: Option<f64>,
    timeout: Option<Duration>,
}

impl Default for DynamicExecutor {
    fn default() -> Self {
        Self::new()
    }
}

impl DynamicExecutor {
    /// 1 to 16 workers, the memory of the machine or of the container, and no timeout.
    pub const fn new() -> Self {
        Self { min_workers: 1, max_workers: 16, memory_limit_mb: None, timeout: None }
    }

    /// The fewest workers; at least 1.
    pub const fn min_workers(mut self, workers: u32) -> Self {
        self.min_workers = workers;
        self
    }

    /// The most workers, which is the most tasks that run at once; at least `min_workers`.
    pub const fn max_workers(mut self, workers: u32) -> Self {
        self.max_workers = workers;
        self
    }

    /// What the tasks that run may need together, in MiB; above 0.
    pub const fn memory_limit_mb(mut self, mebibytes: f64) -> Self {
        self.memory_limit_mb = Some(mebibytes);
        self
    }

    /// How long a run may take; above 0. Then what has not ended is dropped, and what completed is
    /// kept.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Runs the tasks. The most urgent one whose dependencies completed starts next, the earliest of
    /// equal ones, when the memory that it needs is free; what depends on one that did not complete
    /// is cancelled. Dropping the answer's future drops every task.
    ///
    /// # Errors
    ///
    /// Before any task runs, `invalid_argument` naming `min_workers`, `max_workers`,
    /// `memory_limit_mb`, `timeout`, `task_id` (twice, empty, too long), `dependencies` (unknown,
    /// itself, twice, a circle), `memory_requirement_mb` (no number from 0, or above the limit) or
    /// `timeout_seconds` (0), with the ids in the reason; `internal` where the system tells nothing
    /// about itself.
    ///
    /// # Panics
    ///
    /// When a task panics; the others are dropped. Outside of a tokio runtime with time, where there
    /// is a timeout.
    pub async fn run<I, F, T, E>(&self, tasks: I) -> Result<Execution<T, E>>
    where
        I: IntoIterator<Item = ExecutionTask<F>>,
        F: Future<Output = std::result::Result<T, E>>,
    {
        let tasks = tasks.into_iter().collect();
        let mut drive = self.prepare(tasks)?;
        poll_fn(|context| drive.poll(context)).await?;
        Ok(drive.into_execution())
    }

    fn prepare<F, T, E>(&self, tasks: Vec<ExecutionTask<F>>) -> Result<Drive<F, T, E>>
    where
        F: Future<Output = std::result::Result<T, E>>,
    {
        if self.timeout == Some(Duration::ZERO) {
            return Err(Error::invalid("timeout", "must be above 0"));
        }
        let machine = Machine::new()?;
        let hardware = machine.hardware();
        let bounds = Bounds {
            min_workers: self.min_workers,
            max_workers: self.max_workers,
            cores: hardware.cores_logical,
            memory_limit_mb: Some(self.memory_limit_mb.unwrap_or(hardware.memory_gb * 1024.0)),
        };
        Drive::new(Dynamic::new(bounds)?, machine, tasks, self.timeout)
    }
}

//! A future to run once what it depends on is done.

use std::future::Future;
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt};
use windlass_core::Priority;
use windlass_core::rules::dynamic::Entry;

/// A future with an id, and what must be before it starts. Checked when it runs.
#[derive(Debug, Clone)]
#[must_use = "a task does nothing until an executor runs it"]
pub struct ExecutionTask<F> {
    pub(super) entry: Entry,
    pub(super) future: F,
}

impl<F> ExecutionTask<F> {
    /// A task of the priority `normal`; its id is unique among the tasks of a run.
    pub fn new(task_id: impl Into<String>, future: F) -> Self {
        let entry = Entry {
            task_id: task_id.into(),
            priority: Priority::default(),
            dependencies: Vec::new(),
            memory_mb: 0.0,
            timeout: None,
            estimate: None,
        };
        Self { entry, future }
    }

    /// Ids of tasks of the same run that must complete first.
    pub fn dependencies(mut self, ids: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.entry.dependencies = ids.into_iter().map(Into::into).collect();
        self
    }

    /// More urgent tasks start first.
    pub const fn priority(mut self, priority: Priority) -> Self {
        self.entry.priority = priority;
        self
    }

    /// What it needs while it runs, in MiB; at least 0. It starts when so much of the limit is free.
    pub const fn memory_requirement_mb(mut self, mebibytes: f64) -> Self {
        self.entry.memory_mb = mebibytes;
        self
    }

    /// The longest it may run; above 0. Then it is dropped.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.entry.timeout = Some(timeout);
        self
    }

    /// How long it is thought to run; only compared with how long it did.
    pub const fn estimated_duration(mut self, estimate: Duration) -> Self {
        self.entry.estimate = Some(estimate);
        self
    }
}

impl<'a, T, E> ExecutionTask<BoxFuture<'a, Result<T, E>>> {
    /// A task like [`ExecutionTask::new`] whose future is boxed, so that tasks of different code have
    /// one type.
    pub fn boxed(
        task_id: impl Into<String>,
        future: impl Future<Output = Result<T, E>> + Send + 'a,
    ) -> Self {
        Self::new(task_id, future.boxed())
    }
}

//! What the host holds of a worker.

use std::sync::Arc;
use std::time::Duration;

use crate::error::Result;
use crate::runtime::host::SharedHost;
use crate::runtime::service::Service;
use crate::words::{NewUpdate, Outcome, Payload, TaskId};
use crate::worker::config::{Lane, WorkerConfig};
use crate::worker::driver::Driver;
use crate::worker::job::{Job, JobId, Signal};

/// A running worker. Clones share it; it ends when it has drained, not when it is dropped.
///
/// The host claims jobs for its free slots, runs them, and completes them, in batches. Heartbeats,
/// deadlines and hand-backs go on by themselves, whatever the host's code does.
#[derive(Clone)]
pub struct Worker {
    driver: Arc<Driver>,
}

impl Worker {
    /// Starts a worker: it announces itself and begins to lease.
    ///
    /// # Errors
    ///
    /// `invalid_argument`.
    pub fn start(
        service: Arc<dyn Service>,
        host: SharedHost,
        tenant: &str,
        config: WorkerConfig,
    ) -> Result<Self> {
        config.check()?;
        Ok(Self { driver: Driver::start(service, host, tenant, config) })
    }

    /// Its id.
    pub fn id(&self) -> &str {
        self.driver.id()
    }

    /// Up to `max` jobs of a lane, at least one; waits for it. Empty once the worker drains or has
    /// stopped: then no more will come. Safe to drop.
    pub async fn claim(&self, lane: Lane, max: usize) -> Vec<Job> {
        self.driver.claim(lane, max).await
    }

    /// The same, for a thread that may block. `None` when `limit` passed without a job.
    pub fn claim_blocking(&self, lane: Lane, max: usize, limit: Duration) -> Option<Vec<Job>> {
        self.driver.claim_blocking(lane, max, limit)
    }

    /// News about jobs the host has, at least one; waits for it. Empty once the worker has stopped.
    /// Safe to drop. One caller at a time.
    pub async fn signals(&self) -> Vec<Signal> {
        self.driver.signals().await
    }

    /// Hands in outcomes; they are settled in the background. One for an abandoned or unknown job is
    /// ignored. Answers at once.
    pub fn complete(&self, outcomes: Vec<(JobId, Outcome)>) {
        self.driver.complete(outcomes);
    }

    /// Reports progress or a log line; flushed within 100 ms, and before the outcome. Reports on a job
    /// that is over are ignored.
    ///
    /// # Errors
    ///
    /// `invalid_argument`, `payload_too_large`.
    pub fn report(&self, job: JobId, update: NewUpdate) -> Result<()> {
        self.driver.report(job, update)
    }

    /// The result of a task that `task_id` waited for; see [`Service::upstream`].
    ///
    /// # Errors
    ///
    /// `task_not_found`.
    pub async fn upstream(&self, task_id: TaskId, name: &str) -> Result<Option<Payload>> {
        self.driver.service.upstream(&self.driver.tenant, task_id, name).await
    }

    /// The names that [`upstream`](Self::upstream) knows for a task; see [`Service::upstream_names`].
    ///
    /// # Errors
    ///
    /// `task_not_found`.
    pub async fn upstream_names(&self, task_id: TaskId) -> Result<Vec<String>> {
        self.driver.service.upstream_names(&self.driver.tenant, task_id).await
    }

    /// Begins to drain: no more leases, unstarted tasks go back, running ones have the grace period,
    /// then they are cancelled and go back uncounted.
    pub fn drain(&self) {
        self.driver.drain();
    }

    /// Ends now: everything goes back uncounted, running code is signalled and not awaited.
    pub fn stop(&self) {
        self.driver.stop();
    }

    /// Resolves when the worker has stopped and everything is settled.
    pub async fn stopped(&self) {
        self.driver.stopped().await;
    }

    /// Jobs that the host has now.
    pub fn running(&self) -> usize {
        self.driver.running()
    }

    /// Jobs given up because their code ignored its cancellation, and that still have not returned.
    pub fn abandoned(&self) -> usize {
        self.driver.abandoned()
    }
}

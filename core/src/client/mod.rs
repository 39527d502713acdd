//! What callers hold: the verbs, with ids as text and waits with timeouts.

mod changes;
mod composites;
mod follow;
mod health;
mod monitor;
mod stream;
mod told;
mod wait;

use std::sync::Arc;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::runtime::host::SharedHost;
use crate::runtime::service::{Service, SettleReply, Swept};
use crate::words::{
    Batch, BatchId, Changed, Count, Cursor, Filter, LeaseRequest, Leased, Page, QueueInfo, Renewal,
    Renewed, Settle, Stretch, Submission, SubmitOptions, Tally, Task, TaskId, TaskSpec, Timestamp,
    Why, WorkerInfo,
};
use crate::worker::{Worker, WorkerConfig};

pub use changes::{Changes, StageChange};
pub use composites::BatchBuilder;
pub use follow::{FollowOptions, Follower};
pub use health::health_of;
pub use monitor::Monitor;
pub use stream::{Entry, Histories, UpdateStream};
pub use wait::{Waited, Waits, answer_of, has_failed, is_over, result_of, wait_many};

/// The tenant of a caller that names none.
pub const DEFAULT_TENANT: &str = "default";

/// A caller's handle on a store, in process or remote. Clones share it.
///
/// Ids are text: one that is no id at all is `task_not_found`, like one of another tenant.
#[derive(Clone)]
pub struct Client {
    service: Arc<dyn Service>,
    host: SharedHost,
    tenant: Arc<str>,
}

impl Client {
    /// A client of `service` for `tenant`.
    pub fn new(service: Arc<dyn Service>, host: SharedHost, tenant: &str) -> Self {
        Self { service, host, tenant: tenant.into() }
    }

    /// The service behind.
    pub fn service(&self) -> &Arc<dyn Service> {
        &self.service
    }

    /// The host that sleeps and spawns for this client.
    pub fn host(&self) -> &SharedHost {
        &self.host
    }

    /// Whose tasks these are.
    pub fn tenant(&self) -> &str {
        &self.tenant
    }

    /// What and where the store is.
    pub fn location(&self) -> String {
        self.service.location()
    }

    /// The time by the store's clock.
    pub fn now(&self) -> Timestamp {
        self.service.now()
    }

    /// Stores one task; durable when it returns. Waits up to 30 s while its queue is full.
    ///
    /// # Errors
    ///
    /// `invalid_argument`, `invalid_payload`, `payload_too_large`, `idempotency_conflict`,
    /// `queue_full`.
    pub async fn submit(&self, spec: TaskSpec) -> Result<Submission> {
        let options = SubmitOptions { batch: false, patience: Duration::from_secs(30) };
        let mut stored = self.submit_many(vec![spec], options).await?;
        stored.pop().ok_or_else(|| Error::internal("a submit answered nothing"))
    }

    /// Stores many tasks, all or none. Errors as `submit`.
    pub async fn submit_many(
        &self,
        specs: Vec<TaskSpec>,
        options: SubmitOptions,
    ) -> Result<Vec<Submission>> {
        self.service.submit(&self.tenant, specs, options).await
    }

    /// The task.
    ///
    /// # Errors
    ///
    /// `task_not_found`.
    pub async fn get(&self, task_id: &str) -> Result<Task> {
        let id = TaskId::parse(task_id)?;
        let mut found = self.service.get(&self.tenant, vec![id]).await?;
        found.pop().flatten().ok_or_else(|| not_found(task_id))
    }

    /// The tasks, in order.
    ///
    /// # Errors
    ///
    /// `task_not_found` for the first unknown id.
    pub async fn get_many(&self, task_ids: &[String]) -> Result<Vec<Task>> {
        let ids = parse(task_ids)?;
        let found = self.service.get(&self.tenant, ids).await?;
        let named = found.into_iter().zip(task_ids);
        named.map(|(task, id)| task.ok_or_else(|| not_found(id))).collect()
    }

    /// Tasks that match, newest first. A page may be short while it names a next one.
    ///
    /// # Errors
    ///
    /// `invalid_argument` for a limit outside 1 to 1000.
    pub async fn list(&self, filter: Filter, cursor: Option<Cursor>, limit: u32) -> Result<Page> {
        self.service.list(&self.tenant, filter, cursor, limit).await
    }

    /// How many tasks match, counted up to `most`; see [`Service::count`].
    ///
    /// # Errors
    ///
    /// `invalid_argument`.
    pub async fn count(&self, filter: Filter, most: u32) -> Result<Tally> {
        self.service.count(&self.tenant, filter, most).await
    }

    /// Cancels the tasks that match, as many as `stretch` says, a number
    /// or where to go on; see [`Service::cancel_matching`].
    ///
    /// # Errors
    ///
    /// `invalid_argument`.
    pub async fn cancel_matching(
        &self,
        filter: Filter,
        stretch: impl Into<Stretch>,
    ) -> Result<Changed> {
        self.service.cancel_matching(&self.tenant, filter, stretch.into()).await
    }

    /// Runs the failed and cancelled tasks that match again, as many as `stretch` says, a number
    /// or where to go on; see [`Service::retry_matching`].
    ///
    /// # Errors
    ///
    /// `invalid_argument`.
    pub async fn retry_matching(
        &self,
        filter: Filter,
        stretch: impl Into<Stretch>,
    ) -> Result<Changed> {
        self.service.retry_matching(&self.tenant, filter, stretch.into()).await
    }

    /// History of a task after entry number `after`, as it grows, until its final entry.
    ///
    /// # Errors
    ///
    /// `task_not_found`, at the first item.
    pub fn updates(&self, task_id: &str, after: u64) -> Result<UpdateStream> {
        Ok(UpdateStream::new(self.clone(), TaskId::parse(task_id)?, after))
    }

    /// Cancels a task; see [`Service::cancel`].
    ///
    /// # Errors
    ///
    /// `task_not_found`.
    pub async fn cancel(&self, task_id: &str) -> Result<Task> {
        self.service.cancel(&self.tenant, TaskId::parse(task_id)?).await
    }

    /// Runs a failed or cancelled task again.
    ///
    /// # Errors
    ///
    /// `task_not_found`, `invalid_transition`.
    pub async fn retry(&self, task_id: &str) -> Result<Task> {
        self.service.retry(&self.tenant, TaskId::parse(task_id)?).await
    }

    /// How many tasks each queue has in each status.
    pub async fn counts(&self) -> Result<Vec<Count>> {
        self.service.counts(&self.tenant).await
    }

    /// The queues that have tasks or are paused.
    pub async fn queues(&self) -> Result<Vec<QueueInfo>> {
        self.service.queues(&self.tenant).await
    }

    /// Pauses a queue or lets it go on; see [`Service::pause`].
    ///
    /// # Errors
    ///
    /// `invalid_argument`.
    pub async fn pause(&self, queue: &str, paused: bool) -> Result<QueueInfo> {
        self.service.pause(&self.tenant, queue, paused).await
    }

    /// How the tasks of a batch stand.
    ///
    /// # Errors
    ///
    /// `batch_not_found`.
    pub async fn batch(&self, batch_id: &str) -> Result<Batch> {
        self.service.batch(&self.tenant, batch(batch_id)?).await
    }

    /// Cancels every task of a batch that has not ended.
    ///
    /// # Errors
    ///
    /// `batch_not_found`.
    pub async fn cancel_batch(&self, batch_id: &str) -> Result<Batch> {
        self.service.cancel_batch(&self.tenant, batch(batch_id)?).await
    }

    /// Why a task does not run now.
    ///
    /// # Errors
    ///
    /// `task_not_found`.
    pub async fn why(&self, task_id: &str) -> Result<Why> {
        self.service.why(&self.tenant, TaskId::parse(task_id)?).await
    }

    /// Live workers.
    pub async fn workers(&self) -> Result<Vec<WorkerInfo>> {
        self.service.workers(&self.tenant).await
    }

    /// Starts a worker; the caller runs what it hands out.
    ///
    /// # Errors
    ///
    /// `invalid_argument`.
    pub fn worker(&self, config: WorkerConfig) -> Result<Worker> {
        Worker::start(self.service.clone(), self.host.clone(), &self.tenant, config)
    }

    /// Leases tasks by hand; see [`Service::lease`]. [`Client::worker`] does this for you.
    pub async fn lease(&self, request: LeaseRequest) -> Result<Leased> {
        self.service.lease(&self.tenant, request).await
    }

    /// Keeps leases taken by hand.
    pub async fn renew(&self, renewals: Vec<Renewal>) -> Result<Vec<Renewed>> {
        self.service.renew(&self.tenant, renewals).await
    }

    /// Records outcomes of leases taken by hand.
    pub async fn settle(
        &self,
        settles: Vec<Settle>,
        then: Option<LeaseRequest>,
    ) -> Result<SettleReply> {
        self.service.settle(&self.tenant, settles, then).await
    }

    /// Sweeps once.
    pub async fn sweep(&self) -> Result<Swept> {
        self.service.sweep().await
    }

    /// Releases the store. Other clones answer `client_closed` from then on.
    pub async fn close(&self) -> Result<()> {
        self.service.close().await
    }
}

fn not_found(task_id: &str) -> Error {
    Error::TaskNotFound { task_id: task_id.to_owned() }
}

fn batch(batch_id: &str) -> Result<BatchId> {
    batch_id.parse().map_err(|_| Error::BatchNotFound { batch_id: batch_id.to_owned() })
}

fn parse(task_ids: &[String]) -> Result<Vec<TaskId>> {
    task_ids.iter().map(|id| TaskId::parse(id)).collect()
}

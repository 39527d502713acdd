//! The engine in process: [`Service`] over a [`Store`].

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::engine::transition::Transition;
use crate::error::Result;
use crate::future::BoxFuture;
use crate::rules::ids::IdSource;
use crate::rules::{chance, limits};
use crate::runtime::bell::Bells;
use crate::runtime::coalesce::Coalescer;
use crate::runtime::host::SharedHost;
use crate::runtime::matching::Verb;
use crate::runtime::seldom::SELDOM;
use crate::runtime::service::{Service, SettleReply, Swept};
use crate::store::{Applied, EnqueueGroup, Store};
use crate::words::{
    Batch, BatchId, BatchSpec, BatchSubmission, BlockResult, BlockSpec, Changed, Count, Cursor,
    Filter, LeaseRequest, Leased, Page, Payload, Pipeline, PipelineSpec, PipelineSubmission,
    QueueInfo, Renewal, Renewed, Settle, Stretch, Submission, SubmitOptions, Tally, Task, TaskId,
    TaskSpec, Timestamp, Update, Why, WorkerInfo,
};

/// A worker counts as live this long after it was last heard of.
pub const WORKER_LIVES: Duration = Duration::from_secs(15);

/// Least time between two looks that no hint has asked for, over all who follow tasks.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// What an engine can be told.
#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// Waiting tasks that a queue may hold; a submit beyond is refused. Default 10 million.
    pub queue_depth_limit: Option<u64>,
    /// How long finished tasks are kept. Default 7 days.
    pub retention: Duration,
    /// Finished tasks that are kept at most. Default: any number.
    pub keep_finished: Option<u64>,
    /// History entries of one task that are kept at most. Default 10,000.
    pub updates_per_task: u64,
    /// Draws for the jitter, from 0 up to 1.
    pub chance: fn() -> f64,
    /// Draws for ids and lease tokens.
    pub entropy: fn(&mut [u8]),
    /// Whether time passes by hand: then nothing sweeps in the background.
    pub manual: bool,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            queue_depth_limit: Some(10_000_000),
            retention: Duration::from_secs(7 * 24 * 3600),
            keep_finished: None,
            updates_per_task: 10_000,
            chance: chance::unit,
            entropy: chance::fill,
            manual: false,
        }
    }
}

/// The engine: decides, and has a store write what was decided.
pub struct Engine {
    pub(super) store: Arc<dyn Store>,
    pub(super) host: SharedHost,
    pub(super) options: EngineOptions,
    pub(super) ids: IdSource,
    pub(super) bells: Arc<Bells>,
    pub(super) submits: Arc<Coalescer<EnqueueGroup, Vec<Submission>>>,
    pub(super) settles: Arc<Coalescer<Transition, Applied>>,
    sweeping: AtomicBool,
    this: Weak<Self>,
}

impl Engine {
    /// An engine on `store`.
    pub fn new(store: Arc<dyn Store>, host: SharedHost, options: EngineOptions) -> Arc<Self> {
        let bells = Arc::new(Bells::default());
        let listener = Arc::downgrade(&bells);
        store.on_change(Arc::new(move || {
            if let Some(bells) = listener.upgrade() {
                bells.ring_all();
            }
        }));
        let listener = Arc::downgrade(&bells);
        store.on_follow(Arc::new(move |followed| {
            if let Some(bells) = listener.upgrade() {
                bells.ring_for(followed);
            }
        }));
        let enqueue = store.clone();
        let submits = Coalescer::new(
            host.clone(),
            Box::new(move |groups| {
                let store = enqueue.clone();
                Box::pin(async move { store.enqueue(groups).await })
            }),
        );
        let settle = store.clone();
        let settles = Coalescer::new(
            host.clone(),
            Box::new(move |transitions| {
                let store = settle.clone();
                Box::pin(async move { Ok(store.settle(transitions, None).await?.0) })
            }),
        );
        let ids = IdSource::new(options.entropy);
        Arc::new_cyclic(|this| Self {
            store,
            host,
            options,
            ids,
            bells,
            submits,
            settles,
            sweeping: AtomicBool::new(false),
            this: this.clone(),
        })
    }

    /// How long a wait may rest before it looks again by itself: other processes' hints may be lost.
    pub(super) fn patience(&self) -> Duration {
        if self.store.is_private() { Duration::from_secs(60) } else { Duration::from_millis(500) }
    }

    /// The same for news of a task: all who follow one share a bounded number of looks, so that thousands
    /// of idle streams do not read all day.
    pub(super) fn patience_with_task(&self) -> Duration {
        let followers = u32::try_from(self.bells.followers()).unwrap_or(u32::MAX);
        let shared = LOOK_AGAIN.saturating_mul(followers).min(Duration::from_secs(60));
        self.patience().max(shared)
    }

    /// Starts the sweep of this process, once: whoever works also sweeps.
    fn sweep_in_background(&self) {
        if !self.options.manual && !self.sweeping.swap(true, Ordering::Relaxed) {
            self.host.spawn(Box::pin(super::sweep::run(self.this.clone(), self.host.clone())));
        }
    }

    async fn lease_waiting(&self, tenant: &str, request: LeaseRequest) -> Result<Leased> {
        limits::check_lease(&request)?;
        self.sweep_in_background();
        let start = self.host.monotonic();
        loop {
            let hint = self.bells.work.listen();
            let leased = self.store.lease(self.order(tenant, request.clone())).await?;
            let left = request.wait.saturating_sub(self.host.monotonic().saturating_sub(start));
            if !leased.tasks.is_empty() || leased.suspect_waiting || left.is_zero() {
                return Ok(leased);
            }
            super::host::timeout(&*self.host, left.min(self.patience()), hint).await;
        }
    }
}

impl Service for Engine {
    fn location(&self) -> String {
        self.store.location()
    }

    fn now(&self) -> Timestamp {
        self.store.now()
    }

    fn submit(
        &self,
        tenant: &str,
        specs: Vec<TaskSpec>,
        options: SubmitOptions,
    ) -> BoxFuture<'_, Result<Vec<Submission>>> {
        let tenant = tenant.to_owned();
        Box::pin(async move { self.submit_tasks(&tenant, specs, options).await })
    }

    fn get(&self, tenant: &str, ids: Vec<TaskId>) -> BoxFuture<'_, Result<Vec<Option<Task>>>> {
        let tenant = tenant.to_owned();
        Box::pin(async move { self.get_tasks(&tenant, ids).await })
    }

    fn look(&self, tenant: &str, ids: Vec<TaskId>) -> BoxFuture<'_, Result<Vec<Option<Task>>>> {
        self.store.get(tenant, ids)
    }

    fn list(
        &self,
        tenant: &str,
        filter: Filter,
        cursor: Option<Cursor>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Page>> {
        (SELDOM.list)(self, tenant.to_owned(), filter, cursor, limit)
    }

    fn count(&self, tenant: &str, filter: Filter, most: u32) -> BoxFuture<'_, Result<Tally>> {
        (SELDOM.count)(self, tenant.to_owned(), filter, most)
    }

    fn cancel_matching(
        &self,
        tenant: &str,
        filter: Filter,
        stretch: Stretch,
    ) -> BoxFuture<'_, Result<Changed>> {
        (SELDOM.change_matching)(self, tenant.to_owned(), Verb::Cancel, filter, stretch)
    }

    fn retry_matching(
        &self,
        tenant: &str,
        filter: Filter,
        stretch: Stretch,
    ) -> BoxFuture<'_, Result<Changed>> {
        (SELDOM.change_matching)(self, tenant.to_owned(), Verb::Retry, filter, stretch)
    }

    fn updates(
        &self,
        tenant: &str,
        task_id: TaskId,
        after: u64,
        limit: u32,
        wait: Duration,
    ) -> BoxFuture<'_, Result<Vec<Update>>> {
        let tenant = tenant.to_owned();
        Box::pin(async move { self.read_updates(&tenant, task_id, after, limit, wait).await })
    }

    fn wait(
        &self,
        tenant: &str,
        ids: Vec<TaskId>,
        fail_fast: bool,
        wait: Duration,
    ) -> BoxFuture<'_, Result<Vec<Task>>> {
        let tenant = tenant.to_owned();
        Box::pin(async move { self.wait_for(&tenant, ids, fail_fast, wait).await })
    }

    fn cancel(&self, tenant: &str, task_id: TaskId) -> BoxFuture<'_, Result<Task>> {
        let tenant = tenant.to_owned();
        Box::pin(async move { self.cancel_task(&tenant, task_id).await })
    }

    fn retry(&self, tenant: &str, task_id: TaskId) -> BoxFuture<'_, Result<Task>> {
        (SELDOM.retry)(self, tenant.to_owned(), task_id)
    }

    fn lease(&self, tenant: &str, request: LeaseRequest) -> BoxFuture<'_, Result<Leased>> {
        let tenant = tenant.to_owned();
        Box::pin(async move { self.lease_waiting(&tenant, request).await })
    }

    fn renew(&self, tenant: &str, renewals: Vec<Renewal>) -> BoxFuture<'_, Result<Vec<Renewed>>> {
        let tenant = tenant.to_owned();
        Box::pin(async move { self.renew_leases(&tenant, renewals).await })
    }

    fn settle(
        &self,
        tenant: &str,
        settles: Vec<Settle>,
        then: Option<LeaseRequest>,
    ) -> BoxFuture<'_, Result<SettleReply>> {
        let tenant = tenant.to_owned();
        Box::pin(async move { self.settle_outcomes(&tenant, settles, then).await })
    }

    fn work_hint(&self) -> Option<BoxFuture<'static, ()>> {
        let (hint, sleep) = (self.bells.work.listen(), self.host.sleep(self.patience()));
        Some(Box::pin(async move {
            futures_util::future::select(hint, sleep).await;
        }))
    }

    fn cancel_hint(&self) -> BoxFuture<'static, ()> {
        self.bells.cancel.listen()
    }

    fn counts(&self, tenant: &str) -> BoxFuture<'_, Result<Vec<Count>>> {
        self.store.counts(tenant)
    }

    fn queues(&self, tenant: &str) -> BoxFuture<'_, Result<Vec<QueueInfo>>> {
        (SELDOM.queues)(self, tenant.to_owned())
    }

    fn pause(&self, tenant: &str, queue: &str, paused: bool) -> BoxFuture<'_, Result<QueueInfo>> {
        (SELDOM.pause)(self, tenant.to_owned(), queue.to_owned(), paused)
    }

    fn batch(&self, tenant: &str, batch_id: BatchId) -> BoxFuture<'_, Result<Batch>> {
        (SELDOM.batch)(self, tenant.to_owned(), batch_id)
    }

    fn cancel_batch(&self, tenant: &str, batch_id: BatchId) -> BoxFuture<'_, Result<Batch>> {
        (SELDOM.cancel_batch)(self, tenant.to_owned(), batch_id)
    }

    fn submit_batch(
        &self,
        tenant: &str,
        spec: BatchSpec,
        tasks: Vec<TaskSpec>,
        options: SubmitOptions,
    ) -> BoxFuture<'_, Result<BatchSubmission>> {
        (SELDOM.submit_batch)(self, tenant.to_owned(), spec, tasks, options)
    }

    fn open_batch(&self, tenant: &str, spec: BatchSpec) -> BoxFuture<'_, Result<BatchId>> {
        (SELDOM.open_batch)(self, tenant.to_owned(), spec)
    }

    fn extend_batch(
        &self,
        tenant: &str,
        batch_id: BatchId,
        chunk: u32,
        tasks: Vec<TaskSpec>,
    ) -> BoxFuture<'_, Result<u64>> {
        (SELDOM.extend_batch)(self, tenant.to_owned(), batch_id, chunk, tasks)
    }

    fn seal_batch(
        &self,
        tenant: &str,
        batch_id: BatchId,
        options: SubmitOptions,
    ) -> BoxFuture<'_, Result<BatchSubmission>> {
        (SELDOM.seal_batch)(self, tenant.to_owned(), batch_id, options)
    }

    fn submit_pipeline(
        &self,
        tenant: &str,
        spec: PipelineSpec,
        options: SubmitOptions,
    ) -> BoxFuture<'_, Result<PipelineSubmission>> {
        (SELDOM.submit_pipeline)(self, tenant.to_owned(), spec, options)
    }

    fn pipeline(&self, tenant: &str, id: TaskId) -> BoxFuture<'_, Result<Pipeline>> {
        (SELDOM.pipeline)(self, tenant.to_owned(), id)
    }

    fn cancel_pipeline(&self, tenant: &str, id: TaskId) -> BoxFuture<'_, Result<Pipeline>> {
        (SELDOM.cancel_pipeline)(self, tenant.to_owned(), id)
    }

    fn retry_pipeline(
        &self,
        tenant: &str,
        id: TaskId,
        stage: Option<String>,
    ) -> BoxFuture<'_, Result<Pipeline>> {
        (SELDOM.retry_pipeline)(self, tenant.to_owned(), id, stage)
    }

    fn submit_block(
        &self,
        tenant: &str,
        spec: BlockSpec,
        options: SubmitOptions,
    ) -> BoxFuture<'_, Result<Submission>> {
        (SELDOM.submit_block)(self, tenant.to_owned(), spec, options)
    }

    fn block(&self, tenant: &str, id: TaskId) -> BoxFuture<'_, Result<BlockResult>> {
        (SELDOM.block)(self, tenant.to_owned(), id)
    }

    fn upstream(
        &self,
        tenant: &str,
        task_id: TaskId,
        name: &str,
    ) -> BoxFuture<'_, Result<Option<Payload>>> {
        (SELDOM.upstream)(self, tenant.to_owned(), task_id, name.to_owned())
    }

    fn upstream_names(&self, tenant: &str, task_id: TaskId) -> BoxFuture<'_, Result<Vec<String>>> {
        (SELDOM.upstream_names)(self, tenant.to_owned(), task_id)
    }

    fn state(&self, tenant: &str, state_key: &str) -> BoxFuture<'_, Result<Option<Payload>>> {
        self.store.state(tenant, state_key)
    }

    fn recent(
        &self,
        tenant: &str,
        since: Timestamp,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Task>>> {
        self.store.recent(tenant, since, limit.clamp(1, 10_000))
    }

    fn flow(
        &self,
        from: Timestamp,
        until: Timestamp,
    ) -> BoxFuture<'_, Result<Option<crate::words::Flows>>> {
        self.store.flow(from, until)
    }

    fn why(&self, tenant: &str, task_id: TaskId) -> BoxFuture<'_, Result<Why>> {
        (SELDOM.why)(self, tenant.to_owned(), task_id)
    }

    fn announce(&self, tenant: &str, worker: WorkerInfo) -> BoxFuture<'_, Result<()>> {
        self.store.announce(tenant, worker)
    }

    fn forget(&self, tenant: &str, worker_id: &str) -> BoxFuture<'_, Result<()>> {
        self.store.forget(tenant, worker_id)
    }

    fn workers(&self, tenant: &str) -> BoxFuture<'_, Result<Vec<WorkerInfo>>> {
        self.store.workers(tenant, WORKER_LIVES)
    }

    fn sweep(&self) -> BoxFuture<'_, Result<Swept>> {
        Box::pin(self.sweep_all())
    }

    fn close(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            let closed = self.store.close().await;
            // Who waits looks again, and finds it closed.
            self.bells.ring_all();
            closed
        })
    }
}

//! The verbs, each as one call.

use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use windlass_core::rules::limits;
use windlass_core::runtime::host::SharedHost;
use windlass_core::words::{Tasks, Workers};
use windlass_core::{
    Batch, BatchId, BatchSpec, BatchSubmission, BlockResult, BlockSpec, Changed, Circuit, Count,
    Cursor, Filter, LeaseRequest, Leased, Page, Payload, Pipeline, PipelineSpec,
    PipelineSubmission, QueueInfo, Renewal, Renewed, Result, Service, Settle, SettleReply, Stretch,
    Submission, SubmitOptions, Swept, Tally, Task, TaskId, TaskSpec, TaskStatus, Timestamp, Update,
    Why, WorkerInfo, future::BoxFuture,
};

use crate::address::segment;
use crate::answer::{self, Tell};
use crate::call::{Call, json};
use crate::calls::Calls;
use crate::composing::texts;
use crate::keys::Keys;
use crate::matching;
use crate::options::RestOptions;
use crate::stream::Streams;
use crate::verb::{self, Verb};

/// Longest time that a server holds an answer back.
pub(crate) const HOLD: Duration = Duration::from_secs(60);
/// How often a worker asks whether something was cancelled.
const ASK: Duration = Duration::from_millis(500);

/// Every verb of [`Service`], answered by a Windlass server.
///
/// Every submit carries idempotency keys, so that a call whose answer was lost is repeated and stores
/// nothing twice. Dropping a future gives its call up; what it asked for may still be done.
pub struct RestService {
    pub(crate) calls: Calls,
    pub(crate) keys: Keys,
    streams: Arc<Streams<Update>>,
    /// Tasks of one lease: fewer once an answer was too large.
    pub(crate) most: AtomicU32,
    /// Rings when a worker leaves that may rest between two questions.
    pub(crate) leaves: Notify,
}

#[derive(Deserialize)]
struct Queues {
    queues: Vec<QueueInfo>,
}

#[derive(Serialize)]
struct RetryBody {
    #[serde(skip_serializing_if = "Option::is_none")]
    stage: Option<String>,
}

#[derive(Deserialize)]
struct SweptRecord {
    promoted: u64,
    rescued: u64,
    pruned: u64,
    #[serde(default)]
    next: Option<Timestamp>,
}

impl RestService {
    /// A service at `url`, which begins with `http://` or `https://`; its path goes before `/api/v1`.
    /// Makes no request.
    ///
    /// # Errors
    ///
    /// `invalid_url`, `invalid_argument`.
    pub fn new(url: &str, options: RestOptions, host: SharedHost) -> Result<Self> {
        Self::told_by(url, options, host, answer::problem)
    }

    /// The same; `tell` reads what a server says when it says no.
    pub(crate) fn told_by(
        url: &str,
        options: RestOptions,
        host: SharedHost,
        tell: Tell,
    ) -> Result<Self> {
        let calls = Calls::new(url, options, host, tell)?;
        let most = AtomicU32::new(limits::LEASE_TASKS);
        Ok(Self {
            calls,
            keys: Keys::default(),
            streams: Arc::default(),
            most,
            leaves: Notify::new(),
        })
    }

    /// The breaker that keeps calls away from a server that keeps failing.
    pub fn circuit(&self) -> Option<&Circuit> {
        self.calls.circuit()
    }

    /// The answer to a call for `tenant`; what cannot be called is refused.
    fn ask<T: DeserializeOwned + Send>(
        &self,
        tenant: &str,
        call: Result<Call>,
    ) -> BoxFuture<'_, Result<T>> {
        let call = call.map(|call| call.tenant(tenant));
        Box::pin(async move { self.calls.ask(&call?).await })
    }

    /// The same, of a verb about one thing.
    fn about<T: DeserializeOwned + Send>(
        &self,
        tenant: &str,
        verb: &'static Verb,
        id: impl ToString,
    ) -> BoxFuture<'_, Result<T>> {
        self.ask(tenant, Ok(verb.of(&[&id.to_string()])))
    }
}

/// A call that pauses a queue or lets it go on.
pub(crate) fn pause(queue: &str, paused: bool) -> Result<Call> {
    limits::name("queue", queue)?;
    let verb = if paused { &verb::PAUSE } else { &verb::RESUME };
    Ok(verb.of(&[&segment("queue", queue)?]))
}

impl Service for RestService {
    fn location(&self) -> String {
        self.calls.address().base().to_owned()
    }

    fn now(&self) -> Timestamp {
        self.calls.clock().now()
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
        Box::pin(async move { self.find(&tenant, &ids).await })
    }

    fn list(
        &self,
        tenant: &str,
        filter: Filter,
        cursor: Option<Cursor>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Page>> {
        self.ask(tenant, matching::list(&filter, cursor, limit))
    }

    fn count(&self, tenant: &str, filter: Filter, most: u32) -> BoxFuture<'_, Result<Tally>> {
        self.ask(tenant, matching::count(&filter, most))
    }

    fn cancel_matching(
        &self,
        tenant: &str,
        filter: Filter,
        stretch: Stretch,
    ) -> BoxFuture<'_, Result<Changed>> {
        self.ask(tenant, matching::change(&verb::CANCEL_MATCHING, &filter, stretch))
    }

    fn retry_matching(
        &self,
        tenant: &str,
        filter: Filter,
        stretch: Stretch,
    ) -> BoxFuture<'_, Result<Changed>> {
        self.ask(tenant, matching::change(&verb::RETRY_MATCHING, &filter, stretch))
    }

    fn updates(
        &self,
        tenant: &str,
        task_id: TaskId,
        after: u64,
        limit: u32,
        wait: Duration,
    ) -> BoxFuture<'_, Result<Vec<Update>>> {
        let place = (tenant.to_owned(), task_id, after);
        Box::pin(self.streams.entries(&self.calls, place, limit, wait))
    }

    fn wait(
        &self,
        tenant: &str,
        ids: Vec<TaskId>,
        fail_fast: bool,
        wait: Duration,
    ) -> BoxFuture<'_, Result<Vec<Task>>> {
        let tenant = tenant.to_owned();
        Box::pin(async move { self.wait_for(&tenant, &ids, fail_fast, wait).await })
    }

    fn cancel(&self, tenant: &str, task_id: TaskId) -> BoxFuture<'_, Result<Task>> {
        self.about(tenant, &verb::CANCEL, task_id)
    }

    fn retry(&self, tenant: &str, task_id: TaskId) -> BoxFuture<'_, Result<Task>> {
        self.about(tenant, &verb::RETRY, task_id)
    }

    fn lease(&self, tenant: &str, request: LeaseRequest) -> BoxFuture<'_, Result<Leased>> {
        let tenant = tenant.to_owned();
        Box::pin(async move { self.lease_tasks(&tenant, request).await })
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
        None
    }

    fn cancel_hint(&self) -> BoxFuture<'static, ()> {
        self.calls.host().sleep(ASK)
    }

    fn counts(&self, tenant: &str) -> BoxFuture<'_, Result<Vec<Count>>> {
        let queues = self.queues(tenant);
        Box::pin(async move {
            let count = |queue: &str, (status, count): (TaskStatus, u64)| Count {
                queue: queue.to_owned(),
                status,
                count,
            };
            let of = |info: QueueInfo| {
                let queue = info.queue;
                info.counts.into_iter().map(move |c| count(&queue, c)).collect::<Vec<_>>()
            };
            Ok(queues.await?.into_iter().flat_map(of).collect())
        })
    }

    fn queues(&self, tenant: &str) -> BoxFuture<'_, Result<Vec<QueueInfo>>> {
        let queues = self.ask::<Queues>(tenant, Ok(verb::QUEUES.call()));
        Box::pin(async move { Ok(queues.await?.queues) })
    }

    fn pause(&self, tenant: &str, queue: &str, paused: bool) -> BoxFuture<'_, Result<QueueInfo>> {
        self.ask(tenant, pause(queue, paused))
    }

    fn batch(&self, tenant: &str, batch_id: BatchId) -> BoxFuture<'_, Result<Batch>> {
        self.about(tenant, &verb::BATCH, batch_id)
    }

    fn cancel_batch(&self, tenant: &str, batch_id: BatchId) -> BoxFuture<'_, Result<Batch>> {
        self.about(tenant, &verb::CANCEL_BATCH, batch_id)
    }

    fn submit_batch(
        &self,
        tenant: &str,
        spec: BatchSpec,
        tasks: Vec<TaskSpec>,
        options: SubmitOptions,
    ) -> BoxFuture<'_, Result<BatchSubmission>> {
        let tenant = tenant.to_owned();
        Box::pin(async move { self.batch_of(&tenant, spec, tasks, options.patience).await })
    }

    fn open_batch(&self, tenant: &str, spec: BatchSpec) -> BoxFuture<'_, Result<BatchId>> {
        let tenant = tenant.to_owned();
        Box::pin(async move { self.open_text(&tenant, &self.head(&tenant, spec)?.0).await })
    }

    fn extend_batch(
        &self,
        tenant: &str,
        batch_id: BatchId,
        chunk: u32,
        tasks: Vec<TaskSpec>,
    ) -> BoxFuture<'_, Result<u64>> {
        let tenant = tenant.to_owned();
        Box::pin(async move {
            tasks.iter().try_for_each(limits::check_spec)?;
            self.put_chunk(&tenant, batch_id, chunk, &texts(&tasks)?).await
        })
    }

    fn seal_batch(
        &self,
        tenant: &str,
        batch_id: BatchId,
        options: SubmitOptions,
    ) -> BoxFuture<'_, Result<BatchSubmission>> {
        let tenant = tenant.to_owned();
        Box::pin(async move { self.seal(&tenant, batch_id, options.patience).await })
    }

    fn submit_pipeline(
        &self,
        tenant: &str,
        spec: PipelineSpec,
        options: SubmitOptions,
    ) -> BoxFuture<'_, Result<PipelineSubmission>> {
        let tenant = tenant.to_owned();
        Box::pin(async move { self.send_pipeline(&tenant, spec, options.patience).await })
    }

    fn pipeline(&self, tenant: &str, id: TaskId) -> BoxFuture<'_, Result<Pipeline>> {
        self.about(tenant, &verb::PIPELINE, id)
    }

    fn cancel_pipeline(&self, tenant: &str, id: TaskId) -> BoxFuture<'_, Result<Pipeline>> {
        self.about(tenant, &verb::CANCEL_PIPELINE, id)
    }

    fn retry_pipeline(
        &self,
        tenant: &str,
        id: TaskId,
        stage: Option<String>,
    ) -> BoxFuture<'_, Result<Pipeline>> {
        let call =
            || Ok(verb::RETRY_PIPELINE.of(&[&id.to_string()]).json(json(&RetryBody { stage })?));
        self.ask(tenant, call())
    }

    fn submit_block(
        &self,
        tenant: &str,
        spec: BlockSpec,
        options: SubmitOptions,
    ) -> BoxFuture<'_, Result<Submission>> {
        let tenant = tenant.to_owned();
        Box::pin(async move { self.send_block(&tenant, spec, options.patience).await })
    }

    fn block(&self, tenant: &str, id: TaskId) -> BoxFuture<'_, Result<BlockResult>> {
        self.about(tenant, &verb::BLOCK, id)
    }

    fn upstream(
        &self,
        tenant: &str,
        task_id: TaskId,
        name: &str,
    ) -> BoxFuture<'_, Result<Option<Payload>>> {
        let (tenant, name) = (tenant.to_owned(), name.to_owned());
        Box::pin(async move { self.upstream_of(&tenant, task_id, &name).await })
    }

    fn upstream_names(&self, tenant: &str, task_id: TaskId) -> BoxFuture<'_, Result<Vec<String>>> {
        let tenant = tenant.to_owned();
        Box::pin(async move { self.names_of(&tenant, task_id).await })
    }

    fn state(&self, tenant: &str, state_key: &str) -> BoxFuture<'_, Result<Option<Payload>>> {
        let (tenant, state_key) = (tenant.to_owned(), state_key.to_owned());
        Box::pin(async move { self.state_of(&tenant, &state_key).await })
    }

    fn recent(
        &self,
        tenant: &str,
        since: Timestamp,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Task>>> {
        let tasks = self.ask::<Tasks>(tenant, Ok(matching::recent(since, limit)));
        Box::pin(async move { Ok(tasks.await?.tasks) })
    }

    fn why(&self, tenant: &str, task_id: TaskId) -> BoxFuture<'_, Result<Why>> {
        self.about(tenant, &verb::WHY, task_id)
    }

    fn announce(&self, tenant: &str, worker: WorkerInfo) -> BoxFuture<'_, Result<()>> {
        let tenant = tenant.to_owned();
        Box::pin(async move { self.announce_worker(&tenant, &worker).await })
    }

    fn leave(&self, tenant: &str, worker_id: &str) -> BoxFuture<'_, Result<()>> {
        let (tenant, worker_id) = (tenant.to_owned(), worker_id.to_owned());
        Box::pin(async move { self.worker_leaves(&tenant, &worker_id).await })
    }

    fn forget(&self, tenant: &str, worker_id: &str) -> BoxFuture<'_, Result<()>> {
        let (tenant, worker_id) = (tenant.to_owned(), worker_id.to_owned());
        Box::pin(async move { self.forget_worker(&tenant, &worker_id).await })
    }

    fn workers(&self, tenant: &str) -> BoxFuture<'_, Result<Vec<WorkerInfo>>> {
        let workers = self.ask::<Workers>(tenant, Ok(verb::WORKERS.call()));
        Box::pin(async move { Ok(workers.await?.workers) })
    }

    fn sweep(&self) -> BoxFuture<'_, Result<Swept>> {
        Box::pin(async move {
            let swept = self.calls.ask(&verb::SWEEP.call()).await?;
            let SweptRecord { promoted, rescued, pruned, next } = swept;
            Ok(Swept { promoted, rescued, pruned, next })
        })
    }

    fn close(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            self.calls.close().await;
            self.streams.clear();
            Ok(())
        })
    }
}

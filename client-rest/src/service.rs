//! The verbs, each as one call.

use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use windlass_core::rules::limits;
use windlass_core::runtime::host::SharedHost;
use windlass_core::words::{BoundBody, SubmitBody, Submitted, Tasks, Workers};
use windlass_core::{
    Batch, BatchId, BatchSpec, BatchSubmission, BlockResult, BlockSpec, Changed, Circuit, Count,
    Cursor, Error, Filter, LeaseRequest, Leased, Page, Payload, Pipeline, PipelineSpec,
    PipelineSubmission, QueueInfo, Renewal, Renewed, Result, Service, Settle, SettleReply, Stretch,
    Submission, SubmitOptions, Swept, Tally, Task, TaskId, TaskSpec, TaskStatus, Timestamp, Update,
    Why, WorkerInfo, future::BoxFuture,
};

use crate::address::{segment, with_query};
use crate::answer::{self, Tell};
use crate::call::{Call, json};
use crate::calls::Calls;
use crate::composing::texts;
use crate::keys::Keys;
use crate::options::RestOptions;
use crate::stream::Streams;
use crate::submitting::Place;

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
        Ok(Self { calls, keys: Keys::default(), streams: Arc::default(), most })
    }

    /// The breaker that keeps calls away from a server that keeps failing.
    pub fn circuit(&self) -> Option<&Circuit> {
        self.calls.circuit()
    }

    async fn submit_tasks(
        &self,
        tenant: &str,
        mut specs: Vec<TaskSpec>,
        options: SubmitOptions,
    ) -> Result<Vec<Submission>> {
        limits::name("tenant", tenant)?;
        if options.batch && !specs.is_empty() {
            let batch = self.batch_of(tenant, BatchSpec::default(), specs, options.patience);
            return Ok(batch.await?.submissions);
        }
        let place = Place::of(specs.len())?;
        // Refused here as there, and before anything travels: not every number has JSON text.
        specs.iter().try_for_each(limits::check_spec)?;
        let filled = self.keys.fill(&mut specs, self.calls.clock().now());
        let body = match place {
            _ if specs.is_empty() => return Ok(Vec::new()),
            Place::One => json(&specs[0])?,
            _ => json(&SubmitBody { tasks: specs })?,
        };
        let read = |text: &str| match place {
            Place::One => serde_json::from_str(text).map(|one| vec![one]),
            _ => serde_json::from_str(text).map(|stored: Submitted| stored.submissions),
        };
        self.store(tenant, place, body, &read, &filled, options.patience).await
    }

    async fn task(&self, verb: &'static str, tenant: &str, task_id: TaskId) -> Result<Task> {
        let path = format!("/tasks/{task_id}/{verb}");
        self.calls.ask(&Call::post(verb, path, None).tenant(tenant)).await
    }

    async fn change(
        &self,
        verb: &'static str,
        tenant: &str,
        filter: &Filter,
        stretch: Stretch,
    ) -> Result<Changed> {
        let Stretch { cursor, most } = stretch;
        limits::check_most(most, limits::CHANGE_MOST)?;
        let path = with_query(&format!("/tasks/{verb}"), &query(filter));
        let body = json(&BoundBody { most: Some(most), cursor })?;
        // A second run would count only what the first one left.
        self.calls.ask(&Call::post(verb, path, Some(body)).tenant(tenant).once()).await
    }
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
        let mut query = query(&filter);
        query.extend(cursor.map(|cursor| ("cursor".to_owned(), cursor.to_string())));
        query.push(("limit".to_owned(), limit.to_string()));
        let path = with_query("/tasks", &query);
        let call = Call::get("list", path).tenant(tenant);
        Box::pin(async move {
            limits::check_page(limit)?;
            self.calls.ask(&call).await
        })
    }

    fn count(&self, tenant: &str, filter: Filter, most: u32) -> BoxFuture<'_, Result<Tally>> {
        let mut query = query(&filter);
        query.push(("most".to_owned(), most.to_string()));
        let call = Call::get("count", with_query("/tasks/count", &query)).tenant(tenant);
        Box::pin(async move {
            limits::check_most(most, limits::COUNT_MOST)?;
            self.calls.ask(&call).await
        })
    }

    fn cancel_matching(
        &self,
        tenant: &str,
        filter: Filter,
        stretch: Stretch,
    ) -> BoxFuture<'_, Result<Changed>> {
        let tenant = tenant.to_owned();
        Box::pin(async move { self.change("cancel", &tenant, &filter, stretch).await })
    }

    fn retry_matching(
        &self,
        tenant: &str,
        filter: Filter,
        stretch: Stretch,
    ) -> BoxFuture<'_, Result<Changed>> {
        let tenant = tenant.to_owned();
        Box::pin(async move { self.change("retry", &tenant, &filter, stretch).await })
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
        let tenant = tenant.to_owned();
        Box::pin(async move { self.task("cancel", &tenant, task_id).await })
    }

    fn retry(&self, tenant: &str, task_id: TaskId) -> BoxFuture<'_, Result<Task>> {
        let tenant = tenant.to_owned();
        Box::pin(async move {
            let path = format!("/tasks/{task_id}/retry");
            // A second run would find the task that the first one began.
            self.calls.ask(&Call::post("retry", path, None).tenant(&tenant).once()).await
        })
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
        let call = Call::get("queues", "/queues".to_owned()).tenant(tenant);
        Box::pin(async move { Ok(self.calls.ask::<Queues>(&call).await?.queues) })
    }

    fn pause(&self, tenant: &str, queue: &str, paused: bool) -> BoxFuture<'_, Result<QueueInfo>> {
        let verb = if paused { "pause" } else { "resume" };
        let path = limits::name("queue", queue).and_then(|()| segment("queue", queue));
        let tenant = tenant.to_owned();
        Box::pin(async move {
            let path = format!("/queues/{}/{verb}", path?);
            self.calls.ask(&Call::post(verb, path, None).tenant(&tenant)).await
        })
    }

    fn batch(&self, tenant: &str, batch_id: BatchId) -> BoxFuture<'_, Result<Batch>> {
        let call = Call::get("batch", format!("/batches/{batch_id}")).tenant(tenant);
        Box::pin(async move { self.calls.ask(&call).await })
    }

    fn cancel_batch(&self, tenant: &str, batch_id: BatchId) -> BoxFuture<'_, Result<Batch>> {
        let path = format!("/batches/{batch_id}/cancel");
        let call = Call::post("cancel_batch", path, None).tenant(tenant);
        Box::pin(async move { self.calls.ask(&call).await })
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
        let call = Call::get("pipeline", format!("/pipelines/{id}")).tenant(tenant);
        Box::pin(async move { self.calls.ask(&call).await })
    }

    fn cancel_pipeline(&self, tenant: &str, id: TaskId) -> BoxFuture<'_, Result<Pipeline>> {
        let path = format!("/pipelines/{id}/cancel");
        let call = Call::post("cancel_pipeline", path, None).tenant(tenant);
        Box::pin(async move { self.calls.ask(&call).await })
    }

    fn retry_pipeline(
        &self,
        tenant: &str,
        id: TaskId,
        stage: Option<String>,
    ) -> BoxFuture<'_, Result<Pipeline>> {
        let tenant = tenant.to_owned();
        Box::pin(async move {
            let (path, body) = (format!("/pipelines/{id}/retry"), json(&RetryBody { stage })?);
            // A second run would find the stages that the first one began.
            let call = Call::post("retry_pipeline", path, Some(body)).tenant(&tenant).once();
            self.calls.ask(&call).await
        })
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
        let call = Call::get("block", format!("/parallel/{id}")).tenant(tenant);
        Box::pin(async move { self.calls.ask(&call).await })
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
        let limit = limit.clamp(1, 10_000).to_string();
        let query = [("since".to_owned(), since.to_string()), ("limit".to_owned(), limit)];
        let call = Call::get("recent", with_query("/recent", &query)).tenant(tenant);
        Box::pin(async move { Ok(self.calls.ask::<Tasks>(&call).await?.tasks) })
    }

    fn why(&self, tenant: &str, task_id: TaskId) -> BoxFuture<'_, Result<Why>> {
        let call = Call::get("why", format!("/tasks/{task_id}/why")).tenant(tenant);
        Box::pin(async move { self.calls.ask(&call).await })
    }

    fn announce(&self, tenant: &str, worker: WorkerInfo) -> BoxFuture<'_, Result<()>> {
        let tenant = tenant.to_owned();
        Box::pin(async move { self.announce_worker(&tenant, &worker).await })
    }

    fn forget(&self, tenant: &str, worker_id: &str) -> BoxFuture<'_, Result<()>> {
        let (tenant, worker_id) = (tenant.to_owned(), worker_id.to_owned());
        Box::pin(async move { self.forget_worker(&tenant, &worker_id).await })
    }

    fn workers(&self, tenant: &str) -> BoxFuture<'_, Result<Vec<WorkerInfo>>> {
        let call = Call::get("workers", "/workers".to_owned()).tenant(tenant);
        Box::pin(async move { Ok(self.calls.ask::<Workers>(&call).await?.workers) })
    }

    fn sweep(&self) -> BoxFuture<'_, Result<Swept>> {
        Box::pin(async move {
            let call = Call::post("sweep", "/sweep".to_owned(), None);
            let SweptRecord { promoted, rescued, pruned, next } = self.calls.ask(&call).await?;
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

fn query(filter: &Filter) -> Vec<(String, String)> {
    let status = filter.status.iter().map(|status| ("status".to_owned(), status.to_string()));
    let labels = filter.labels.iter().map(|(key, value)| (format!("label.{key}"), value.clone()));
    let mut query: Vec<(String, String)> = status.chain(labels).collect();
    let mut given = |name: &str, value: Option<String>| {
        query.extend(value.map(|value| (name.to_owned(), value)));
    };
    given("task_type", filter.task_type.clone());
    given("queue", filter.queue.clone());
    given("kind", filter.kind.map(|kind| kind.as_str().to_owned()));
    given("batch_id", filter.batch_id.map(|id| id.to_string()));
    given("since", filter.since.map(|since| since.to_string()));
    given("until", filter.until.map(|until| until.to_string()));
    given("error", filter.error.clone());
    query
}

/// As many as were asked for, or nothing can be told from the answer.
pub(crate) fn counted<T>(found: Vec<T>, asked: usize) -> Result<Vec<T>> {
    if found.len() == asked { Ok(found) } else { Err(miscounted(found.len(), asked)) }
}

pub(crate) fn miscounted(found: usize, asked: usize) -> Error {
    let reason = format!("answered {found} entries to a question about {asked}");
    Error::Api { status_code: 200, reason }
}

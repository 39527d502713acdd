//! A server and those who reach it by a wire that loses requests and answers.
//!
//! Shaped as HTTP is: a call is one request and one answer; whoever gets none cannot know what became of
//! it, and repeats by core's own rules what may be repeated, a submit under the key of its first try.
//! The server is a process like any other: it dies, and another takes its place on the same store.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use windlass_core::future::BoxFuture;
use windlass_core::rules::call::CallFailure;
use windlass_core::rules::keys;
use windlass_core::runtime::service::{Service, SettleReply, Swept};
use windlass_core::{
    Batch, BatchId, BatchSpec, BatchSubmission, BlockResult, BlockSpec, Changed, Count, Cursor,
    Error, Filter, LeaseRequest, Leased, Outcome, Page, Payload, Pipeline, PipelineSpec,
    PipelineSubmission, QueueInfo, Renewal, Renewed, Result, RetryConfig, RetryOptions, Settle,
    Stretch, Submission, SubmitOptions, Tally, Task, TaskId, TaskSpec, Timestamp, Update, Why,
    WorkerInfo,
};

use super::address::{Address, Server};
use super::broken::Fault;
use super::clockwork::{Clockwork, Pid};
use super::dice::{self, Dice};
use super::monitor::Monitor;

/// How long what goes back may take: a few calls to the store.
const BACK_WITHIN: Duration = Duration::from_secs(2);

/// The service as a remote process sees it.
#[derive(Clone)]
pub(super) struct Remote {
    pub(super) address: Address,
    pub(super) clockwork: Clockwork,
    pub(super) dice: Dice,
    pub(super) monitor: Arc<Monitor>,
    pub(super) pid: Pid,
    pub(super) fault: Option<Fault>,
}

/// What an answer grants, if it is of the kind that does.
type Granted<T> = fn(&T) -> Option<&Leased>;

impl Remote {
    /// Calls until there is an answer, or no repeat is left.
    fn call<T: Send + 'static>(
        &self,
        operation: &'static str,
        repeatable: bool,
        granted: Granted<T>,
        run: impl Fn(Arc<dyn Service>, u32) -> BoxFuture<'static, Result<T>> + Send + Sync + 'static,
    ) -> BoxFuture<'static, Result<T>> {
        let (me, run) = (self.clone(), Arc::new(run));
        // Longer than any trouble lasts: an answer that never comes is another law's matter.
        let config = RetryConfig {
            max_retries: 500,
            initial_delay: Duration::from_millis(20),
            max_delay: Duration::from_secs(1),
            ..RetryConfig::default()
        };
        Box::pin(async move {
            let mut tries = 0;
            loop {
                tries += 1;
                let run = run.clone();
                let once = move |service| run(service, tries);
                let (error, status) = match me.attempt(operation, granted, once).await {
                    Some(Ok(answer)) => return Ok(answer),
                    Some(Err(error)) => {
                        let status = error.http_status();
                        (error, Some(status))
                    }
                    None => (lost(operation), None),
                };
                let failure = CallFailure { status, retry_after: None, repeatable };
                match config.next(tries, &failure, dice::unit()) {
                    Some(pause) => me.clockwork.sleep(pause).await,
                    None => return Err(error),
                }
            }
        })
    }

    /// One request and its answer; `None` when it did not come.
    async fn attempt<T: Send + 'static>(
        &self,
        operation: &'static str,
        granted: Granted<T>,
        run: impl FnOnce(Arc<dyn Service>) -> BoxFuture<'static, Result<T>> + Send + 'static,
    ) -> Option<Result<T>> {
        self.clockwork.sleep(Duration::from_millis(self.dice.below(8))).await;
        let is_lost = || self.dice.below(1000) < self.monitor.fault_rate();
        let (request_is_lost, answer_is_lost) = (is_lost(), is_lost());
        let server = self.address.server();
        let is_up = self.clockwork.is_alive(server.pid) && self.clockwork.now() >= server.from;
        if request_is_lost || !is_up {
            self.monitor.note(self.pid, format_args!("{operation} does not reach the server"));
            return None;
        }
        let (answers, answer) = oneshot::channel();
        let me = self.clone();
        let way = Duration::from_millis(self.dice.below(8));
        self.clockwork.spawn(
            server.pid,
            Box::pin(async move {
                let answered = run(server.service.clone()).await;
                me.clockwork.sleep(way).await;
                let undelivered = if answer_is_lost {
                    me.monitor.note(me.pid, format_args!("{operation}: no answer comes back"));
                    drop(answers);
                    answered
                } else if let Err(undelivered) = answers.send(answered) {
                    undelivered
                } else {
                    return;
                };
                if let Some(leased) = undelivered.as_ref().ok().and_then(granted) {
                    me.give_back(&server, leased).await;
                }
            }),
        );
        answer.await.ok()
    }

    /// Leases that did not arrive go back at once, uncounted.
    async fn give_back(&self, server: &Server, leased: &Leased) {
        let back = |leased: &windlass_core::LeasedTask| Settle {
            task_id: leased.task.task_id,
            token: leased.token,
            outcome: Outcome::HandBack,
            started: None,
            updates: Vec::new(),
            declared: RetryOptions::default(),
        };
        let settles: Vec<Settle> = leased.tasks.iter().map(back).collect();
        let leases: Vec<_> = settles.iter().map(|settle| (settle.task_id, settle.token)).collect();
        self.monitor.awaits_back(server.pid, &leases, self.clockwork.now() + BACK_WITHIN);
        if self.fault == Some(Fault::UndeliveredKept) {
            return;
        }
        self.monitor.lets_go(leases.iter().map(|(_, token)| *token));
        let settled = server.service.settle(super::monitor::TENANT, settles, None).await;
        let failed = |settled: &SettleReply| {
            settled.settled.iter().any(|one| one.as_ref().is_err_and(Error::is_retryable))
        };
        if settled.as_ref().map_or(true, failed) {
            // The store did not answer: they go back when they expire.
            self.monitor.waives(&leases);
        }
    }
}

fn lost(operation: &'static str) -> Error {
    Error::StoreUnavailable {
        operation: operation.into(),
        reason: "no answer came from the server".to_owned(),
        source: None,
    }
}

/// Whether a verb may be sent again when no answer came.
fn repeats(verb: &str) -> bool {
    !matches!(
        verb,
        "retry" | "cancel_matching" | "retry_matching" | "retry_pipeline" | "seal_batch"
    )
}

/// A verb whose answer grants nothing: texts, which go by reference, then everything else.
macro_rules! ask {
    ($me:ident.$verb:ident($($text:ident),*; $($arg:ident),*)) => {
        $me.call(stringify!($verb), repeats(stringify!($verb)), |_| None, move |service, _| {
            $(let $text = $text.clone();)*
            $(let $arg = $arg.clone();)*
            Box::pin(async move { service.$verb($(&$text,)* $($arg),*).await })
        })
    };
}

impl Service for Remote {
    fn location(&self) -> String {
        format!("the server, by process {}", self.pid)
    }

    fn now(&self) -> Timestamp {
        self.address.server().service.now()
    }

    fn submit(
        &self,
        tenant: &str,
        mut specs: Vec<TaskSpec>,
        options: SubmitOptions,
    ) -> BoxFuture<'_, Result<Vec<Submission>>> {
        let tenant = tenant.to_owned();
        let key = || format!("{}{}", keys::AUTOMATIC, dice::unit());
        let new_keys = self.fault == Some(Fault::KeyOfEachTry);
        let without: Vec<bool> = specs.iter().map(|s| s.idempotency_key.is_none()).collect();
        for spec in &mut specs {
            spec.idempotency_key.get_or_insert_with(key);
        }
        self.call(
            "submit",
            true,
            |_| None,
            move |service, tries| {
                let (tenant, mut specs, options) = (tenant.clone(), specs.clone(), options);
                if new_keys && tries > 1 {
                    let keyless = specs.iter_mut().zip(&without).filter(|(_, without)| **without);
                    keyless.for_each(|(spec, _)| spec.idempotency_key = Some(key()));
                }
                Box::pin(async move { service.submit(&tenant, specs, options).await })
            },
        )
    }

    fn get(&self, tenant: &str, ids: Vec<TaskId>) -> BoxFuture<'_, Result<Vec<Option<Task>>>> {
        let tenant = tenant.to_owned();
        ask!(self.get(tenant; ids))
    }

    fn list(
        &self,
        tenant: &str,
        filter: Filter,
        cursor: Option<Cursor>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Page>> {
        let tenant = tenant.to_owned();
        ask!(self.list(tenant; filter, cursor, limit))
    }

    fn count(&self, tenant: &str, filter: Filter, most: u32) -> BoxFuture<'_, Result<Tally>> {
        let tenant = tenant.to_owned();
        ask!(self.count(tenant; filter, most))
    }

    fn cancel_matching(
        &self,
        tenant: &str,
        filter: Filter,
        stretch: Stretch,
    ) -> BoxFuture<'_, Result<Changed>> {
        let tenant = tenant.to_owned();
        ask!(self.cancel_matching(tenant; filter, stretch))
    }

    fn retry_matching(
        &self,
        tenant: &str,
        filter: Filter,
        stretch: Stretch,
    ) -> BoxFuture<'_, Result<Changed>> {
        let tenant = tenant.to_owned();
        ask!(self.retry_matching(tenant; filter, stretch))
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
        let skips = self.fault == Some(Fault::ResumeSkips);
        self.call(
            "updates",
            true,
            |_| None,
            move |service, tries| {
                let tenant = tenant.clone();
                let after = after + u64::from(skips && tries > 1);
                Box::pin(async move { service.updates(&tenant, task_id, after, limit, wait).await })
            },
        )
    }

    fn wait(
        &self,
        tenant: &str,
        ids: Vec<TaskId>,
        fail_fast: bool,
        wait: Duration,
    ) -> BoxFuture<'_, Result<Vec<Task>>> {
        let tenant = tenant.to_owned();
        ask!(self.wait(tenant; ids, fail_fast, wait))
    }

    fn cancel(&self, tenant: &str, task_id: TaskId) -> BoxFuture<'_, Result<Task>> {
        let tenant = tenant.to_owned();
        ask!(self.cancel(tenant; task_id))
    }

    fn retry(&self, tenant: &str, task_id: TaskId) -> BoxFuture<'_, Result<Task>> {
        let tenant = tenant.to_owned();
        ask!(self.retry(tenant; task_id))
    }

    fn lease(&self, tenant: &str, request: LeaseRequest) -> BoxFuture<'_, Result<Leased>> {
        let tenant = tenant.to_owned();
        self.call(
            "lease",
            false,
            |leased| Some(leased),
            move |service, _| {
                let (tenant, request) = (tenant.clone(), request.clone());
                Box::pin(async move { service.lease(&tenant, request).await })
            },
        )
    }

    fn renew(&self, tenant: &str, renewals: Vec<Renewal>) -> BoxFuture<'_, Result<Vec<Renewed>>> {
        let tenant = tenant.to_owned();
        // Reports that are sent twice stand twice in the history.
        let silent = renewals.iter().all(|renewal| renewal.updates.is_empty());
        self.call(
            "renew",
            silent,
            |_| None,
            move |service, _| {
                let (tenant, renewals) = (tenant.clone(), renewals.clone());
                Box::pin(async move { service.renew(&tenant, renewals).await })
            },
        )
    }

    fn settle(
        &self,
        tenant: &str,
        settles: Vec<Settle>,
        then: Option<LeaseRequest>,
    ) -> BoxFuture<'_, Result<SettleReply>> {
        let tenant = tenant.to_owned();
        self.monitor.lets_go(settles.iter().map(|settle| settle.token));
        self.call(
            "settle",
            then.is_none(),
            |reply: &SettleReply| Some(&reply.leased),
            move |service, _| {
                let (tenant, settles, then) = (tenant.clone(), settles.clone(), then.clone());
                Box::pin(async move { service.settle(&tenant, settles, then).await })
            },
        )
    }

    fn work_hint(&self) -> Option<BoxFuture<'static, ()>> {
        None
    }

    fn cancel_hint(&self) -> BoxFuture<'static, ()> {
        Box::pin(std::future::pending())
    }

    fn counts(&self, tenant: &str) -> BoxFuture<'_, Result<Vec<Count>>> {
        let tenant = tenant.to_owned();
        ask!(self.counts(tenant;))
    }

    fn queues(&self, tenant: &str) -> BoxFuture<'_, Result<Vec<QueueInfo>>> {
        let tenant = tenant.to_owned();
        ask!(self.queues(tenant;))
    }

    fn pause(&self, tenant: &str, queue: &str, paused: bool) -> BoxFuture<'_, Result<QueueInfo>> {
        let (tenant, name) = (tenant.to_owned(), queue.to_owned());
        ask!(self.pause(tenant, name; paused))
    }

    fn batch(&self, tenant: &str, batch_id: BatchId) -> BoxFuture<'_, Result<Batch>> {
        let tenant = tenant.to_owned();
        ask!(self.batch(tenant; batch_id))
    }

    fn cancel_batch(&self, tenant: &str, batch_id: BatchId) -> BoxFuture<'_, Result<Batch>> {
        let tenant = tenant.to_owned();
        ask!(self.cancel_batch(tenant; batch_id))
    }

    fn submit_batch(
        &self,
        tenant: &str,
        spec: BatchSpec,
        tasks: Vec<TaskSpec>,
        options: SubmitOptions,
    ) -> BoxFuture<'_, Result<BatchSubmission>> {
        let tenant = tenant.to_owned();
        ask!(self.submit_batch(tenant; spec, tasks, options))
    }

    fn open_batch(&self, tenant: &str, spec: BatchSpec) -> BoxFuture<'_, Result<BatchId>> {
        let tenant = tenant.to_owned();
        ask!(self.open_batch(tenant; spec))
    }

    fn extend_batch(
        &self,
        tenant: &str,
        batch_id: BatchId,
        chunk: u32,
        tasks: Vec<TaskSpec>,
    ) -> BoxFuture<'_, Result<u64>> {
        let tenant = tenant.to_owned();
        ask!(self.extend_batch(tenant; batch_id, chunk, tasks))
    }

    fn seal_batch(
        &self,
        tenant: &str,
        batch_id: BatchId,
        options: SubmitOptions,
    ) -> BoxFuture<'_, Result<BatchSubmission>> {
        let tenant = tenant.to_owned();
        ask!(self.seal_batch(tenant; batch_id, options))
    }

    fn submit_pipeline(
        &self,
        tenant: &str,
        spec: PipelineSpec,
        options: SubmitOptions,
    ) -> BoxFuture<'_, Result<PipelineSubmission>> {
        let tenant = tenant.to_owned();
        ask!(self.submit_pipeline(tenant; spec, options))
    }

    fn pipeline(&self, tenant: &str, id: TaskId) -> BoxFuture<'_, Result<Pipeline>> {
        let tenant = tenant.to_owned();
        ask!(self.pipeline(tenant; id))
    }

    fn cancel_pipeline(&self, tenant: &str, id: TaskId) -> BoxFuture<'_, Result<Pipeline>> {
        let tenant = tenant.to_owned();
        ask!(self.cancel_pipeline(tenant; id))
    }

    fn retry_pipeline(
        &self,
        tenant: &str,
        id: TaskId,
        stage: Option<String>,
    ) -> BoxFuture<'_, Result<Pipeline>> {
        let tenant = tenant.to_owned();
        ask!(self.retry_pipeline(tenant; id, stage))
    }

    fn submit_block(
        &self,
        tenant: &str,
        spec: BlockSpec,
        options: SubmitOptions,
    ) -> BoxFuture<'_, Result<Submission>> {
        let tenant = tenant.to_owned();
        ask!(self.submit_block(tenant; spec, options))
    }

    fn block(&self, tenant: &str, id: TaskId) -> BoxFuture<'_, Result<BlockResult>> {
        let tenant = tenant.to_owned();
        ask!(self.block(tenant; id))
    }

    fn upstream(
        &self,
        tenant: &str,
        task_id: TaskId,
        name: &str,
    ) -> BoxFuture<'_, Result<Option<Payload>>> {
        let (tenant, name) = (tenant.to_owned(), name.to_owned());
        self.call(
            "upstream",
            true,
            |_| None,
            move |service, _| {
                let (tenant, name) = (tenant.clone(), name.clone());
                Box::pin(async move { service.upstream(&tenant, task_id, &name).await })
            },
        )
    }

    fn upstream_names(&self, tenant: &str, task_id: TaskId) -> BoxFuture<'_, Result<Vec<String>>> {
        let tenant = tenant.to_owned();
        ask!(self.upstream_names(tenant; task_id))
    }

    fn state(&self, tenant: &str, state_key: &str) -> BoxFuture<'_, Result<Option<Payload>>> {
        let (tenant, key) = (tenant.to_owned(), state_key.to_owned());
        ask!(self.state(tenant, key;))
    }

    fn recent(
        &self,
        tenant: &str,
        since: Timestamp,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Task>>> {
        let tenant = tenant.to_owned();
        ask!(self.recent(tenant; since, limit))
    }

    fn why(&self, tenant: &str, task_id: TaskId) -> BoxFuture<'_, Result<Why>> {
        let tenant = tenant.to_owned();
        ask!(self.why(tenant; task_id))
    }

    fn announce(&self, tenant: &str, worker: WorkerInfo) -> BoxFuture<'_, Result<()>> {
        let tenant = tenant.to_owned();
        ask!(self.announce(tenant; worker))
    }

    fn leave(&self, tenant: &str, worker_id: &str) -> BoxFuture<'_, Result<()>> {
        let (tenant, name) = (tenant.to_owned(), worker_id.to_owned());
        ask!(self.leave(tenant, name;))
    }

    fn forget(&self, tenant: &str, worker_id: &str) -> BoxFuture<'_, Result<()>> {
        let (tenant, name) = (tenant.to_owned(), worker_id.to_owned());
        ask!(self.forget(tenant, name;))
    }

    fn workers(&self, tenant: &str) -> BoxFuture<'_, Result<Vec<WorkerInfo>>> {
        let tenant = tenant.to_owned();
        ask!(self.workers(tenant;))
    }

    fn sweep(&self) -> BoxFuture<'_, Result<Swept>> {
        ask!(self.sweep(;))
    }

    fn close(&self) -> BoxFuture<'_, Result<()>> {
        // The server belongs to all processes.
        Box::pin(async { Ok(()) })
    }
}

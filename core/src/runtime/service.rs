//! Every verb that a caller or a worker has.

use std::time::Duration;

use crate::error::Result;
use crate::future::{BoxFuture, MaybeSend, MaybeSync};
use crate::words::{
    Batch, BatchId, BatchSpec, BatchSubmission, BlockResult, BlockSpec, Changed, Count, Cursor,
    Filter, LeaseRequest, Leased, Page, Payload, Pipeline, PipelineSpec, PipelineSubmission,
    QueueInfo, Renewal, Renewed, Settle, Settled, Stretch, Submission, SubmitOptions, Tally, Task,
    TaskId, TaskSpec, Timestamp, Update, Why, WorkerInfo,
};

/// Answer to a settle.
#[derive(Debug, Default)]
pub struct SettleReply {
    /// One per outcome, in order. `lease_lost` when the lease is gone: nothing was recorded.
    pub settled: Vec<Result<Settled>>,
    /// What was leased with it.
    pub leased: Leased,
}

/// What one sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Scheduled tasks made pending.
    pub promoted: u64,
    /// Tasks taken back from lost workers.
    pub rescued: u64,
    /// Finished tasks removed.
    pub pruned: u64,
    /// When the next task becomes due, if known.
    pub next: Option<Timestamp>,
}

/// Everything a client or a worker can ask. `Engine` answers in process; a remote server answers by
/// HTTP. Every verb is for one tenant and shows nothing of another.
///
/// Errors of every verb: `store_unavailable` (retryable), `client_closed`; writes also `store_full`,
/// `store_read_only`.
pub trait Service: MaybeSend + MaybeSync + 'static {
    /// What and where, for logs.
    fn location(&self) -> String;

    /// The clock that judges deadlines, as well as this process can tell.
    fn now(&self) -> Timestamp;

    /// Stores tasks, all or none; durable when it returns. Answers in order.
    ///
    /// # Errors
    ///
    /// `invalid_argument`, `invalid_payload`, `payload_too_large`, `idempotency_conflict`,
    /// `queue_full` (after `options.patience`).
    fn submit(
        &self,
        tenant: &str,
        specs: Vec<TaskSpec>,
        options: SubmitOptions,
    ) -> BoxFuture<'_, Result<Vec<Submission>>>;

    /// Tasks by id, in order; `None` where the tenant has none.
    ///
    /// # Errors
    ///
    /// `payload_too_large`, field `result`, when the results of the blocks among them that have ended
    /// would be more than 32 MiB together: their steps can be read one by one.
    fn get(&self, tenant: &str, ids: Vec<TaskId>) -> BoxFuture<'_, Result<Vec<Option<Task>>>>;

    /// As `get`, for who asks only how tasks stand: a block that has ended comes without its result, which
    /// is put together from its steps. A service that cannot leave it out answers as `get`.
    fn look(&self, tenant: &str, ids: Vec<TaskId>) -> BoxFuture<'_, Result<Vec<Option<Task>>>> {
        self.get(tenant, ids)
    }

    /// Tasks that match, newest first, at most `limit` (1 to 1000).
    fn list(
        &self,
        tenant: &str,
        filter: Filter,
        cursor: Option<Cursor>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Page>>;

    /// How many tasks match; counting stops at `most` (1 to 1,000,000).
    ///
    /// A filter of nothing but statuses and a queue is answered from counts that are kept anyway,
    /// whatever their number; others walk. What changes meanwhile may be counted or not.
    ///
    /// # Errors
    ///
    /// `invalid_argument` for `most`.
    fn count(&self, tenant: &str, filter: Filter, most: u32) -> BoxFuture<'_, Result<Tally>>;

    /// Cancels the tasks that match, newest first from the cursor on, each as `cancel` does, until
    /// `most` (1 to 10,000) have changed. Tasks that have ended, and running ones that were asked to stop
    /// already, stay as they are and do not count. `more` tells that it stopped at `most` and more tasks
    /// match: call again with the cursor `next`.
    ///
    /// Atomic per task. When it fails or is dropped, a part may be done.
    ///
    /// # Errors
    ///
    /// `invalid_argument`, for `most`, and for a `filter` that gives nothing: all tasks are never meant.
    fn cancel_matching(
        &self,
        tenant: &str,
        filter: Filter,
        stretch: Stretch,
    ) -> BoxFuture<'_, Result<Changed>>;

    /// Runs the failed and cancelled tasks that match again, each as `retry` does; those that cannot be
    /// stay as they are and do not count. A call looks at the newest `most` (1 to 10,000) that match and
    /// runs them in the order in which they were submitted; those of one pipeline go together. A call,
    /// and those that go on with the cursor `next`, pass every task once, also one that fails again
    /// meanwhile.
    ///
    /// # Errors
    ///
    /// As `cancel_matching`.
    fn retry_matching(
        &self,
        tenant: &str,
        filter: Filter,
        stretch: Stretch,
    ) -> BoxFuture<'_, Result<Changed>>;

    /// History of a task after `after`, in order, at most `limit`. When there is none yet and the
    /// task is not finished, waits up to `wait` for it, then answers empty.
    ///
    /// # Errors
    ///
    /// `task_not_found`.
    fn updates(
        &self,
        tenant: &str,
        task_id: TaskId,
        after: u64,
        limit: u32,
        wait: Duration,
    ) -> BoxFuture<'_, Result<Vec<Update>>>;

    /// Tasks by id, as soon as all are final, or one is `failed` or `cancelled` with `fail_fast`, or
    /// `wait` has passed: then as they stand.
    ///
    /// # Errors
    ///
    /// `task_not_found` for the first unknown id.
    fn wait(
        &self,
        tenant: &str,
        ids: Vec<TaskId>,
        fail_fast: bool,
        wait: Duration,
    ) -> BoxFuture<'_, Result<Vec<Task>>>;

    /// Cancels: at once when waiting, by request when running. A finished task is no error and stays
    /// as it is. Answers the task as it stands then.
    ///
    /// # Errors
    ///
    /// `task_not_found`.
    fn cancel(&self, tenant: &str, task_id: TaskId) -> BoxFuture<'_, Result<Task>>;

    /// Runs a failed or cancelled task again, from the start.
    ///
    /// # Errors
    ///
    /// `task_not_found`, `invalid_transition`.
    fn retry(&self, tenant: &str, task_id: TaskId) -> BoxFuture<'_, Result<Task>>;

    /// Leases tasks to a worker; see `Store::lease`. Waits up to `request.wait` for one.
    ///
    /// # Errors
    ///
    /// `invalid_argument`.
    fn lease(&self, tenant: &str, request: LeaseRequest) -> BoxFuture<'_, Result<Leased>>;

    /// Keeps leases and reports starts, progress and logs; answers in order.
    ///
    /// # Errors
    ///
    /// `invalid_argument`, `payload_too_large`: nothing of the call was recorded.
    fn renew(&self, tenant: &str, renewals: Vec<Renewal>) -> BoxFuture<'_, Result<Vec<Renewed>>>;

    /// Records outcomes, each for itself, and leases the next tasks in the same stroke.
    ///
    /// # Errors
    ///
    /// Per outcome: `lease_lost`, `payload_too_large`, `invalid_argument`.
    fn settle(
        &self,
        tenant: &str,
        settles: Vec<Settle>,
        then: Option<LeaseRequest>,
    ) -> BoxFuture<'_, Result<SettleReply>>;

    /// Resolves when there may be work to lease, counted from this call. A hint; dropping it is safe.
    /// `None` when only a long-polling lease can tell.
    fn work_hint(&self) -> Option<BoxFuture<'static, ()>>;

    /// Resolves when some running task may have been asked to stop, counted from this
    /// call. A hint; dropping it is safe.
    fn cancel_hint(&self) -> BoxFuture<'static, ()>;

    /// How many tasks each queue has in each status.
    fn counts(&self, tenant: &str) -> BoxFuture<'_, Result<Vec<Count>>>;

    /// The queues that have tasks or are paused, by name.
    fn queues(&self, tenant: &str) -> BoxFuture<'_, Result<Vec<QueueInfo>>>;

    /// Pauses a queue or lets it go on: a paused one gives no leases, also to workers of other
    /// processes. Durable. Answers the queue as it stands then; again is no error.
    ///
    /// # Errors
    ///
    /// `invalid_argument` for a name that no queue can have.
    fn pause(&self, tenant: &str, queue: &str, paused: bool) -> BoxFuture<'_, Result<QueueInfo>>;

    /// How the tasks of a batch stand.
    ///
    /// # Errors
    ///
    /// `batch_not_found`.
    fn batch(&self, tenant: &str, batch_id: BatchId) -> BoxFuture<'_, Result<Batch>>;

    /// Cancels every task of a batch that has not ended; see `cancel`. Answers the batch as it stands
    /// then.
    ///
    /// # Errors
    ///
    /// `batch_not_found`.
    fn cancel_batch(&self, tenant: &str, batch_id: BatchId) -> BoxFuture<'_, Result<Batch>>;

    /// Stores tasks as a batch, all or none, with what runs when it has ended. Durable when it returns. An
    /// empty one is completed.
    ///
    /// # Errors
    ///
    /// As `submit`.
    fn submit_batch(
        &self,
        tenant: &str,
        spec: BatchSpec,
        tasks: Vec<TaskSpec>,
        options: SubmitOptions,
    ) -> BoxFuture<'_, Result<BatchSubmission>>;

    /// Begins a batch whose tasks come in chunks; nobody sees it before its seal. One that is never sealed
    /// is forgotten when finished tasks of its age are, after 7 days unless the engine is told otherwise.
    ///
    /// # Errors
    ///
    /// `invalid_argument`, `invalid_payload`, `payload_too_large`.
    fn open_batch(&self, tenant: &str, spec: BatchSpec) -> BoxFuture<'_, Result<BatchId>>;

    /// Adds a chunk to a batch that is not sealed; the same number again replaces it. Answers how many
    /// tasks the batch has so far, at most 100,000.
    ///
    /// # Errors
    ///
    /// `batch_not_found`, also once it is sealed; those of `submit` but `queue_full` and
    /// `idempotency_conflict`.
    fn extend_batch(
        &self,
        tenant: &str,
        batch_id: BatchId,
        chunk: u32,
        tasks: Vec<TaskSpec>,
    ) -> BoxFuture<'_, Result<u64>>;

    /// Makes a batch visible whole; its tasks may run from then on.
    ///
    /// # Errors
    ///
    /// `batch_not_found`; `queue_full` and `idempotency_conflict`: nothing was changed, and it can be sealed
    /// again. Once it is sealed, the answer names the same tasks, as `deduplicated`.
    fn seal_batch(
        &self,
        tenant: &str,
        batch_id: BatchId,
        options: SubmitOptions,
    ) -> BoxFuture<'_, Result<BatchSubmission>>;

    /// Stores a pipeline whole. It is a task of its own: `wait`, `updates`, `cancel` take its id.
    ///
    /// # Errors
    ///
    /// `invalid_argument`, naming the stage and the field: cycles, unknown and duplicate names;
    /// those of `submit`.
    fn submit_pipeline(
        &self,
        tenant: &str,
        spec: PipelineSpec,
        options: SubmitOptions,
    ) -> BoxFuture<'_, Result<PipelineSubmission>>;

    /// How a pipeline and its stages stand.
    ///
    /// # Errors
    ///
    /// `pipeline_not_found`.
    fn pipeline(&self, tenant: &str, id: TaskId) -> BoxFuture<'_, Result<Pipeline>>;

    /// Cancels a pipeline at once, and its unfinished stages with it. One that has ended is no error.
    ///
    /// # Errors
    ///
    /// `pipeline_not_found`.
    fn cancel_pipeline(&self, tenant: &str, id: TaskId) -> BoxFuture<'_, Result<Pipeline>>;

    /// Runs failed and cancelled stages again, from `stage` on, or all of them; their dependents wait for
    /// them again. What completed stays.
    ///
    /// # Errors
    ///
    /// `pipeline_not_found`; `invalid_argument` for a stage that it does not have; `invalid_transition`
    /// when there is nothing to run again.
    fn retry_pipeline(
        &self,
        tenant: &str,
        id: TaskId,
        stage: Option<String>,
    ) -> BoxFuture<'_, Result<Pipeline>>;

    /// Stores a block: its steps as tasks, judged by its strategy. The answer's `task_id` is the block's,
    /// which `wait`, `updates` and `cancel` take.
    ///
    /// # Errors
    ///
    /// `invalid_argument` naming the field; those of `submit`.
    fn submit_block(
        &self,
        tenant: &str,
        spec: BlockSpec,
        options: SubmitOptions,
    ) -> BoxFuture<'_, Result<Submission>>;

    /// What a block came to, or how it stands while it runs.
    ///
    /// # Errors
    ///
    /// `task_not_found`.
    fn block(&self, tenant: &str, id: TaskId) -> BoxFuture<'_, Result<BlockResult>>;

    /// The result of the task that `task_id` waited for, by the name of its stage; for a hook of a batch
    /// the batch's counts, by the name `batch`. `None` when it waited for nothing of that name.
    ///
    /// # Errors
    ///
    /// `task_not_found`; `invalid_transition` while the stage has not completed.
    fn upstream(
        &self,
        tenant: &str,
        task_id: TaskId,
        name: &str,
    ) -> BoxFuture<'_, Result<Option<Payload>>>;

    /// The names that `upstream` knows for a task.
    ///
    /// # Errors
    ///
    /// `task_not_found`.
    fn upstream_names(&self, tenant: &str, task_id: TaskId) -> BoxFuture<'_, Result<Vec<String>>>;

    /// The state that was stored last under a key; `None` when there is none.
    fn state(&self, tenant: &str, state_key: &str) -> BoxFuture<'_, Result<Option<Payload>>>;

    /// Tasks that were submitted, finished or running at or after `since`, at most `limit` (1 to
    /// 10,000), those that changed last first. For followers of a whole queue, who look again and
    /// again with overlapping times; `payload`, `initial_state` and `result` are left out.
    fn recent(
        &self,
        tenant: &str,
        since: Timestamp,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Task>>>;

    /// What was stored and what ended from `from` until before `until`, by tenant; see `Store::flow`. Of
    /// all tenants: for a server, which shows each caller its own.
    ///
    /// # Errors
    ///
    /// `not_implemented` where a remote server answers: it tells what went as history.
    fn flow(
        &self,
        _from: Timestamp,
        _until: Timestamp,
    ) -> BoxFuture<'_, Result<Option<crate::words::Flows>>> {
        let feature = "what went of every tenant of a remote server".to_owned();
        Box::pin(std::future::ready(Err(crate::error::Error::NotImplemented { feature })))
    }

    /// Why a task does not run now.
    ///
    /// # Errors
    ///
    /// `task_not_found`.
    fn why(&self, tenant: &str, task_id: TaskId) -> BoxFuture<'_, Result<Why>>;

    /// Announces a worker, every 5 s; it counts as live for 15 s.
    fn announce(&self, tenant: &str, worker: WorkerInfo) -> BoxFuture<'_, Result<()>>;

    /// A worker takes no more: a server answers the leases that it holds open for it at once, with what was
    /// granted by then, and those that come within the next 2 s. What the worker holds stays its own.
    ///
    /// Only over a network is a lease held open whose answer may be lost; in process there is nothing to do.
    /// A service that holds leases open over one and does not answer them then holds a drain up, for 2 s at most;
    /// one that does not know the word fails, and nothing is awaited.
    fn leave(&self, tenant: &str, worker_id: &str) -> BoxFuture<'_, Result<()>> {
        let _ = (tenant, worker_id);
        Box::pin(async { Ok(()) })
    }

    /// Takes a worker's announcement back.
    fn forget(&self, tenant: &str, worker_id: &str) -> BoxFuture<'_, Result<()>>;

    /// Live workers.
    fn workers(&self, tenant: &str) -> BoxFuture<'_, Result<Vec<WorkerInfo>>>;

    /// Promotes, rescues and prunes once. Runs by itself wherever a worker leases; here for tests and
    /// for operators.
    fn sweep(&self) -> BoxFuture<'_, Result<Swept>>;

    /// Finishes what was begun and releases the store.
    fn close(&self) -> BoxFuture<'_, Result<()>>;
}

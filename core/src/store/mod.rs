//! Where tasks are kept: the trait that every store implements, and the store in memory.
//!
//! A store compares, copies and counts; it holds no rules. The text on each method is the contract that
//! `windlass_testkit::store` tests on every store.

pub mod clock;
mod compose;
pub mod memory;

pub use compose::{Composed, Composition, Edge, Graph, are_by_id};

use std::sync::Arc;
use std::time::Duration;

use crate::engine::follow::Followed;
use crate::engine::submit::NewTask;
use crate::engine::transition::Transition;
use crate::error::Result;
use crate::future::{BoxFuture, MaybeSend, MaybeSync};
use crate::words::{
    BatchId, Count, Counts, Cursor, Filter, LeaseRequest, LeaseToken, Leased, Page, Payload,
    Renewal, Renewed, Settled, Submission, Task, TaskId, Timestamp, Update, WorkerInfo,
};

/// Tasks to store whole or not at all.
#[derive(Debug, Clone, PartialEq)]
pub struct EnqueueGroup {
    /// Whose they are.
    pub tenant: String,
    /// The tasks; at least one.
    pub tasks: Vec<NewTask>,
    /// Refuse when a queue would then hold more waiting tasks.
    pub depth_limit: Option<u64>,
}

/// A lease request with what the engine adds.
#[derive(Debug, Clone, PartialEq)]
pub struct LeaseOrder {
    /// Whose tasks.
    pub tenant: String,
    /// What the worker asks for. `wait` is not the store's concern.
    pub request: LeaseRequest,
    /// The token for everything leased by this call.
    pub token: LeaseToken,
}

/// What became of one transition.
#[derive(Debug, Clone, PartialEq)]
pub enum Applied {
    /// Written.
    Done(Settled),
    /// The guard did not hold; nothing was written. Here is the row for a new decision.
    Stale(Box<Task>),
    /// The tenant has no such task.
    Missing,
}

/// Tasks that a sweep must look at.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Due {
    /// Scheduled tasks whose time has come, earliest first.
    pub scheduled: Vec<Task>,
    /// Running tasks whose lease has passed, and composites whose time is over, earliest first.
    pub expired: Vec<Task>,
    /// When the next one is due, if these were all.
    pub next: Option<Timestamp>,
}

/// Ids of tasks that match, from one look.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Found {
    /// Newest first.
    pub ids: Vec<TaskId>,
    /// Where to go on; `None` at the end.
    pub next: Option<Cursor>,
}

/// What a prune may remove.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prune {
    /// Finished tasks older than this, by their finish.
    pub older_than: Duration,
    /// Tasks with an idempotency key stay at least this long after submission; keys that are the
    /// transport's own keep nothing, as `rules::keys::keeps_task` says.
    pub keep_keys: Duration,
    /// Keep at most this many finished tasks, the newest.
    pub keep: Option<u64>,
    /// History entries of one task beyond this many, the oldest; its `first_seq` moves up.
    pub updates_per_task: u64,
    /// Remove at most this many tasks by one call.
    pub limit: u32,
}

/// Called with the tasks that changed as a consequence, after they are stored.
pub type FollowListener = Arc<dyn Fn(&[Followed]) + Send + Sync>;

/// Called after another process changed the store: a hint, which may come late, twice or never.
pub type ChangeListener = Arc<dyn Fn() + Send + Sync>;

/// A place that keeps tasks.
///
/// Every method is atomic as its text says, and safe to call from many threads and processes. A
/// dropped future may or may not have had its effect. Every method may fail with
/// `store_unavailable` (retryable; nothing is known about the write), `store_full` or
/// `store_read_only` (nothing was written). Where a method answers per group, the outer error is for
/// all of them.
pub trait Store: MaybeSend + MaybeSync + 'static {
    /// What and where, for logs: `memory`, `sqlite:/path/to/file`.
    fn location(&self) -> String;

    /// The clock that judges deadlines and `run_at`.
    fn now(&self) -> Timestamp;

    /// Whether this is the only process that can write, so that nothing needs polling.
    fn is_private(&self) -> bool {
        false
    }

    /// Calls `listener` when another process may have changed the store. Lossy.
    fn on_change(&self, listener: ChangeListener);

    /// Stores groups of tasks, in order. Durable when it returns.
    ///
    /// A task with a `state_key` that is not the first of those that have not ended is stored `blocked`:
    /// it waits for its turn, in the order in which tasks were stored.
    ///
    /// Each group is atomic: all its tasks or none. A group that is refused, or that the database
    /// fails on, changes nothing for its neighbours. Answers per group, in order; within a group, one
    /// submission per task, in order.
    ///
    /// A task whose `(tenant, idempotency_key)` is stored already, also by an earlier task of the same
    /// call: the same fingerprint answers that task with `deduplicated` and its present status, and
    /// stores nothing for it; another fingerprint refuses the group. Of two concurrent calls one
    /// stores.
    ///
    /// # Errors
    ///
    /// Per group: `idempotency_conflict`; `queue_full` when blocked, scheduled and pending tasks of a
    /// queue would exceed `depth_limit` (tasks that deduplicate do not add).
    fn enqueue(
        &self,
        groups: Vec<EnqueueGroup>,
    ) -> BoxFuture<'_, Result<Vec<Result<Vec<Submission>>>>>;

    /// Stores a batch, block or pipeline: the task that stands for it, its members, who waits for whom,
    /// and its hooks, all or none. Durable when it returns.
    ///
    /// Idempotency keys of members count as in [`enqueue`](Self::enqueue): one that is stored already is
    /// answered as deduplicated and is no member. When the key of the composite itself is stored with the
    /// same fingerprint, nothing is stored, and the answer names what it named then, in that order: members,
    /// and tasks that were deduplicated. One of these that was pruned since has the status of that time.
    ///
    /// The composite is `running` from then on, under no lease, with [`Members`](crate::words::Members)
    /// that count its members; [`due`](Self::due) goes by its `engine::composite::deadline`. One without members ends at once. Composites are counted
    /// in no queue, and only a filter that names their kind lists them.
    ///
    /// # Errors
    ///
    /// `idempotency_conflict`, `queue_full`.
    fn compose(&self, composition: Composition) -> BoxFuture<'_, Result<Composed>>;

    /// Begins a batch that comes in chunks. `composition` has no members yet, and the fingerprint of its
    /// task does not stand for any. Nobody sees the batch, or any task of it, before its seal. Durable when
    /// it returns.
    ///
    /// # Errors
    ///
    /// `quota_exceeded`, as `rules::limits::check_open_batches` says.
    fn open_batch(&self, composition: Composition) -> BoxFuture<'_, Result<()>>;

    /// Adds a chunk to a batch that is not sealed; one that was added with the same number is replaced, so
    /// that it may be sent again. Answers how many tasks it has so far. Durable when it returns.
    ///
    /// # Errors
    ///
    /// `batch_not_found` when the tenant has no such batch, or it is sealed.
    fn extend_batch(
        &self,
        tenant: &str,
        batch_id: BatchId,
        chunk: u32,
        tasks: Vec<NewTask>,
    ) -> BoxFuture<'_, Result<u64>>;

    /// Makes a batch visible with all chunks, in the order of their numbers, as one
    /// [`compose`](Self::compose) would store it: its key stands for the tasks too, as
    /// [`NewTask::stand_for`] says.
    ///
    /// # Errors
    ///
    /// `batch_not_found` when the tenant has no such batch; as `compose`: then it can be sealed again.
    ///
    /// One that is sealed is answered as its key would be, also when it has none.
    fn seal_batch(
        &self,
        tenant: &str,
        batch_id: BatchId,
        depth_limit: Option<u64>,
    ) -> BoxFuture<'_, Result<Composed>>;

    /// A composite with its members and edges, of one moment; `None` when the tenant has no such one.
    /// Members come without `payload`, `initial_state` and `result`, as in [`recent`](Self::recent).
    fn graph(&self, tenant: &str, id: TaskId) -> BoxFuture<'_, Result<Option<Graph>>>;

    /// The task that `task_id` waited for and whose stage has this name, whole; for a hook of a batch the
    /// batch itself, by the name `batch`. `None` when there is none.
    fn upstream(
        &self,
        tenant: &str,
        task_id: TaskId,
        name: &str,
    ) -> BoxFuture<'_, Result<Option<Task>>>;

    /// The names that [`upstream`](Self::upstream) knows for a task, in the order of their tasks.
    fn upstream_names(&self, tenant: &str, task_id: TaskId) -> BoxFuture<'_, Result<Vec<String>>>;

    /// Applies transitions, all or none: `Stale` with the first row whose guard does not hold, `Missing`
    /// when one is not there, else `Done` with the first. Durable when it returns.
    fn settle_together(&self, transitions: Vec<Transition>) -> BoxFuture<'_, Result<Applied>>;

    /// The state that was stored last under a key.
    fn state(&self, tenant: &str, state_key: &str) -> BoxFuture<'_, Result<Option<Payload>>>;

    /// Calls `listener` after a write of this store changed tasks that it did not name, because something
    /// followed from it; see `engine::follow`.
    fn on_follow(&self, listener: FollowListener);

    /// Leases up to `limit` pending tasks of the tenant whose queue and handler the request names.
    ///
    /// Returned and chosen in order: lower priority number, then earlier `run_at`, then lower id, over
    /// all queues and handlers together. Each becomes `running` as `engine::lease::grant` says. Need
    /// not be durable. Two callers never hold one task.
    ///
    /// A task with a `state_key` comes with its state: what was stored last under the key, else its
    /// `initial_state`.
    ///
    /// Queues that are paused are passed over as if they were not named, decided in the transaction of
    /// the lease.
    ///
    /// Suspects: when `request.suspects` is true and the first in order is a suspect, it alone is
    /// leased; a suspect further back ends the walk before it. When false, suspects are passed over,
    /// and `suspect_waiting` tells that one of them would have been the first in order.
    fn lease(&self, order: LeaseOrder) -> BoxFuture<'_, Result<Leased>>;

    /// Applies transitions, then leases if asked, in one transaction where the store can. Durable
    /// when it returns.
    ///
    /// What follows from a transition, as `engine::follow` says, is stored with it, before the lease: those
    /// who waited for the task, its composite, the next in the line of its state key. A completion's
    /// `state` is stored under the task's `state_key`.
    ///
    /// Each transition is atomic for itself: guard, row, history entries and counts, or nothing. They
    /// are applied in order; answers are in order. One that the database fails on changes nothing for
    /// its neighbours.
    fn settle(
        &self,
        transitions: Vec<Transition>,
        then: Option<LeaseOrder>,
    ) -> BoxFuture<'_, Result<(Vec<Result<Applied>>, Leased)>>;

    /// Records heartbeats as `engine::lease::renew` says; answers in order. An item with nothing to
    /// record (no `extend`, no news) is only read. Need not be durable. A foreign or unknown id
    /// answers `Lost`.
    fn renew(&self, tenant: &str, renewals: Vec<Renewal>) -> BoxFuture<'_, Result<Vec<Renewed>>>;

    /// Reads rows by id, in order; `None` for ids the tenant does not have.
    fn get(&self, tenant: &str, ids: Vec<TaskId>) -> BoxFuture<'_, Result<Vec<Option<Task>>>>;

    /// Lists the tenant's tasks that match, newest id first, below `cursor`; at most `limit`.
    ///
    /// Looks at a bounded number of rows (10,000), so a page may be short, even empty, while its
    /// `next` is given. `next` is `None` only at the end.
    fn list(
        &self,
        tenant: &str,
        filter: Filter,
        cursor: Option<Cursor>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Page>>;

    /// Ids of the tasks that [`list`](Self::list) would list, in its order, at most `limit`. Bounded as
    /// it is, so that a look may find fewer, even none, while its `next` is given.
    fn find(
        &self,
        tenant: &str,
        filter: Filter,
        cursor: Option<Cursor>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Found>>;

    /// A task and its stored history entries with `seq` above `after`, in order, at most `limit`. Both
    /// are of one moment. `None` when the tenant has no such task.
    fn updates(
        &self,
        tenant: &str,
        task_id: TaskId,
        after: u64,
        limit: u32,
    ) -> BoxFuture<'_, Result<Option<(Task, Vec<Update>)>>>;

    /// How many tasks each queue of the tenant has in each status; zeros are left out. Kept as deltas
    /// applied with the writes they count.
    fn counts(&self, tenant: &str) -> BoxFuture<'_, Result<Vec<Count>>>;

    /// Pauses a queue, or lets it go on. Durable when it returns; again is no error, and a queue that
    /// nobody used can be paused. From then on no `lease`, nor one that goes with a `settle`, of any
    /// process gives a task of a paused queue; `suspect_waiting` does not count them either. What runs
    /// goes on.
    ///
    /// Processes whose build is older than pauses do not know of them and go on leasing: in a mixed
    /// fleet a pause holds once the last of them is gone.
    fn pause(&self, tenant: &str, queue: &str, paused: bool) -> BoxFuture<'_, Result<()>>;

    /// The tenant's paused queues, by name.
    fn paused(&self, tenant: &str) -> BoxFuture<'_, Result<Vec<String>>>;

    /// The earliest `run_at` of the pending tasks of each queue that has some, by name. Its cost does
    /// not grow with the number of tasks.
    fn oldest(&self, tenant: &str) -> BoxFuture<'_, Result<Vec<(String, Timestamp)>>>;

    /// How many tasks of a batch have each status, zeros left out; empty when the tenant has none of
    /// it. Of one moment.
    fn batch(&self, tenant: &str, batch_id: BatchId) -> BoxFuture<'_, Result<Counts>>;

    /// The tenant's tasks that were stored or finished at or after `since`, and those that run now; at
    /// most `limit`, the latest change first, as `Task::changed_at` says; of one moment.
    ///
    /// Finds them without walking older ones: what was stored is found in the order in which it was
    /// stored, so that a task whose id is older than its row is there too. Where the store's clock has
    /// stepped back, tasks stored before the step may be left out; and where very many tasks changed, of
    /// whatever tenant, the oldest changes: a call looks at a bounded number of rows (200,000).
    ///
    /// These tasks are for followers, who look often: `payload` is `null`, and `initial_state` and
    /// `result` are left out.
    fn recent(
        &self,
        tenant: &str,
        since: Timestamp,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Task>>>;

    /// What was stored and what ended at or after `from` and before `until`, by tenant; of one moment.
    /// Tenants that did nothing are left out. For those who draw how things went.
    ///
    /// Counts what is kept: a task that was pruned since, or sent back by a retry, is not told. Where
    /// clocks disagree by more than a second, what was stored at the borders may be left out. Looks at a
    /// bounded number of rows (500,000 stored, and as many ended), those within the time and few others;
    /// `None` when there are more.
    fn flow(
        &self,
        from: Timestamp,
        until: Timestamp,
    ) -> BoxFuture<'_, Result<Option<crate::words::Flows>>>;

    /// How many pending tasks of the same queue and handler come before this one in lease order;
    /// counted up to `most`.
    fn ahead(&self, task: &Task, most: u64) -> BoxFuture<'_, Result<u64>>;

    /// Tasks of all tenants that a sweep must promote or rescue now, at most `limit` of each kind.
    /// Reads only.
    fn due(&self, limit: u32) -> BoxFuture<'_, Result<Due>>;

    /// A member stays while the task that stands for its composite is there, and goes with it if it has
    /// ended; where these are more than `limit`, members go before it does. Batches that were begun and
    /// not sealed within `older_than`, or `rules::limits::OPEN_FOR` if that is less, go as well.
    ///
    /// Removes finished tasks and old history entries; answers how many tasks went. Bounded, so that
    /// it never holds others up for long; call again while it answers `limit`.
    fn prune(&self, prune: Prune) -> BoxFuture<'_, Result<u64>>;

    /// Stores that a worker lives, with `seen_at` now; the same id is replaced.
    fn announce(&self, tenant: &str, worker: WorkerInfo) -> BoxFuture<'_, Result<()>>;

    /// Forgets a worker; unknown ids are no error.
    fn forget(&self, tenant: &str, worker_id: &str) -> BoxFuture<'_, Result<()>>;

    /// The tenant's workers seen within `within`, by id.
    fn workers(&self, tenant: &str, within: Duration) -> BoxFuture<'_, Result<Vec<WorkerInfo>>>;

    /// Flushes and releases what is held. Later calls fail with `client_closed`.
    fn close(&self) -> BoxFuture<'_, Result<()>>;
}

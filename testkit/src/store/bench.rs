//! An empty store with a clock that stands still, and short words for what cases do with it.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tokio::runtime::Handle;
use windlass_core::engine::submit::{self, NewTask};
use windlass_core::engine::transition::Transition;
use windlass_core::engine::{self, history};
use windlass_core::rules::ids::IdSource;
use windlass_core::store::{Applied, EnqueueGroup, LeaseOrder};
use windlass_core::{
    Clock, LeaseRequest, Leased, LeasedTask, ManualClock, NewUpdate, Outcome, Payload, Renewal,
    Renewed, Result, RetryOptions, Settle, Store, Submission, Task, TaskError, TaskId, TaskSpec,
    Timestamp, Update,
};

/// The tenant that cases use unless they say otherwise.
pub(super) const TENANT: &str = "default";

/// The handler that cases use unless they say otherwise.
pub(super) const HANDLER: &str = "work";

type Open<'a> = &'a (dyn Fn(&str, Arc<dyn Clock>) -> Arc<dyn Store> + Sync);

/// A store for one case.
pub(super) struct Bench<'a> {
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<ManualClock>,
    pub(super) ids: IdSource,
    pub(super) runtime: Handle,
    /// Nothing to audit: the case closed the store.
    pub(super) closed: AtomicBool,
    open: Open<'a>,
    name: String,
}

impl<'a> Bench<'a> {
    pub(super) fn new(open: Open<'a>, name: String, runtime: Handle) -> Self {
        let clock = Arc::new(ManualClock::default());
        let store = open(&name, clock.clone());
        let closed = AtomicBool::new(false);
        Self { store, clock, ids: IdSource::default(), runtime, closed, open, name }
    }

    /// Another connection to the same tasks.
    pub(super) fn connect(&self) -> Arc<dyn Store> {
        (self.open)(&self.name, self.clock.clone())
    }

    /// Waits for an answer.
    pub(super) fn run<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(super) fn advance(&self, seconds: f64) {
        self.clock.advance(Duration::from_secs_f64(seconds));
    }

    // --- tasks

    /// A spec for the usual handler.
    pub(super) fn spec(&self) -> TaskSpec {
        TaskSpec::new(HANDLER, Payload::null())
    }

    pub(super) fn new_task(&self, spec: TaskSpec) -> NewTask {
        self.new_task_of(TENANT, spec)
    }

    pub(super) fn new_task_of(&self, tenant: &str, spec: TaskSpec) -> NewTask {
        submit::decide(spec, tenant, self.ids.task(self.now()), None).expect("the spec is valid")
    }

    pub(super) fn group(&self, specs: Vec<TaskSpec>) -> EnqueueGroup {
        let tasks = specs.into_iter().map(|spec| self.new_task(spec)).collect();
        EnqueueGroup { tenant: TENANT.to_owned(), tasks, depth_limit: None }
    }

    pub(super) fn enqueue(&self, groups: Vec<EnqueueGroup>) -> Vec<Result<Vec<Submission>>> {
        self.run(self.store.enqueue(groups)).expect("the store answers")
    }

    /// Stores one group that is taken.
    pub(super) fn store_all(&self, specs: Vec<TaskSpec>) -> Vec<TaskId> {
        let group = self.group(specs);
        let stored = self.enqueue(vec![group]).remove(0).expect("the group is taken");
        stored.iter().map(|submission| submission.task_id).collect()
    }

    /// Stores one task that is taken.
    pub(super) fn add(&self, spec: TaskSpec) -> TaskId {
        self.store_all(vec![spec])[0]
    }

    pub(super) fn task(&self, id: TaskId) -> Task {
        self.find(TENANT, id).expect("the task is there")
    }

    pub(super) fn find(&self, tenant: &str, id: TaskId) -> Option<Task> {
        self.run(self.store.get(tenant, vec![id])).expect("the store answers").remove(0)
    }

    /// How many tasks the tenant has.
    pub(super) fn total(&self, tenant: &str) -> u64 {
        let counts = self.run(self.store.counts(tenant)).expect("the store answers");
        counts.iter().map(|count| count.count).sum()
    }

    // --- leases

    /// A request for the usual queue and handler.
    pub(super) fn request(&self, limit: u32) -> LeaseRequest {
        LeaseRequest {
            worker: "w1".to_owned(),
            queues: vec!["default".to_owned()],
            handlers: vec![HANDLER.to_owned()],
            limit,
            ttl: Duration::from_secs(60),
            wait: Duration::ZERO,
            suspects: true,
        }
    }

    pub(super) fn order(&self, request: LeaseRequest) -> LeaseOrder {
        LeaseOrder { tenant: TENANT.to_owned(), request, token: self.ids.token() }
    }

    pub(super) fn lease_by(&self, request: LeaseRequest) -> Leased {
        let order = self.order(request);
        self.run(self.store.lease(order)).expect("the store answers")
    }

    pub(super) fn lease(&self, limit: u32) -> Vec<LeasedTask> {
        self.lease_by(self.request(limit)).tasks
    }

    /// Leases the one task that waits.
    pub(super) fn lease_one(&self) -> LeasedTask {
        let mut leased = self.lease(1);
        assert_eq!(leased.len(), 1, "a task waits to be leased");
        leased.remove(0)
    }

    /// Stores a task and leases it.
    pub(super) fn leased(&self, spec: TaskSpec) -> LeasedTask {
        let id = self.add(spec);
        let leased = self.lease_one();
        assert_eq!(leased.task.task_id, id);
        leased
    }

    pub(super) fn renew(&self, renewal: Renewal) -> Renewed {
        self.run(self.store.renew(TENANT, vec![renewal])).expect("the store answers")[0]
    }

    /// Reports that the handler has just started.
    pub(super) fn start(&self, leased: &LeasedTask) {
        let news = Renewal { started: Some(Duration::ZERO), ..heartbeat(leased) };
        assert_eq!(self.renew(news), Renewed::Held);
    }

    // --- outcomes

    pub(super) fn apply(&self, transitions: Vec<Transition>) -> Vec<Applied> {
        let (applied, _) =
            self.run(self.store.settle(transitions, None)).expect("the store answers");
        applied.into_iter().map(|applied| applied.expect("the store answers")).collect()
    }

    /// Settles from the present row, with the jitter at its middle.
    pub(super) fn settle(&self, leased: &LeasedTask, outcome: Outcome) -> Applied {
        let row = self.task(leased.task.task_id);
        let transition = engine::settle::decide(&row, &outcome_of(leased, outcome), 0.5);
        self.apply(vec![transition]).remove(0)
    }

    /// Completes with `null`.
    pub(super) fn complete(&self, leased: &LeasedTask) -> Applied {
        self.apply(vec![completion(leased)]).remove(0)
    }

    /// Fails for good.
    pub(super) fn fail(&self, leased: &LeasedTask, message: &str) -> Applied {
        let error = TaskError::new("handler_error", message).fatal();
        self.settle(leased, Outcome::Fail { error })
    }

    /// Takes back every lease that has passed, as the engine's sweep does.
    pub(super) fn rescue(&self) -> Vec<Applied> {
        let due = self.run(self.store.due(1000)).expect("the store answers");
        let decide = |task| engine::rescue::decide(task, RetryOptions::default(), 0.5);
        self.apply(due.expired.iter().map(decide).collect())
    }

    /// Makes what is due pending, as the engine's sweep does.
    pub(super) fn promote(&self) -> Vec<Applied> {
        let due = self.run(self.store.due(1000)).expect("the store answers");
        self.apply(due.scheduled.iter().map(engine::promote::decide).collect())
    }

    // --- history

    /// The history as a reader sees it.
    pub(super) fn history(&self, id: TaskId, after: u64, limit: u32) -> Vec<Update> {
        let answer =
            self.run(self.store.updates(TENANT, id, after, limit)).expect("the store answers");
        let (task, rows) = answer.expect("the task is there");
        history::assemble(&task, rows, after, limit as usize)
    }
}

/// A heartbeat without news.
pub(super) fn heartbeat(leased: &LeasedTask) -> Renewal {
    Renewal {
        task_id: leased.task.task_id,
        token: leased.token,
        extend: None,
        started: None,
        updates: Vec::new(),
    }
}

/// An outcome to settle.
pub(super) fn outcome_of(leased: &LeasedTask, outcome: Outcome) -> Settle {
    Settle {
        task_id: leased.task.task_id,
        token: leased.token,
        outcome,
        started: None,
        updates: Vec::new(),
        declared: RetryOptions::default(),
    }
}

/// A completion with `null`.
pub(super) fn completion(leased: &LeasedTask) -> Transition {
    let settle = outcome_of(leased, Outcome::complete(Payload::null()));
    engine::settle::complete(&settle, &leased.task.tenant).expect("it completes")
}

/// A log line.
pub(super) fn line(message: &str) -> NewUpdate {
    NewUpdate::Log { level: Default::default(), message: message.to_owned() }
}

/// Progress without text.
pub(super) fn progress(progress: f64) -> NewUpdate {
    NewUpdate::Progress { progress, message: None }
}

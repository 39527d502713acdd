//! Stores with a deliberate fault each, and faults between a server and its clients: a simulation that
//! does not catch them proves nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use windlass_core::engine::submit::NewTask;
use windlass_core::engine::transition::{Guard, Transition};
use windlass_core::future::BoxFuture;
use windlass_core::store::{
    Applied, ChangeListener, Composed, Composition, Due, EnqueueGroup, FollowListener, Found,
    Graph, LeaseOrder, Prune, Store,
};
use windlass_core::{
    BatchId, Count, Counts, Cursor, Filter, Leased, Page, Payload, Renewal, Renewed, Result,
    Submission, Task, TaskId, TaskKind, TaskStatus, Timestamp, Update, WorkerInfo,
};

/// What is wrong with a store, or with the way to a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Fault {
    TokenNotChecked,
    CountNotRolledBack,
    SubmitLost,
    KeyForgotten,
    LeasedTwice,
    HistoryGap,
    FinalStatusChanges,
    RescuedEarly,
    AttemptNotCounted,
    DelayIgnored,
    CancelForgotten,
    OrderReversed,
    LostLeaseRenewed,
    ResultDropped,
    SuspectForgotten,
    PrunedEarly,
    PromotedEarly,
    PriorityIgnored,
    EdgeForgotten,
    MemberForgotten,
    HookForgotten,
    StateForgotten,
    TimedOutEarly,
    KeyOfEachTry,
    UndeliveredKept,
    ResumeSkips,
}

impl Fault {
    /// Every fault that a simulation must catch.
    pub const ALL: [Self; 26] = [
        Self::TokenNotChecked,
        Self::CountNotRolledBack,
        Self::SubmitLost,
        Self::KeyForgotten,
        Self::LeasedTwice,
        Self::HistoryGap,
        Self::FinalStatusChanges,
        Self::RescuedEarly,
        Self::AttemptNotCounted,
        Self::DelayIgnored,
        Self::CancelForgotten,
        Self::OrderReversed,
        Self::LostLeaseRenewed,
        Self::ResultDropped,
        Self::SuspectForgotten,
        Self::PrunedEarly,
        Self::PromotedEarly,
        Self::PriorityIgnored,
        Self::EdgeForgotten,
        Self::MemberForgotten,
        Self::HookForgotten,
        Self::StateForgotten,
        Self::TimedOutEarly,
        Self::KeyOfEachTry,
        Self::UndeliveredKept,
        Self::ResumeSkips,
    ];

    /// Whether it lies between a server and those who reach it, not in a store.
    pub(super) const fn is_remote(self) -> bool {
        matches!(self, Self::KeyOfEachTry | Self::UndeliveredKept | Self::ResumeSkips)
    }
}

/// A store with a fault.
pub(super) struct Broken {
    pub(super) store: Arc<dyn Store>,
    pub(super) fault: Fault,
    pub(super) calls: AtomicU64,
}

impl Broken {
    fn is(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    /// True for every `n`th call.
    fn every(&self, n: u64) -> bool {
        self.calls.fetch_add(1, Ordering::Relaxed) % n == n - 1
    }

    /// Composites that run.
    async fn composites(&self, tenant: &str) -> Result<Vec<Task>> {
        let mut all = Vec::new();
        for kind in [TaskKind::Batch, TaskKind::Block, TaskKind::Pipeline] {
            let (status, kind) = (vec![TaskStatus::Running], Some(kind));
            let filter = Filter { status, kind, ..Filter::default() };
            all.extend(self.store.list(tenant, filter, None, 1000).await?.tasks);
        }
        Ok(all)
    }

    async fn rows(&self, tenant: &str, status: TaskStatus) -> Result<Vec<Task>> {
        let filter = Filter { status: vec![status], ..Filter::default() };
        Ok(self.store.list(tenant, filter, None, 1000).await?.tasks)
    }

    async fn apply(&self, mut transitions: Vec<Transition>) -> Result<Vec<Result<Applied>>> {
        for to in &mut transitions {
            match self.fault {
                Fault::AttemptNotCounted => to.started = None,
                Fault::CancelForgotten if to.status == TaskStatus::Running => {
                    to.cancel_requested = None;
                }
                Fault::ResultDropped if self.every(5) => to.result = None,
                Fault::SuspectForgotten => to.suspect = None,
                Fault::StateForgotten => to.state = None,
                _ => {}
            }
        }
        let (mut applied, _) = self.store.settle(transitions.clone(), None).await?;
        if self.is(Fault::TokenNotChecked) {
            for (to, applied) in transitions.iter().zip(&mut applied) {
                if let (Guard::Lease(_), Ok(Applied::Stale(row))) = (to.guard, &*applied) {
                    let to = Transition { guard: Guard::Version(row.version), ..to.clone() };
                    let mut again = self.store.settle(vec![to], None).await?.0;
                    *applied = again.remove(0);
                }
            }
        }
        Ok(applied)
    }
}

impl Store for Broken {
    fn location(&self) -> String {
        format!("{} with {:?}", self.store.location(), self.fault)
    }

    fn now(&self) -> Timestamp {
        self.store.now()
    }

    fn on_change(&self, listener: ChangeListener) {
        self.store.on_change(listener);
    }

    fn enqueue(
        &self,
        mut groups: Vec<EnqueueGroup>,
    ) -> BoxFuture<'_, Result<Vec<Result<Vec<Submission>>>>> {
        Box::pin(async move {
            if self.is(Fault::SubmitLost) && self.every(6) {
                let stored = |task: &windlass_core::engine::submit::NewTask| Submission {
                    task_id: task.task_id,
                    status: TaskStatus::Pending,
                    deduplicated: false,
                    batch_id: None,
                };
                let answer = |group: &EnqueueGroup| Ok(group.tasks.iter().map(stored).collect());
                return Ok(groups.iter().map(answer).collect());
            }
            for task in groups.iter_mut().flat_map(|group| &mut group.tasks) {
                match self.fault {
                    Fault::KeyForgotten if self.every(2) => {
                        if let Some(key) = &mut task.spec.idempotency_key {
                            key.push('\'');
                        }
                    }
                    Fault::DelayIgnored => task.spec.delay = None,
                    Fault::PriorityIgnored => task.spec.priority = Default::default(),
                    _ => {}
                }
            }
            self.store.enqueue(groups).await
        })
    }

    fn compose(&self, mut composition: Composition) -> BoxFuture<'_, Result<Composed>> {
        Box::pin(async move {
            match self.fault {
                Fault::EdgeForgotten => {
                    if let Some(edge) = composition.edges.pop() {
                        composition.members[edge.to as usize].place.waits -= 1;
                    }
                }
                Fault::MemberForgotten if composition.edges.is_empty() => {
                    composition.members.pop();
                }
                Fault::HookForgotten => composition.hooks.clear(),
                _ => {}
            }
            self.store.compose(composition).await
        })
    }

    fn open_batch(&self, composition: Composition) -> BoxFuture<'_, Result<()>> {
        self.store.open_batch(composition)
    }

    fn extend_batch(
        &self,
        tenant: &str,
        batch_id: BatchId,
        chunk: u32,
        tasks: Vec<NewTask>,
    ) -> BoxFuture<'_, Result<u64>> {
        self.store.extend_batch(tenant, batch_id, chunk, tasks)
    }

    fn seal_batch(
        &self,
        tenant: &str,
        batch_id: BatchId,
        depth_limit: Option<u64>,
    ) -> BoxFuture<'_, Result<Composed>> {
        self.store.seal_batch(tenant, batch_id, depth_limit)
    }

    fn graph(&self, tenant: &str, id: TaskId) -> BoxFuture<'_, Result<Option<Graph>>> {
        self.store.graph(tenant, id)
    }

    fn upstream(
        &self,
        tenant: &str,
        task_id: TaskId,
        name: &str,
    ) -> BoxFuture<'_, Result<Option<Task>>> {
        self.store.upstream(tenant, task_id, name)
    }

    fn upstream_names(&self, tenant: &str, task_id: TaskId) -> BoxFuture<'_, Result<Vec<String>>> {
        self.store.upstream_names(tenant, task_id)
    }

    fn settle_together(&self, transitions: Vec<Transition>) -> BoxFuture<'_, Result<Applied>> {
        self.store.settle_together(transitions)
    }

    fn state(&self, tenant: &str, state_key: &str) -> BoxFuture<'_, Result<Option<Payload>>> {
        self.store.state(tenant, state_key)
    }

    fn on_follow(&self, listener: FollowListener) {
        self.store.on_follow(listener);
    }

    fn lease(&self, order: LeaseOrder) -> BoxFuture<'_, Result<Leased>> {
        Box::pin(async move {
            if self.is(Fault::LeasedTwice) {
                for task in self.rows(&order.tenant, TaskStatus::Running).await? {
                    let guard = Guard::Version(task.version);
                    let to = Transition::new(&task, guard, TaskStatus::Pending);
                    let _ = self.store.settle(vec![to], None).await?;
                }
            }
            let mut leased = self.store.lease(order).await?;
            if self.is(Fault::OrderReversed) {
                leased.tasks.reverse();
            }
            Ok(leased)
        })
    }

    fn settle(
        &self,
        transitions: Vec<Transition>,
        then: Option<LeaseOrder>,
    ) -> BoxFuture<'_, Result<(Vec<Result<Applied>>, Leased)>> {
        Box::pin(async move {
            let applied = self.apply(transitions).await?;
            let leased = match then {
                Some(order) => self.lease(order).await?,
                None => Leased::default(),
            };
            Ok((applied, leased))
        })
    }

    fn renew(
        &self,
        tenant: &str,
        mut renewals: Vec<Renewal>,
    ) -> BoxFuture<'_, Result<Vec<Renewed>>> {
        let tenant = tenant.to_owned();
        Box::pin(async move {
            if self.is(Fault::AttemptNotCounted) {
                renewals.iter_mut().for_each(|renewal| renewal.started = None);
            }
            let mut answers = self.store.renew(&tenant, renewals).await?;
            if self.is(Fault::LostLeaseRenewed) {
                answers.fill(Renewed::Held);
            }
            Ok(answers)
        })
    }

    fn get(&self, tenant: &str, ids: Vec<TaskId>) -> BoxFuture<'_, Result<Vec<Option<Task>>>> {
        self.store.get(tenant, ids)
    }

    fn list(
        &self,
        tenant: &str,
        filter: Filter,
        cursor: Option<Cursor>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Page>> {
        self.store.list(tenant, filter, cursor, limit)
    }

    fn find(
        &self,
        tenant: &str,
        filter: Filter,
        cursor: Option<Cursor>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Found>> {
        self.store.find(tenant, filter, cursor, limit)
    }

    fn updates(
        &self,
        tenant: &str,
        task_id: TaskId,
        after: u64,
        limit: u32,
    ) -> BoxFuture<'_, Result<Option<(Task, Vec<Update>)>>> {
        let tenant = tenant.to_owned();
        Box::pin(async move {
            let mut found = self.store.updates(&tenant, task_id, after, limit).await?;
            if let (Fault::HistoryGap, Some((_, rows))) = (self.fault, &mut found) {
                rows.retain(|row| row.seq % 5 != 0);
            }
            Ok(found)
        })
    }

    fn counts(&self, tenant: &str) -> BoxFuture<'_, Result<Vec<Count>>> {
        let tenant = tenant.to_owned();
        Box::pin(async move {
            let mut counts = self.store.counts(&tenant).await?;
            if self.is(Fault::CountNotRolledBack) && self.every(40) {
                counts.iter_mut().take(1).for_each(|count| count.count += 1);
            }
            Ok(counts)
        })
    }

    fn pause(&self, tenant: &str, queue: &str, paused: bool) -> BoxFuture<'_, Result<()>> {
        self.store.pause(tenant, queue, paused)
    }

    fn paused(&self, tenant: &str) -> BoxFuture<'_, Result<Vec<String>>> {
        self.store.paused(tenant)
    }

    fn oldest(&self, tenant: &str) -> BoxFuture<'_, Result<Vec<(String, Timestamp)>>> {
        self.store.oldest(tenant)
    }

    fn batch(&self, tenant: &str, batch_id: BatchId) -> BoxFuture<'_, Result<Counts>> {
        self.store.batch(tenant, batch_id)
    }

    fn recent(
        &self,
        tenant: &str,
        since: Timestamp,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Task>>> {
        self.store.recent(tenant, since, limit)
    }

    fn flow(
        &self,
        from: Timestamp,
        until: Timestamp,
    ) -> BoxFuture<'_, Result<Option<windlass_core::words::Flows>>> {
        self.store.flow(from, until)
    }

    fn ahead(&self, task: &Task, most: u64) -> BoxFuture<'_, Result<u64>> {
        self.store.ahead(task, most)
    }

    fn due(&self, limit: u32) -> BoxFuture<'_, Result<Due>> {
        Box::pin(async move {
            let mut due = self.store.due(limit).await?;
            match self.fault {
                Fault::RescuedEarly => {
                    due.expired = self.rows("default", TaskStatus::Running).await?;
                }
                Fault::FinalStatusChanges if self.every(10) => {
                    due.expired.extend(self.rows("default", TaskStatus::Completed).await?);
                }
                // To whoever sweeps it looks like one whose time is over.
                Fault::TimedOutEarly if self.every(10) => {
                    due.expired.extend(self.composites("default").await?);
                }
                Fault::PromotedEarly => {
                    due.scheduled = self.rows("default", TaskStatus::Scheduled).await?;
                }
                _ => {}
            }
            Ok(due)
        })
    }

    fn prune(&self, mut prune: Prune) -> BoxFuture<'_, Result<u64>> {
        if self.is(Fault::PrunedEarly) {
            (prune.older_than, prune.keep_keys) = (Duration::ZERO, Duration::ZERO);
        }
        self.store.prune(prune)
    }

    fn announce(&self, tenant: &str, worker: WorkerInfo) -> BoxFuture<'_, Result<()>> {
        self.store.announce(tenant, worker)
    }

    fn forget(&self, tenant: &str, worker_id: &str) -> BoxFuture<'_, Result<()>> {
        self.store.forget(tenant, worker_id)
    }

    fn workers(&self, tenant: &str, within: Duration) -> BoxFuture<'_, Result<Vec<WorkerInfo>>> {
        self.store.workers(tenant, within)
    }

    fn close(&self) -> BoxFuture<'_, Result<()>> {
        self.store.close()
    }
}

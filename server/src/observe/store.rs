//! A store that tells what is done with it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use windlass_core::engine::submit::NewTask;
use windlass_core::engine::transition::Transition;
use windlass_core::future::BoxFuture;
use windlass_core::store::{
    Applied, ChangeListener, Composed, Composition, Due, EnqueueGroup, FollowListener, Found,
    Graph, LeaseOrder, Prune,
};
use windlass_core::{
    BatchId, Count, Counts, Cursor, Filter, Leased, Page, Payload, Renewal, Renewed, Result, Store,
    Submission, Task, TaskId, Timestamp, Update, WorkerInfo,
};

use crate::observe::calls::Operation;
use crate::observe::metrics::Metrics;
use crate::observe::tasks::{self, Tasks};

/// Passes every call on, times it, and counts what was written. It decides and changes nothing.
pub(super) struct ObservedStore {
    store: Arc<dyn Store>,
    metrics: Arc<Metrics>,
}

impl ObservedStore {
    pub(super) fn new(store: Arc<dyn Store>, metrics: Arc<Metrics>) -> Self {
        Self { store, metrics }
    }

    /// Awaits a call of the store and counts how long it took.
    fn timed<'a, T>(
        &'a self,
        operation: Operation,
        call: impl FnOnce(&'a dyn Store) -> BoxFuture<'a, Result<T>>,
    ) -> BoxFuture<'a, Result<T>>
    where
        T: 'a,
    {
        let start = Instant::now();
        let call = call(&*self.store);
        Box::pin(async move {
            let answer = call.await;
            self.metrics.calls.answered(operation, start, &answer);
            answer
        })
    }
}

impl Store for ObservedStore {
    fn location(&self) -> String {
        self.store.location()
    }

    fn now(&self) -> Timestamp {
        self.store.now()
    }

    fn is_private(&self) -> bool {
        self.store.is_private()
    }

    fn on_change(&self, listener: ChangeListener) {
        self.store.on_change(listener);
    }

    fn enqueue(
        &self,
        groups: Vec<EnqueueGroup>,
    ) -> BoxFuture<'_, Result<Vec<Result<Vec<Submission>>>>> {
        let start = Instant::now();
        let submitting = self.metrics.tasks.submitting(&groups);
        for group in &groups {
            self.metrics.tenants.place(&group.tenant);
        }
        let call = self.store.enqueue(groups);
        Box::pin(async move {
            let answer = call.await;
            self.metrics.calls.answered(Operation::Enqueue, start, &answer);
            if let Ok(answers) = &answer {
                self.metrics.tasks.submitted(&submitting, answers);
            }
            answer
        })
    }

    fn on_follow(&self, listener: FollowListener) {
        self.store.on_follow(listener);
    }

    fn compose(&self, composition: Composition) -> BoxFuture<'_, Result<Composed>> {
        let start = Instant::now();
        let composing = self.metrics.tasks.composing(&composition);
        self.metrics.tenants.place(&composition.task.tenant);
        let call = self.store.compose(composition);
        Box::pin(async move {
            let answer = call.await;
            self.metrics.calls.answered(Operation::Compose, start, &answer);
            if let Ok(composed) = &answer {
                self.metrics.tasks.composed(&composing, composed);
            }
            answer
        })
    }

    fn open_batch(&self, composition: Composition) -> BoxFuture<'_, Result<()>> {
        self.timed(Operation::OpenBatch, |store| store.open_batch(composition))
    }

    fn extend_batch(
        &self,
        tenant: &str,
        batch_id: BatchId,
        chunk: u32,
        tasks: Vec<NewTask>,
    ) -> BoxFuture<'_, Result<u64>> {
        self.timed(Operation::ExtendBatch, |store| {
            store.extend_batch(tenant, batch_id, chunk, tasks)
        })
    }

    fn seal_batch(
        &self,
        tenant: &str,
        batch_id: BatchId,
        depth_limit: Option<u64>,
    ) -> BoxFuture<'_, Result<Composed>> {
        let start = Instant::now();
        let call = self.store.seal_batch(tenant, batch_id, depth_limit);
        Box::pin(async move {
            let answer = call.await;
            self.metrics.calls.answered(Operation::SealBatch, start, &answer);
            if let Ok(composed) = &answer {
                self.metrics.tasks.sealed(composed);
            }
            answer
        })
    }

    fn settle_together(&self, transitions: Vec<Transition>) -> BoxFuture<'_, Result<Applied>> {
        self.timed(Operation::SettleTogether, |store| store.settle_together(transitions))
    }

    fn graph(&self, tenant: &str, id: TaskId) -> BoxFuture<'_, Result<Option<Graph>>> {
        self.timed(Operation::Graph, |store| store.graph(tenant, id))
    }

    fn upstream(
        &self,
        tenant: &str,
        task_id: TaskId,
        name: &str,
    ) -> BoxFuture<'_, Result<Option<Task>>> {
        self.timed(Operation::Upstream, |store| store.upstream(tenant, task_id, name))
    }

    fn upstream_names(&self, tenant: &str, task_id: TaskId) -> BoxFuture<'_, Result<Vec<String>>> {
        self.timed(Operation::Upstream, |store| store.upstream_names(tenant, task_id))
    }

    fn state(&self, tenant: &str, state_key: &str) -> BoxFuture<'_, Result<Option<Payload>>> {
        self.timed(Operation::State, |store| store.state(tenant, state_key))
    }

    fn lease(&self, order: LeaseOrder) -> BoxFuture<'_, Result<Leased>> {
        let start = Instant::now();
        let ttl = tasks::ttl(&order);
        self.metrics.tenants.place(&order.tenant);
        let call = self.store.lease(order);
        Box::pin(async move {
            let answer = call.await;
            self.metrics.calls.answered(Operation::Lease, start, &answer);
            if let Ok(leased) = &answer {
                self.metrics.tasks.leased(leased, ttl);
            }
            answer
        })
    }

    fn settle(
        &self,
        transitions: Vec<Transition>,
        then: Option<LeaseOrder>,
    ) -> BoxFuture<'_, Result<(Vec<Result<Applied>>, Leased)>> {
        let start = Instant::now();
        let about = Tasks::settling(&transitions);
        let ttl = then.as_ref().map(tasks::ttl);
        let call = self.store.settle(transitions, then);
        Box::pin(async move {
            let answer = call.await;
            self.metrics.calls.answered(Operation::Settle, start, &answer);
            if let Ok((applied, leased)) = &answer {
                self.metrics.tasks.settled(&about, applied, self.store.now());
                if let Some(ttl) = ttl {
                    self.metrics.tasks.leased(leased, ttl);
                }
            }
            answer
        })
    }

    fn renew(&self, tenant: &str, renewals: Vec<Renewal>) -> BoxFuture<'_, Result<Vec<Renewed>>> {
        let start = Instant::now();
        let renewing = Tasks::renewing(&renewals);
        let call = self.store.renew(tenant, renewals);
        Box::pin(async move {
            let answer = call.await;
            self.metrics.calls.answered(Operation::Renew, start, &answer);
            if let Ok(answers) = &answer {
                self.metrics.tasks.renewed(&renewing, answers, self.store.now());
            }
            answer
        })
    }

    fn get(&self, tenant: &str, ids: Vec<TaskId>) -> BoxFuture<'_, Result<Vec<Option<Task>>>> {
        self.timed(Operation::Get, |store| store.get(tenant, ids))
    }

    fn list(
        &self,
        tenant: &str,
        filter: Filter,
        cursor: Option<Cursor>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Page>> {
        self.timed(Operation::List, |store| store.list(tenant, filter, cursor, limit))
    }

    fn find(
        &self,
        tenant: &str,
        filter: Filter,
        cursor: Option<Cursor>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Found>> {
        self.timed(Operation::Find, |store| store.find(tenant, filter, cursor, limit))
    }

    fn updates(
        &self,
        tenant: &str,
        task_id: TaskId,
        after: u64,
        limit: u32,
    ) -> BoxFuture<'_, Result<Option<(Task, Vec<Update>)>>> {
        self.timed(Operation::Updates, |store| store.updates(tenant, task_id, after, limit))
    }

    fn counts(&self, tenant: &str) -> BoxFuture<'_, Result<Vec<Count>>> {
        self.timed(Operation::Counts, |store| store.counts(tenant))
    }

    fn pause(&self, tenant: &str, queue: &str, paused: bool) -> BoxFuture<'_, Result<()>> {
        self.timed(Operation::Pause, |store| store.pause(tenant, queue, paused))
    }

    fn paused(&self, tenant: &str) -> BoxFuture<'_, Result<Vec<String>>> {
        self.timed(Operation::Paused, |store| store.paused(tenant))
    }

    fn oldest(&self, tenant: &str) -> BoxFuture<'_, Result<Vec<(String, Timestamp)>>> {
        self.timed(Operation::Oldest, |store| store.oldest(tenant))
    }

    fn batch(&self, tenant: &str, batch_id: BatchId) -> BoxFuture<'_, Result<Counts>> {
        self.timed(Operation::Batch, |store| store.batch(tenant, batch_id))
    }

    fn recent(
        &self,
        tenant: &str,
        since: Timestamp,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Task>>> {
        self.timed(Operation::Recent, |store| store.recent(tenant, since, limit))
    }

    fn flow(
        &self,
        from: Timestamp,
        until: Timestamp,
    ) -> BoxFuture<'_, Result<Option<windlass_core::words::Flows>>> {
        self.timed(Operation::Flow, |store| store.flow(from, until))
    }

    fn ahead(&self, task: &Task, most: u64) -> BoxFuture<'_, Result<u64>> {
        self.timed(Operation::Ahead, |store| store.ahead(task, most))
    }

    fn due(&self, limit: u32) -> BoxFuture<'_, Result<Due>> {
        self.timed(Operation::Due, |store| store.due(limit))
    }

    fn prune(&self, prune: Prune) -> BoxFuture<'_, Result<u64>> {
        self.timed(Operation::Prune, |store| store.prune(prune))
    }

    fn announce(&self, tenant: &str, worker: WorkerInfo) -> BoxFuture<'_, Result<()>> {
        self.timed(Operation::Announce, |store| store.announce(tenant, worker))
    }

    fn forget(&self, tenant: &str, worker_id: &str) -> BoxFuture<'_, Result<()>> {
        self.timed(Operation::Forget, |store| store.forget(tenant, worker_id))
    }

    fn workers(&self, tenant: &str, within: Duration) -> BoxFuture<'_, Result<Vec<WorkerInfo>>> {
        self.timed(Operation::Workers, |store| store.workers(tenant, within))
    }

    fn close(&self) -> BoxFuture<'_, Result<()>> {
        self.timed(Operation::Close, |store| store.close())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    /// The names of the methods that a text declares at one level of indentation.
    fn methods(text: &str) -> BTreeSet<&str> {
        let name = |line: &'static str| line.strip_prefix("    fn ")?.split(['(', '<']).next();
        // Borrowed from the source, which lives as long as the program.
        let text: &'static str = Box::leak(text.to_owned().into_boxed_str());
        text.lines().filter_map(name).collect()
    }

    #[test]
    fn no_method_is_left_to_the_trait_s_default() {
        let declared = include_str!("../../../core/src/store/mod.rs");
        let declared = declared.split_once("pub trait Store").unwrap().1;
        let passed_on = include_str!("store.rs").split_once("impl Store for").unwrap().1;
        let missing: Vec<&str> =
            methods(declared).difference(&methods(passed_on)).copied().collect();
        assert!(methods(declared).len() > 20);
        assert_eq!(missing, [""; 0]);
    }
}

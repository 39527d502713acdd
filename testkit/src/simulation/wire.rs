//! The way between a process and its store, where calls are slow, lost, repeated, or left unanswered.

use std::sync::Arc;
use std::time::Duration;

use windlass_core::engine::submit::NewTask;
use windlass_core::engine::transition::Transition;
use windlass_core::future::BoxFuture;
use windlass_core::store::{
    Applied, ChangeListener, Composed, Composition, Due, EnqueueGroup, FollowListener, Found,
    Graph, LeaseOrder, Prune, Store,
};
use windlass_core::{
    BatchId, Count, Counts, Cursor, Error, Filter, Leased, Page, Payload, Renewal, Renewed, Result,
    Submission, Task, TaskId, Timestamp, Update, WorkerInfo,
};

use super::clockwork::{Clockwork, Pid};
use super::dice::Dice;
use super::monitor::{Monitor, Seen, now};

/// What happens to one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Fine,
    /// The store never hears of it.
    LostBefore,
    /// The store does it, and the answer is lost.
    LostAfter,
    /// The store does it twice; the second answer comes back.
    Twice,
}

/// A store as one process sees it. The store itself answers within the step, so that the monitor sees
/// what one call did and nothing else.
pub(super) struct Wire {
    pub(super) store: Arc<dyn Store>,
    pub(super) clockwork: Clockwork,
    pub(super) dice: Dice,
    pub(super) monitor: Arc<Monitor>,
    pub(super) pid: Pid,
}

impl Wire {
    /// Draws the fate of a call and lets some time pass.
    async fn send(&self, operation: &'static str) -> Result<Fate> {
        self.clockwork.sleep(Duration::from_millis(self.dice.below(8))).await;
        let fate = if self.dice.below(1000) >= self.monitor.fault_rate() {
            Fate::Fine
        } else {
            match self.dice.below(3) {
                0 => Fate::LostBefore,
                1 => Fate::LostAfter,
                _ => Fate::Twice,
            }
        };
        if fate == Fate::LostBefore {
            self.monitor.note(self.pid, format_args!("{operation} is lost on its way"));
            return Err(lost(operation));
        }
        Ok(fate)
    }

    /// Shows the monitor what was done, and lets the answer come back, or not.
    async fn receive<T>(&self, operation: &'static str, fate: Fate, answer: T) -> Result<T> {
        self.clockwork.sleep(Duration::from_millis(self.dice.below(8))).await;
        if fate == Fate::LostAfter {
            self.monitor.note(self.pid, format_args!("{operation}: the answer is lost"));
            return Err(lost(operation));
        }
        Ok(answer)
    }

    /// A write that may come twice: the second answer is what comes back.
    fn write<'a, T: Send + 'a>(
        &'a self,
        operation: &'static str,
        run: impl Fn(&'a dyn Store) -> BoxFuture<'a, Result<T>> + Send + 'a,
    ) -> BoxFuture<'a, Result<T>> {
        Box::pin(async move {
            let fate = self.send(operation).await?;
            if fate == Fate::Twice {
                drop(now(run(&*self.store)));
                self.monitor.look(self.pid, Seen::Other(operation));
            }
            let answer = now(run(&*self.store));
            self.monitor.look(self.pid, Seen::Other(operation));
            self.receive(operation, fate, answer).await?
        })
    }

    async fn read<T>(&self, operation: &'static str, call: BoxFuture<'_, Result<T>>) -> Result<T> {
        let fate = self.send(operation).await?;
        let answer = now(call)?;
        self.receive(operation, fate, answer).await
    }
}

fn lost(operation: &'static str) -> Error {
    Error::StoreUnavailable {
        operation: operation.into(),
        reason: "the simulation lost it".to_owned(),
        source: None,
    }
}

impl Store for Wire {
    fn location(&self) -> String {
        format!("{} by process {}", self.store.location(), self.pid)
    }

    fn now(&self) -> Timestamp {
        self.store.now()
    }

    fn on_change(&self, _: ChangeListener) {
        // Hints between processes are all lost: nothing may depend on them.
    }

    fn enqueue(
        &self,
        groups: Vec<EnqueueGroup>,
    ) -> BoxFuture<'_, Result<Vec<Result<Vec<Submission>>>>> {
        Box::pin(async move {
            let fate = self.send("enqueue").await?;
            if fate == Fate::Twice {
                let _ = now(self.store.enqueue(groups.clone()))?;
                self.monitor.look(self.pid, Seen::Other("enqueue, which will come again"));
            }
            let answer = now(self.store.enqueue(groups))?;
            self.monitor.look(self.pid, Seen::Other("enqueue"));
            self.receive("enqueue", fate, answer).await
        })
    }

    fn compose(&self, composition: Composition) -> BoxFuture<'_, Result<Composed>> {
        self.write("compose", move |store| store.compose(composition.clone()))
    }

    fn open_batch(&self, composition: Composition) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            let fate = self.send("open_batch").await?;
            now(self.store.open_batch(composition))?;
            self.monitor.look(self.pid, Seen::Other("open_batch"));
            self.receive("open_batch", fate, ()).await
        })
    }

    fn extend_batch(
        &self,
        tenant: &str,
        batch_id: BatchId,
        chunk: u32,
        tasks: Vec<NewTask>,
    ) -> BoxFuture<'_, Result<u64>> {
        let tenant = tenant.to_owned();
        self.write("extend_batch", move |store| {
            store.extend_batch(&tenant, batch_id, chunk, tasks.clone())
        })
    }

    fn seal_batch(
        &self,
        tenant: &str,
        batch_id: BatchId,
        depth_limit: Option<u64>,
    ) -> BoxFuture<'_, Result<Composed>> {
        let tenant = tenant.to_owned();
        Box::pin(async move {
            let fate = self.send("seal_batch").await?;
            let answer = now(self.store.seal_batch(&tenant, batch_id, depth_limit));
            self.monitor.look(self.pid, Seen::Other("seal_batch"));
            self.receive("seal_batch", fate, answer).await?
        })
    }

    fn graph(&self, tenant: &str, id: TaskId) -> BoxFuture<'_, Result<Option<Graph>>> {
        let tenant = tenant.to_owned();
        Box::pin(async move { self.read("graph", self.store.graph(&tenant, id)).await })
    }

    fn upstream(
        &self,
        tenant: &str,
        task_id: TaskId,
        name: &str,
    ) -> BoxFuture<'_, Result<Option<Task>>> {
        let (tenant, name) = (tenant.to_owned(), name.to_owned());
        Box::pin(async move {
            self.read("upstream", self.store.upstream(&tenant, task_id, &name)).await
        })
    }

    fn upstream_names(&self, tenant: &str, task_id: TaskId) -> BoxFuture<'_, Result<Vec<String>>> {
        let tenant = tenant.to_owned();
        Box::pin(async move {
            self.read("upstream_names", self.store.upstream_names(&tenant, task_id)).await
        })
    }

    fn settle_together(&self, transitions: Vec<Transition>) -> BoxFuture<'_, Result<Applied>> {
        Box::pin(async move {
            let fate = self.send("settle_together").await?;
            for _ in 0..u32::from(fate == Fate::Twice) {
                let applied = now(self.store.settle_together(transitions.clone()))?;
                self.monitor.look(self.pid, Seen::Settled(&transitions, &[Ok(applied)]));
            }
            let applied = now(self.store.settle_together(transitions.clone()))?;
            let told = [Ok(applied.clone())];
            self.monitor.look(self.pid, Seen::Settled(&transitions, &told));
            self.receive("settle_together", fate, applied).await
        })
    }

    fn state(&self, tenant: &str, state_key: &str) -> BoxFuture<'_, Result<Option<Payload>>> {
        let (tenant, key) = (tenant.to_owned(), state_key.to_owned());
        Box::pin(async move { self.read("state", self.store.state(&tenant, &key)).await })
    }

    fn on_follow(&self, _: FollowListener) {
        // Hints are lost: nothing may depend on them.
    }

    fn lease(&self, order: LeaseOrder) -> BoxFuture<'_, Result<Leased>> {
        Box::pin(async move {
            let fate = self.send("lease").await?;
            if fate == Fate::Twice {
                let leased = now(self.store.lease(order.clone()))?;
                self.monitor.look(self.pid, Seen::Leased(&order, &leased));
            }
            let leased = now(self.store.lease(order.clone()))?;
            self.monitor.look(self.pid, Seen::Leased(&order, &leased));
            self.receive("lease", fate, leased).await
        })
    }

    fn settle(
        &self,
        transitions: Vec<Transition>,
        then: Option<LeaseOrder>,
    ) -> BoxFuture<'_, Result<(Vec<Result<Applied>>, Leased)>> {
        Box::pin(async move {
            let fate = self.send("settle").await?;
            if fate == Fate::Twice {
                let (applied, _) = now(self.store.settle(transitions.clone(), None))?;
                self.monitor.look(self.pid, Seen::Settled(&transitions, &applied));
            }
            let answer = now(self.store.settle(transitions.clone(), then))?;
            self.monitor.look(self.pid, Seen::Settled(&transitions, &answer.0));
            self.receive("settle", fate, answer).await
        })
    }

    fn renew(&self, tenant: &str, renewals: Vec<Renewal>) -> BoxFuture<'_, Result<Vec<Renewed>>> {
        let tenant = tenant.to_owned();
        Box::pin(async move {
            let fate = self.send("renew").await?;
            if fate == Fate::Twice {
                let answers = now(self.store.renew(&tenant, renewals.clone()))?;
                self.monitor.look(self.pid, Seen::Renewed(&renewals, &answers));
            }
            let answers = now(self.store.renew(&tenant, renewals.clone()))?;
            self.monitor.look(self.pid, Seen::Renewed(&renewals, &answers));
            self.receive("renew", fate, answers).await
        })
    }

    fn get(&self, tenant: &str, ids: Vec<TaskId>) -> BoxFuture<'_, Result<Vec<Option<Task>>>> {
        let tenant = tenant.to_owned();
        Box::pin(async move { self.read("get", self.store.get(&tenant, ids)).await })
    }

    fn list(
        &self,
        tenant: &str,
        filter: Filter,
        cursor: Option<Cursor>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Page>> {
        let tenant = tenant.to_owned();
        Box::pin(
            async move { self.read("list", self.store.list(&tenant, filter, cursor, limit)).await },
        )
    }

    fn find(
        &self,
        tenant: &str,
        filter: Filter,
        cursor: Option<Cursor>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Found>> {
        let tenant = tenant.to_owned();
        Box::pin(
            async move { self.read("find", self.store.find(&tenant, filter, cursor, limit)).await },
        )
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
            self.read("updates", self.store.updates(&tenant, task_id, after, limit)).await
        })
    }

    fn counts(&self, tenant: &str) -> BoxFuture<'_, Result<Vec<Count>>> {
        let tenant = tenant.to_owned();
        Box::pin(async move { self.read("counts", self.store.counts(&tenant)).await })
    }

    fn pause(&self, tenant: &str, queue: &str, paused: bool) -> BoxFuture<'_, Result<()>> {
        let (tenant, queue) = (tenant.to_owned(), queue.to_owned());
        Box::pin(async move {
            let fate = self.send("pause").await?;
            now(self.store.pause(&tenant, &queue, paused))?;
            self.monitor.look(self.pid, Seen::Other("pause"));
            self.receive("pause", fate, ()).await
        })
    }

    fn paused(&self, tenant: &str) -> BoxFuture<'_, Result<Vec<String>>> {
        let tenant = tenant.to_owned();
        Box::pin(async move { self.read("paused", self.store.paused(&tenant)).await })
    }

    fn oldest(&self, tenant: &str) -> BoxFuture<'_, Result<Vec<(String, Timestamp)>>> {
        let tenant = tenant.to_owned();
        Box::pin(async move { self.read("oldest", self.store.oldest(&tenant)).await })
    }

    fn batch(&self, tenant: &str, batch_id: BatchId) -> BoxFuture<'_, Result<Counts>> {
        let tenant = tenant.to_owned();
        Box::pin(async move { self.read("batch", self.store.batch(&tenant, batch_id)).await })
    }

    fn recent(
        &self,
        tenant: &str,
        since: Timestamp,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Task>>> {
        let tenant = tenant.to_owned();
        Box::pin(async move { self.read("recent", self.store.recent(&tenant, since, limit)).await })
    }

    fn flow(
        &self,
        from: Timestamp,
        until: Timestamp,
    ) -> BoxFuture<'_, Result<Option<windlass_core::words::Flows>>> {
        Box::pin(async move { self.read("flow", self.store.flow(from, until)).await })
    }

    fn ahead(&self, task: &Task, most: u64) -> BoxFuture<'_, Result<u64>> {
        let task = task.clone();
        Box::pin(async move { self.read("ahead", self.store.ahead(&task, most)).await })
    }

    fn due(&self, limit: u32) -> BoxFuture<'_, Result<Due>> {
        Box::pin(async move { self.read("due", self.store.due(limit)).await })
    }

    fn prune(&self, prune: Prune) -> BoxFuture<'_, Result<u64>> {
        Box::pin(async move {
            let fate = self.send("prune").await?;
            let gone = now(self.store.prune(prune))?;
            self.monitor.look(self.pid, Seen::Other("prune"));
            self.receive("prune", fate, gone).await
        })
    }

    fn announce(&self, tenant: &str, worker: WorkerInfo) -> BoxFuture<'_, Result<()>> {
        let tenant = tenant.to_owned();
        Box::pin(async move { self.read("announce", self.store.announce(&tenant, worker)).await })
    }

    fn forget(&self, tenant: &str, worker_id: &str) -> BoxFuture<'_, Result<()>> {
        let (tenant, id) = (tenant.to_owned(), worker_id.to_owned());
        Box::pin(async move { self.read("forget", self.store.forget(&tenant, &id)).await })
    }

    fn workers(&self, tenant: &str, within: Duration) -> BoxFuture<'_, Result<Vec<WorkerInfo>>> {
        let tenant = tenant.to_owned();
        Box::pin(async move { self.read("workers", self.store.workers(&tenant, within)).await })
    }

    fn close(&self) -> BoxFuture<'_, Result<()>> {
        // The store belongs to all processes.
        Box::pin(async { Ok(()) })
    }
}

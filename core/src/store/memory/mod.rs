//! The store in memory: for tests, development, and work that may be lost with the process.

mod flow;
mod following;
mod graphs;
mod index;
mod indexes;
mod lines;
mod link;
mod named;
mod names;
mod queues;
mod rows;
mod seldom;
mod states;
mod table;
mod transaction;
mod walk;
mod workers;

use std::sync::{Arc, MutexGuard};
use std::time::Duration;

use crate::engine;
use crate::engine::follow::{Changed, Follow, Followed};
use crate::engine::submit::NewTask;
use crate::engine::transition::Transition;
use crate::error::Result;
use crate::future::BoxFuture;
use crate::store::clock::{Clock, SystemClock};
use crate::store::{
    Applied, ChangeListener, Composed, Composition, Due, EnqueueGroup, FollowListener, Found,
    Graph, LeaseOrder, Prune, Store,
};
use crate::words::{
    BatchId, Count, Counts, Cursor, Filter, Leased, Page, Payload, Renewal, Renewed, Submission,
    Task, TaskId, Timestamp, Update, WorkerInfo,
};
use following::FOLLOWING;
use link::Link;
use seldom::SELDOM;
use table::Table;
use transaction::Transaction;

/// Keeps tasks in this process's memory. Clones share the tasks and the connection.
#[derive(Clone)]
pub struct MemoryStore {
    clock: Arc<dyn Clock>,
    link: Arc<Link>,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new(Arc::new(SystemClock))
    }
}

impl MemoryStore {
    /// An empty store that goes by `clock`.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, link: Arc::default() }
    }

    /// Another connection to the same tasks, closed for itself. It goes by the same clock.
    #[must_use]
    pub fn connect(&self) -> Self {
        Self { clock: self.clock.clone(), link: Arc::new(self.link.another()) }
    }

    /// How many connections to the same tasks are open.
    pub fn connections(&self) -> usize {
        self.link.connections()
    }

    fn open(&self) -> Result<MutexGuard<'_, Table>> {
        self.link.open()
    }

    /// Leases; adds to `followed` what follows where an attempt counts at once.
    fn do_lease(
        &self,
        table: &mut Table,
        order: &LeaseOrder,
        followed: &mut Vec<Followed>,
    ) -> Result<Leased> {
        let now = self.clock.now();
        let (chosen, suspect_waiting) = walk::choose(table, order);
        let request = &order.request;
        let mut leased = Leased { tasks: Vec::with_capacity(chosen.len()), suspect_waiting };
        let mut follow = Follow::default();
        for (place, slot) in chosen {
            let (granted, changed) = table.change(slot, |task| {
                let (status, attempt) = (task.status, task.attempt);
                let (leased, rows) =
                    engine::lease::grant(task, &request.worker, order.token, request.ttl, now);
                let concerns = task.attempt > attempt && Changed::concerns_others(task);
                ((leased, concerns.then(|| Changed::of(task, status, attempt))), rows)
            });
            leased.tasks.push(granted);
            if let Some(changed) = changed {
                let rows = &mut Transaction { table: &mut *table, now };
                (FOLLOWING.note)(&mut follow, rows, place.id(), changed)?;
            }
        }
        followed.extend(self.finish(table, follow)?);
        for leased in leased.tasks.iter_mut().filter(|leased| leased.task.state_key.is_some()) {
            leased.state = table.states.state_for(&leased.task);
        }
        Ok(leased)
    }

    /// Writes what follows from noted changes; tells of it with [`followed`](Self::followed) once the
    /// table is free again.
    fn finish(&self, table: &mut Table, follow: Follow<TaskId>) -> Result<Vec<Followed>> {
        Transaction { table, now: self.clock.now() }.finish(follow)
    }

    /// Tells of what was written. Not while the table is locked.
    fn followed(&self, followed: &[Followed]) {
        self.link.followed(followed);
        self.link.changed();
    }
}

/// Makes known what few pages ask for; see `apart`.
#[cfg(all(feature = "apart", target_family = "wasm"))]
pub(crate) fn install() {
    seldom::install();
    following::install();
}

/// Runs a synchronous body as a future, lazily, as every store method does.
macro_rules! now {
    ($body:expr) => {
        Box::pin(async move { $body })
    };
}

impl Store for MemoryStore {
    fn location(&self) -> String {
        "memory".to_owned()
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn is_private(&self) -> bool {
        true
    }

    fn on_change(&self, listener: ChangeListener) {
        self.link.listen(listener);
    }

    fn enqueue(
        &self,
        groups: Vec<EnqueueGroup>,
    ) -> BoxFuture<'_, Result<Vec<Result<Vec<Submission>>>>> {
        now!({
            let mut table = self.open()?;
            let now = self.clock.now();
            let answers = groups.into_iter().map(|group| table.enqueue(group, now)).collect();
            drop(table);
            self.link.changed();
            Ok(answers)
        })
    }

    fn compose(&self, composition: Composition) -> BoxFuture<'_, Result<Composed>> {
        (SELDOM.compose)(self, composition)
    }

    fn open_batch(&self, composition: Composition) -> BoxFuture<'_, Result<()>> {
        (SELDOM.open_batch)(self, composition)
    }

    fn extend_batch(
        &self,
        tenant: &str,
        batch_id: BatchId,
        chunk: u32,
        tasks: Vec<NewTask>,
    ) -> BoxFuture<'_, Result<u64>> {
        (SELDOM.extend_batch)(self, tenant.to_owned(), batch_id, chunk, tasks)
    }

    fn seal_batch(
        &self,
        tenant: &str,
        batch_id: BatchId,
        depth_limit: Option<u64>,
    ) -> BoxFuture<'_, Result<Composed>> {
        (SELDOM.seal_batch)(self, tenant.to_owned(), batch_id, depth_limit)
    }

    fn graph(&self, tenant: &str, id: TaskId) -> BoxFuture<'_, Result<Option<Graph>>> {
        (SELDOM.graph)(self, tenant.to_owned(), id)
    }

    fn upstream(
        &self,
        tenant: &str,
        task_id: TaskId,
        name: &str,
    ) -> BoxFuture<'_, Result<Option<Task>>> {
        (SELDOM.upstream)(self, tenant.to_owned(), task_id, name.to_owned())
    }

    fn upstream_names(&self, tenant: &str, task_id: TaskId) -> BoxFuture<'_, Result<Vec<String>>> {
        (SELDOM.upstream_names)(self, tenant.to_owned(), task_id)
    }

    fn settle_together(&self, transitions: Vec<Transition>) -> BoxFuture<'_, Result<Applied>> {
        (SELDOM.settle_together)(self, transitions)
    }

    fn state(&self, tenant: &str, state_key: &str) -> BoxFuture<'_, Result<Option<Payload>>> {
        (SELDOM.state)(self, tenant.to_owned(), state_key.to_owned())
    }

    fn on_follow(&self, listener: FollowListener) {
        self.link.follow(listener);
    }

    fn lease(&self, order: LeaseOrder) -> BoxFuture<'_, Result<Leased>> {
        now!({
            let mut table = self.open()?;
            let mut followed = Vec::new();
            let leased = self.do_lease(&mut table, &order, &mut followed)?;
            drop(table);
            if !followed.is_empty() {
                self.followed(&followed);
            }
            Ok(leased)
        })
    }

    fn settle(
        &self,
        transitions: Vec<Transition>,
        then: Option<LeaseOrder>,
    ) -> BoxFuture<'_, Result<(Vec<Result<Applied>>, Leased)>> {
        now!({
            let mut table = self.open()?;
            let mut follow = Follow::default();
            let mut written = Transaction { table: &mut table, now: self.clock.now() };
            let applied = transitions.iter().map(|t| written.apply(t, &mut follow)).collect();
            let mut followed = self.finish(&mut table, follow)?;
            let mut leased = Leased::default();
            if let Some(order) = then {
                leased = self.do_lease(&mut table, &order, &mut followed)?;
            }
            drop(table);
            self.followed(&followed);
            Ok((applied, leased))
        })
    }

    fn renew(&self, tenant: &str, renewals: Vec<Renewal>) -> BoxFuture<'_, Result<Vec<Renewed>>> {
        let tenant = tenant.to_owned();
        now!({
            let mut table = self.open()?;
            let now = self.clock.now();
            let mut news = false;
            let mut follow = Follow::default();
            let mut answers = Vec::with_capacity(renewals.len());
            for renewal in &renewals {
                let id = renewal.task_id;
                let Some(slot) = table.find(&tenant, id) else {
                    answers.push(Renewed::Lost);
                    continue;
                };
                let (answer, changed) = table.change(slot, |task| {
                    let (status, attempt) = (task.status, task.attempt);
                    let (answer, rows, _) = engine::lease::renew(task, renewal, now);
                    news |= renewal.started.is_some() || !rows.is_empty();
                    let concerns = task.attempt > attempt && Changed::concerns_others(task);
                    ((answer, concerns.then(|| Changed::of(task, status, attempt))), rows)
                });
                if let Some(changed) = changed {
                    let rows = &mut Transaction { table: &mut table, now };
                    (FOLLOWING.note)(&mut follow, rows, id, changed)?;
                }
                answers.push(answer);
            }
            let followed = self.finish(&mut table, follow)?;
            drop(table);
            if news {
                self.followed(&followed);
            }
            Ok(answers)
        })
    }

    fn get(&self, tenant: &str, ids: Vec<TaskId>) -> BoxFuture<'_, Result<Vec<Option<Task>>>> {
        let tenant = tenant.to_owned();
        now!({
            let table = self.open()?;
            Ok(ids.into_iter().map(|id| table.get(&tenant, id).cloned()).collect())
        })
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

    fn find(
        &self,
        tenant: &str,
        filter: Filter,
        cursor: Option<Cursor>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Found>> {
        (SELDOM.find)(self, tenant.to_owned(), filter, cursor, limit)
    }

    fn updates(
        &self,
        tenant: &str,
        task_id: TaskId,
        after: u64,
        limit: u32,
    ) -> BoxFuture<'_, Result<Option<(Task, Vec<Update>)>>> {
        let tenant = tenant.to_owned();
        now!({
            let table = self.open()?;
            Ok(table
                .get(&tenant, task_id)
                .map(|task| (task.clone(), table.rows_after(task_id, after, limit as usize))))
        })
    }

    fn counts(&self, tenant: &str) -> BoxFuture<'_, Result<Vec<Count>>> {
        (SELDOM.counts)(self, tenant.to_owned())
    }

    fn pause(&self, tenant: &str, queue: &str, paused: bool) -> BoxFuture<'_, Result<()>> {
        (SELDOM.pause)(self, tenant.to_owned(), queue.to_owned(), paused)
    }

    fn paused(&self, tenant: &str) -> BoxFuture<'_, Result<Vec<String>>> {
        (SELDOM.paused)(self, tenant.to_owned())
    }

    fn oldest(&self, tenant: &str) -> BoxFuture<'_, Result<Vec<(String, Timestamp)>>> {
        (SELDOM.oldest)(self, tenant.to_owned())
    }

    fn batch(&self, tenant: &str, batch_id: BatchId) -> BoxFuture<'_, Result<Counts>> {
        (SELDOM.batch)(self, tenant.to_owned(), batch_id)
    }

    fn recent(
        &self,
        tenant: &str,
        since: Timestamp,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Task>>> {
        (SELDOM.recent)(self, tenant.to_owned(), since, limit)
    }

    fn flow(
        &self,
        from: Timestamp,
        until: Timestamp,
    ) -> BoxFuture<'_, Result<Option<crate::words::Flows>>> {
        (SELDOM.flow)(self, from, until)
    }

    fn ahead(&self, task: &Task, most: u64) -> BoxFuture<'_, Result<u64>> {
        (SELDOM.ahead)(self, task.clone(), most)
    }

    fn due(&self, limit: u32) -> BoxFuture<'_, Result<Due>> {
        now!({
            let table = self.open()?;
            Ok(table.due(self.clock.now(), limit as usize))
        })
    }

    fn prune(&self, prune: Prune) -> BoxFuture<'_, Result<u64>> {
        now!({
            let mut table = self.open()?;
            Ok(table.prune(prune, self.clock.now()))
        })
    }

    fn announce(&self, tenant: &str, mut worker: WorkerInfo) -> BoxFuture<'_, Result<()>> {
        let tenant = tenant.to_owned();
        now!({
            worker.seen_at = self.clock.now();
            self.open()?.workers.insert(tenant, worker);
            Ok(())
        })
    }

    fn forget(&self, tenant: &str, worker_id: &str) -> BoxFuture<'_, Result<()>> {
        let (tenant, worker_id) = (tenant.to_owned(), worker_id.to_owned());
        now!({
            self.open()?.workers.remove(&tenant, &worker_id);
            Ok(())
        })
    }

    fn workers(&self, tenant: &str, within: Duration) -> BoxFuture<'_, Result<Vec<WorkerInfo>>> {
        let tenant = tenant.to_owned();
        now!({
            let since = self.clock.now().before(within);
            Ok(self.open()?.workers.seen(&tenant, since))
        })
    }

    fn close(&self) -> BoxFuture<'_, Result<()>> {
        now!(self.link.close())
    }
}

//! The store in memory: for tests, development, and work that may be lost with the process.

mod flow;
mod graphs;
mod indexes;
mod lines;
mod link;
mod named;
mod states;
mod table;
mod transaction;
mod walk;

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
use link::Link;
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

    fn do_lease(&self, table: &mut Table, order: &LeaseOrder) -> Leased {
        let now = self.clock.now();
        let (ids, suspect_waiting) = walk::choose(table, order);
        let request = &order.request;
        let mut leased = Leased { tasks: Vec::with_capacity(ids.len()), suspect_waiting };
        for id in ids {
            let granted = table.change(id, |task| {
                engine::lease::grant(task, &request.worker, order.token, request.ttl, now)
            });
            leased.tasks.extend(granted);
        }
        for leased in leased.tasks.iter_mut().filter(|leased| leased.task.state_key.is_some()) {
            leased.state = table.states.state_for(&leased.task);
        }
        leased
    }

    /// Writes what follows from noted changes; tells of it with [`followed`](Self::followed) once the
    /// table is free again.
    fn finish(&self, table: &mut Table, follow: Follow<TaskId>) -> Result<Vec<Followed>> {
        follow.finish(&mut Transaction { table, now: self.clock.now() })
    }

    /// Tells of what was written. Not while the table is locked.
    fn followed(&self, followed: &[Followed]) {
        self.link.followed(followed);
        self.link.changed();
    }
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
        now!({
            let mut table = self.open()?;
            let (composed, followed) = table.compose(composition, self.clock.now())?;
            drop(table);
            self.followed(&followed);
            Ok(composed)
        })
    }

    fn open_batch(&self, composition: Composition) -> BoxFuture<'_, Result<()>> {
        now!(self.open()?.open_batch(composition, self.clock.now()))
    }

    fn extend_batch(
        &self,
        tenant: &str,
        batch_id: BatchId,
        chunk: u32,
        tasks: Vec<NewTask>,
    ) -> BoxFuture<'_, Result<u64>> {
        let tenant = tenant.to_owned();
        now!(self.open()?.extend_batch(&tenant, batch_id, chunk, tasks))
    }

    fn seal_batch(
        &self,
        tenant: &str,
        batch_id: BatchId,
        depth_limit: Option<u64>,
    ) -> BoxFuture<'_, Result<Composed>> {
        let tenant = tenant.to_owned();
        now!({
            let mut table = self.open()?;
            let now = self.clock.now();
            let (composed, followed) = table.seal_batch(&tenant, batch_id, depth_limit, now)?;
            drop(table);
            self.followed(&followed);
            Ok(composed)
        })
    }

    fn graph(&self, tenant: &str, id: TaskId) -> BoxFuture<'_, Result<Option<Graph>>> {
        let tenant = tenant.to_owned();
        now!(Ok(self.open()?.graph(&tenant, id)))
    }

    fn upstream(
        &self,
        tenant: &str,
        task_id: TaskId,
        name: &str,
    ) -> BoxFuture<'_, Result<Option<Task>>> {
        let (tenant, name) = (tenant.to_owned(), name.to_owned());
        now!({
            let table = self.open()?;
            let mut named = table.upstream(&tenant, task_id).into_iter();
            Ok(named.find(|(known, _)| *known == name).map(|(_, task)| task.clone()))
        })
    }

    fn upstream_names(&self, tenant: &str, task_id: TaskId) -> BoxFuture<'_, Result<Vec<String>>> {
        let tenant = tenant.to_owned();
        now!({
            let table = self.open()?;
            let named = table.upstream(&tenant, task_id).into_iter();
            Ok(named.map(|(name, _)| name.to_owned()).collect())
        })
    }

    fn settle_together(&self, transitions: Vec<Transition>) -> BoxFuture<'_, Result<Applied>> {
        now!({
            let mut table = self.open()?;
            for transition in &transitions {
                match table.get(&transition.tenant, transition.task_id) {
                    None => return Ok(Applied::Missing),
                    Some(task) if !transition.guard.holds(task) => {
                        return Ok(Applied::Stale(Box::new(task.clone())));
                    }
                    Some(_) => {}
                }
            }
            let mut follow = Follow::default();
            let mut written = Transaction { table: &mut table, now: self.clock.now() };
            let mut first = None;
            for transition in &transitions {
                let applied = written.apply(transition, &mut follow)?;
                first.get_or_insert(applied);
            }
            let followed = self.finish(&mut table, follow)?;
            drop(table);
            self.followed(&followed);
            Ok(first.unwrap_or(Applied::Missing))
        })
    }

    fn state(&self, tenant: &str, state_key: &str) -> BoxFuture<'_, Result<Option<Payload>>> {
        let (tenant, state_key) = (tenant.to_owned(), state_key.to_owned());
        now!(Ok(self.open()?.states.state(&tenant, &state_key)))
    }

    fn on_follow(&self, listener: FollowListener) {
        self.link.follow(listener);
    }

    fn lease(&self, order: LeaseOrder) -> BoxFuture<'_, Result<Leased>> {
        now!({
            let mut table = self.open()?;
            Ok(self.do_lease(&mut table, &order))
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
            let followed = self.finish(&mut table, follow)?;
            let leased = then.map(|order| self.do_lease(&mut table, &order)).unwrap_or_default();
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
                if table.get(&tenant, id).is_none() {
                    answers.push(Renewed::Lost);
                    continue;
                }
                let renewed = table.change(id, |task| {
                    let (status, attempt) = (task.status, task.attempt);
                    let (answer, rows, _) = engine::lease::renew(task, renewal, now);
                    news |= renewal.started.is_some() || !rows.is_empty();
                    let concerns = task.attempt > attempt && Changed::concerns_others(task);
                    ((answer, concerns.then(|| Changed::of(task, status, attempt))), rows)
                });
                let (answer, changed) = renewed.unwrap_or((Renewed::Lost, None));
                if let Some(changed) = changed {
                    follow.note(&mut Transaction { table: &mut table, now }, id, changed)?;
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
        let tenant = tenant.to_owned();
        now!({
            let table = self.open()?;
            let mut tasks = Vec::new();
            let next = walk::matching(&table, &tenant, &filter, cursor, limit as usize, |task| {
                tasks.push(task.clone());
            });
            Ok(Page { tasks, next })
        })
    }

    fn find(
        &self,
        tenant: &str,
        filter: Filter,
        cursor: Option<Cursor>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Found>> {
        let tenant = tenant.to_owned();
        now!({
            let table = self.open()?;
            let mut ids = Vec::new();
            let next = walk::matching(&table, &tenant, &filter, cursor, limit as usize, |task| {
                ids.push(task.task_id);
            });
            Ok(Found { ids, next })
        })
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
        let tenant = tenant.to_owned();
        now!(Ok(self.open()?.counts(&tenant)))
    }

    fn pause(&self, tenant: &str, queue: &str, paused: bool) -> BoxFuture<'_, Result<()>> {
        let key = (tenant.to_owned(), queue.to_owned());
        now!({
            let mut table = self.open()?;
            if paused {
                table.paused.insert(key);
            } else {
                table.paused.remove(&key);
            }
            drop(table);
            self.link.changed();
            Ok(())
        })
    }

    fn paused(&self, tenant: &str) -> BoxFuture<'_, Result<Vec<String>>> {
        let tenant = tenant.to_owned();
        now!({
            let table = self.open()?;
            let mine = table.paused.iter().filter(|(of, _)| *of == tenant);
            Ok(mine.map(|(_, queue)| queue.clone()).collect())
        })
    }

    fn oldest(&self, tenant: &str) -> BoxFuture<'_, Result<Vec<(String, Timestamp)>>> {
        let tenant = tenant.to_owned();
        now!(Ok(self.open()?.lines.oldest(&tenant)))
    }

    fn batch(&self, tenant: &str, batch_id: BatchId) -> BoxFuture<'_, Result<Counts>> {
        let tenant = tenant.to_owned();
        now!(Ok(self.open()?.batch(&tenant, batch_id)))
    }

    fn recent(
        &self,
        tenant: &str,
        since: Timestamp,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Task>>> {
        let tenant = tenant.to_owned();
        now!(Ok(self.open()?.recent(&tenant, since, limit as usize)))
    }

    fn flow(
        &self,
        from: Timestamp,
        until: Timestamp,
    ) -> BoxFuture<'_, Result<Option<crate::words::Flows>>> {
        now!(Ok(self.open()?.flow(from, until)))
    }

    fn ahead(&self, task: &Task, most: u64) -> BoxFuture<'_, Result<u64>> {
        let task = task.clone();
        now!(Ok(walk::ahead(&*self.open()?, &task, most)))
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
            self.open()?.workers.insert((tenant, worker.worker_id.clone()), worker);
            Ok(())
        })
    }

    fn forget(&self, tenant: &str, worker_id: &str) -> BoxFuture<'_, Result<()>> {
        let key = (tenant.to_owned(), worker_id.to_owned());
        now!({
            self.open()?.workers.remove(&key);
            Ok(())
        })
    }

    fn workers(&self, tenant: &str, within: Duration) -> BoxFuture<'_, Result<Vec<WorkerInfo>>> {
        let tenant = tenant.to_owned();
        now!({
            let table = self.open()?;
            let since = self.clock.now().before(within);
            let live =
                table.workers.iter().filter(|((t, _), w)| *t == tenant && w.seen_at >= since);
            Ok(live.map(|(_, worker)| worker.clone()).collect())
        })
    }

    fn close(&self) -> BoxFuture<'_, Result<()>> {
        now!(self.link.close())
    }
}

//! The store in memory: for tests, development, and work that may be lost with the process.

mod flow;
mod lines;
mod link;
mod named;
mod table;
mod walk;

use std::sync::{Arc, MutexGuard};
use std::time::Duration;

use crate::engine;
use crate::engine::transition::Transition;
use crate::error::Result;
use crate::future::BoxFuture;
use crate::store::clock::{Clock, SystemClock};
use crate::store::{Applied, ChangeListener, Due, EnqueueGroup, Found, LeaseOrder, Prune, Store};
use crate::words::{
    BatchId, Count, Counts, Cursor, Filter, Leased, Page, Renewal, Renewed, Settled, Submission,
    Task, TaskId, Timestamp, Update, WorkerInfo,
};
use link::Link;
use table::Table;

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
        leased
    }

    fn apply(&self, table: &mut Table, transition: &Transition) -> Applied {
        let now = self.clock.now();
        match table.get(&transition.tenant, transition.task_id) {
            None => Applied::Missing,
            Some(task) if !transition.guard.holds(task) => Applied::Stale(Box::new(task.clone())),
            Some(_) => {
                let settled = table.change(transition.task_id, |task| {
                    let rows = transition.apply(task, now);
                    (Settled { task_id: task.task_id, status: task.status }, rows)
                });
                settled.map_or(Applied::Missing, Applied::Done)
            }
        }
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
            let applied = transitions.iter().map(|t| Ok(self.apply(&mut table, t))).collect();
            let leased = then.map(|order| self.do_lease(&mut table, &order)).unwrap_or_default();
            drop(table);
            self.link.changed();
            Ok((applied, leased))
        })
    }

    fn renew(&self, tenant: &str, renewals: Vec<Renewal>) -> BoxFuture<'_, Result<Vec<Renewed>>> {
        let tenant = tenant.to_owned();
        now!({
            let mut table = self.open()?;
            let now = self.clock.now();
            let mut news = false;
            let answers = renewals
                .iter()
                .map(|renewal| {
                    if table.get(&tenant, renewal.task_id).is_none() {
                        return Renewed::Lost;
                    }
                    let renewed = table.change(renewal.task_id, |task| {
                        let (answer, rows, _) = engine::lease::renew(task, renewal, now);
                        news |= renewal.started.is_some() || !rows.is_empty();
                        (answer, rows)
                    });
                    renewed.unwrap_or(Renewed::Lost)
                })
                .collect();
            drop(table);
            if news {
                self.link.changed();
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

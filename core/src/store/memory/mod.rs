//! The store in memory: for tests, development, and work that may be lost with the process.

mod lines;
mod table;
mod walk;

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use crate::engine;
use crate::engine::transition::Transition;
use crate::error::{Error, Result};
use crate::future::BoxFuture;
use crate::store::clock::{Clock, SystemClock};
use crate::store::{Applied, ChangeListener, Due, EnqueueGroup, LeaseOrder, Prune, Store};
use crate::words::{
    Count, Cursor, Filter, Leased, Page, Renewal, Renewed, Settled, Submission, Task, TaskId,
    Timestamp, Update, WorkerInfo,
};
use table::Table;

/// Keeps tasks in this process's memory. Clones share the tasks.
#[derive(Clone)]
pub struct MemoryStore {
    clock: Arc<dyn Clock>,
    table: Arc<Mutex<Table>>,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new(Arc::new(SystemClock))
    }
}

impl MemoryStore {
    /// An empty store that goes by `clock`.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, table: Arc::default() }
    }

    /// Whether it was closed.
    pub fn is_closed(&self) -> bool {
        self.table.lock().map_or(true, |table| table.closed)
    }

    fn open(&self) -> Result<MutexGuard<'_, Table>> {
        // A panic while the table was locked would be a bug here; the rows are still consistent
        // enough to be read, so go on rather than poison every caller.
        let table = self.table.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if table.closed { Err(Error::ClientClosed) } else { Ok(table) }
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

    fn on_change(&self, _: ChangeListener) {}

    fn enqueue(
        &self,
        groups: Vec<EnqueueGroup>,
    ) -> BoxFuture<'_, Result<Vec<Result<Vec<Submission>>>>> {
        now!({
            let mut table = self.open()?;
            let now = self.clock.now();
            Ok(groups.into_iter().map(|group| table.enqueue(group, now)).collect())
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
            Ok((applied, leased))
        })
    }

    fn renew(&self, tenant: &str, renewals: Vec<Renewal>) -> BoxFuture<'_, Result<Vec<Renewed>>> {
        let tenant = tenant.to_owned();
        now!({
            let mut table = self.open()?;
            let now = self.clock.now();
            Ok(renewals
                .iter()
                .map(|renewal| {
                    if table.get(&tenant, renewal.task_id).is_none() {
                        return Renewed::Lost;
                    }
                    let renewed = table.change(renewal.task_id, |task| {
                        let (answer, rows, _) = engine::lease::renew(task, renewal, now);
                        (answer, rows)
                    });
                    renewed.unwrap_or(Renewed::Lost)
                })
                .collect())
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
        now!(Ok(walk::list(&*self.open()?, &tenant, &filter, cursor, limit as usize)))
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
        now!({
            self.open()?.closed = true;
            Ok(())
        })
    }
}

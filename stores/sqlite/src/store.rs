//! The store: what the trait asks, handed to the verbs.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use windlass_core::engine::submit::NewTask;
use windlass_core::engine::transition::Transition;
use windlass_core::future::BoxFuture;
use windlass_core::store::{
    Applied, ChangeListener, Composed, Composition, Due, EnqueueGroup, FollowListener, Found,
    Graph, LeaseOrder, Prune,
};
use windlass_core::{
    BatchId, Clock, Count, Counts, Cursor, Error, Filter, Leased, Page, Payload, Renewal, Renewed,
    Result, Store, Submission, SystemClock, Task, TaskId, Timestamp, Update, WorkerInfo,
};

use crate::error::Place;
use crate::keeper::{self, Errands, Keeper};
use crate::location::Location;
use crate::pen::{Durability, Pen};
use crate::readers::Readers;
use crate::tx::Tx;
use crate::wake::{Bell, Listeners};
use crate::writer::Writer;
use crate::{
    chunks, compose, counts, due, enqueue, graph, lease, line, list, open, prune, queues, recent,
    renew, row, settle, updates, workers,
};

/// Tasks that one transaction of a prune removes.
const PRUNED_AT_ONCE: usize = 200;

/// How a store is opened.
#[derive(Clone)]
pub struct Options {
    /// How far a write goes before it is acknowledged. Default `Full`.
    pub durability: Durability,
    /// Judges deadlines and `run_at`. Default the host's clock.
    pub clock: Arc<dyn Clock>,
}

impl Default for Options {
    fn default() -> Self {
        Self { durability: Durability::default(), clock: Arc::new(SystemClock) }
    }
}

/// Keeps tasks in one SQLite file, which several processes of one machine may share. Clones share
/// the connections; the last one to be dropped writes what is queued and closes them.
#[derive(Clone)]
pub struct SqliteStore {
    inner: Arc<Inner>,
}

struct Inner {
    /// The process that opened the connections; a fork of it must not use them.
    process: u32,
    location: Location,
    clock: Arc<dyn Clock>,
    writer: Arc<Writer>,
    readers: Readers,
    bell: Arc<Bell>,
    listeners: Listeners,
    keeper: Mutex<Keeper>,
    pruned: Mutex<prune::Place>,
}

impl SqliteStore {
    /// Opens the store in the file at `path`, makes it if there is none, and brings its schema up to
    /// date. Waits while other processes do the same.
    ///
    /// # Errors
    ///
    /// `invalid_url` when the folder does not exist, `invalid_store` when the file is something else,
    /// is damaged or lies on a network file system, `schema_incompatible`, `store_read_only`,
    /// `store_full`, `store_unavailable`.
    pub fn open(path: &Path, options: Options) -> Result<Self> {
        let location = Location::find(path)?;
        let (mut connection, turn) = open::writer(&location)?;
        let place = Place { operation: "opening the store", location: &location.name };
        let bell = Arc::new(Bell::open(&location).map_err(|e| place.io(e))?);
        let errands = Arc::new(Errands::default());
        let own = errands.clone();
        bell.on_owed(move || own.ring_later());
        let own = errands.clone();
        connection
            .wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, pages| {
                own.logged(pages);
                Ok(())
            }))
            .map_err(|e| place.sqlite(None, e))?;
        let clock = options.clock;
        let pen = Pen::new(
            connection,
            turn,
            clock.clone(),
            &location.name,
            options.durability,
            bell.clone(),
        );
        let writer = Arc::new(Writer::start(pen).map_err(|e| place.io(e))?);
        let connection = open::keeper(&location.file).map_err(|e| place.sqlite(None, e))?;
        let keeper = Keeper::start(errands, bell.clone(), Arc::downgrade(&writer), connection)
            .map_err(|e| place.io(e))?;
        let inner = Inner {
            process: std::process::id(),
            readers: Readers::new(location.file.clone(), location.name.clone()),
            location,
            clock,
            writer,
            bell,
            listeners: Listeners::default(),
            keeper: Mutex::new(keeper),
            pruned: Mutex::default(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    fn inner(&self) -> Result<&Inner> {
        if self.inner.is_ours() {
            return Ok(&self.inner);
        }
        Err(Error::StoreUnavailable {
            operation: "using the store".into(),
            reason: "this process is a fork of the one that opened it; connect again".to_owned(),
            source: None,
        })
    }

    async fn write<T: Send + 'static>(
        &self,
        operation: &'static str,
        durable: bool,
        work: impl FnMut(&mut Tx<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        self.inner()?.writer.write(operation, durable, work).await
    }

    fn read<T>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&rusqlite::Connection) -> rusqlite::Result<T>,
    ) -> Result<T> {
        self.inner()?.readers.read(operation, work)
    }

    async fn do_prune(&self, prune: Prune) -> Result<u64> {
        let now = self.inner.clock.now();
        let pruned = || self.inner.pruned.lock().unwrap_or_else(PoisonError::into_inner);
        let place = *pruned();
        let found = self.read("looking for old tasks", |c| prune::find(c, &prune, now, place))?;
        *pruned() = found.next;
        let mut gone = 0;
        for some in found.tasks.chunks(PRUNED_AT_ONCE) {
            let some = some.to_vec();
            gone +=
                self.write("removing old tasks", true, move |tx| prune::remove(tx, &some)).await?;
        }
        let histories = found.histories;
        self.write("removing old history", false, move |tx| prune::tidy(tx, &histories, &prune))
            .await?;
        Ok(gone)
    }
}

impl Inner {
    fn is_ours(&self) -> bool {
        self.process == std::process::id()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let keeper = self.keeper.get_mut().unwrap_or_else(PoisonError::into_inner);
        if self.process == std::process::id() {
            keeper.stop();
            self.listeners.close();
        } else {
            // Threads do not exist here and locks are another's: touch nothing.
            keeper.abandon();
            std::mem::forget(self.writer.clone());
            self.listeners.abandon();
        }
    }
}

impl Store for SqliteStore {
    fn location(&self) -> String {
        format!("sqlite:{}", self.inner.location.name)
    }

    fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    fn on_change(&self, listener: ChangeListener) {
        if self.inner.is_ours() {
            self.inner.listeners.add(&self.inner.bell, listener);
        }
    }

    fn enqueue(
        &self,
        groups: Vec<EnqueueGroup>,
    ) -> BoxFuture<'_, Result<Vec<Result<Vec<Submission>>>>> {
        Box::pin(self.write("storing tasks", true, move |tx| enqueue::enqueue(tx, &groups)))
    }

    fn compose(&self, composition: Composition) -> BoxFuture<'_, Result<Composed>> {
        let work = move |tx: &mut Tx<'_>| compose::compose(tx, &composition);
        Box::pin(async move { self.write("storing a composite", true, work).await? })
    }

    fn open_batch(&self, composition: Composition) -> BoxFuture<'_, Result<()>> {
        let work = move |tx: &mut Tx<'_>| chunks::open(tx, &composition);
        Box::pin(async move { self.write("beginning a batch", true, work).await? })
    }

    fn extend_batch(
        &self,
        tenant: &str,
        batch_id: BatchId,
        chunk: u32,
        tasks: Vec<NewTask>,
    ) -> BoxFuture<'_, Result<u64>> {
        let tenant = tenant.to_owned();
        let work = move |tx: &mut Tx<'_>| chunks::extend(tx, &tenant, batch_id, chunk, &tasks);
        Box::pin(async move { self.write("storing a chunk", true, work).await? })
    }

    fn seal_batch(
        &self,
        tenant: &str,
        batch_id: BatchId,
        depth_limit: Option<u64>,
    ) -> BoxFuture<'_, Result<Composed>> {
        let tenant = tenant.to_owned();
        let work = move |tx: &mut Tx<'_>| chunks::seal(tx, &tenant, batch_id, depth_limit);
        Box::pin(async move { self.write("sealing a batch", true, work).await? })
    }

    fn graph(&self, tenant: &str, id: TaskId) -> BoxFuture<'_, Result<Option<Graph>>> {
        let tenant = tenant.to_owned();
        Box::pin(async move { self.read("reading a graph", |c| graph::graph(c, &tenant, id)) })
    }

    fn upstream(
        &self,
        tenant: &str,
        task_id: TaskId,
        name: &str,
    ) -> BoxFuture<'_, Result<Option<Task>>> {
        let (tenant, name) = (tenant.to_owned(), name.to_owned());
        Box::pin(async move {
            self.read("reading what went before", |connection| {
                graph::upstream(connection, &tenant, task_id, &name)
            })
        })
    }

    fn upstream_names(&self, tenant: &str, task_id: TaskId) -> BoxFuture<'_, Result<Vec<String>>> {
        let tenant = tenant.to_owned();
        Box::pin(async move {
            self.read("reading what went before", |connection| {
                graph::upstream_names(connection, &tenant, task_id)
            })
        })
    }

    fn settle_together(&self, transitions: Vec<Transition>) -> BoxFuture<'_, Result<Applied>> {
        let work = move |tx: &mut Tx<'_>| settle::settle_together(tx, &transitions);
        Box::pin(async move { self.write("settling tasks together", true, work).await? })
    }

    fn state(&self, tenant: &str, state_key: &str) -> BoxFuture<'_, Result<Option<Payload>>> {
        let (tenant, state_key) = (tenant.to_owned(), state_key.to_owned());
        Box::pin(
            async move { self.read("reading a state", |c| line::state(c, &tenant, &state_key)) },
        )
    }

    fn on_follow(&self, listener: FollowListener) {
        if self.inner.is_ours() {
            self.inner.writer.on_follow(listener);
        }
    }

    fn lease(&self, order: LeaseOrder) -> BoxFuture<'_, Result<Leased>> {
        Box::pin(self.write("leasing tasks", false, move |tx| lease::lease(tx, &order)))
    }

    fn settle(
        &self,
        transitions: Vec<Transition>,
        then: Option<LeaseOrder>,
    ) -> BoxFuture<'_, Result<(Vec<Result<Applied>>, Leased)>> {
        let durable = !transitions.is_empty();
        Box::pin(self.write("settling tasks", durable, move |tx| {
            settle::settle(tx, &transitions, then.as_ref())
        }))
    }

    fn renew(&self, tenant: &str, renewals: Vec<Renewal>) -> BoxFuture<'_, Result<Vec<Renewed>>> {
        let tenant = tenant.to_owned();
        Box::pin(async move {
            if renewals.iter().all(renew::only_asks) {
                let now = self.inner.clock.now();
                return self
                    .read("asking after leases", |c| renew::ask(c, &tenant, &renewals, now));
            }
            self.write("renewing leases", false, move |tx| renew::renew(tx, &tenant, &renewals))
                .await
        })
    }

    fn get(&self, tenant: &str, ids: Vec<TaskId>) -> BoxFuture<'_, Result<Vec<Option<Task>>>> {
        let tenant = tenant.to_owned();
        Box::pin(async move {
            self.read("reading tasks", |connection| {
                let one =
                    |id: &TaskId| Ok(row::full(connection, &tenant, *id)?.map(|(_, task)| task));
                ids.iter().map(one).collect()
            })
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
        Box::pin(async move {
            self.read("listing tasks", |connection| {
                list::list(connection, &tenant, &filter, cursor, limit as usize)
            })
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
        Box::pin(async move {
            self.read("finding tasks", |connection| {
                list::find(connection, &tenant, &filter, cursor, limit as usize)
            })
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
        Box::pin(async move {
            self.read("reading a history", |connection| {
                updates::read(connection, &tenant, task_id, after, limit)
            })
        })
    }

    fn counts(&self, tenant: &str) -> BoxFuture<'_, Result<Vec<Count>>> {
        let tenant = tenant.to_owned();
        Box::pin(async move { self.read("counting tasks", |c| counts::read(c, &tenant)) })
    }

    fn pause(&self, tenant: &str, queue: &str, paused: bool) -> BoxFuture<'_, Result<()>> {
        let (tenant, queue) = (tenant.to_owned(), queue.to_owned());
        Box::pin(
            self.write("pausing a queue", true, move |tx| {
                queues::pause(tx, &tenant, &queue, paused)
            }),
        )
    }

    fn paused(&self, tenant: &str) -> BoxFuture<'_, Result<Vec<String>>> {
        let tenant = tenant.to_owned();
        Box::pin(async move { self.read("reading queues", |c| queues::paused(c, &tenant)) })
    }

    fn oldest(&self, tenant: &str) -> BoxFuture<'_, Result<Vec<(String, Timestamp)>>> {
        let tenant = tenant.to_owned();
        Box::pin(async move { self.read("reading queues", |c| queues::oldest(c, &tenant)) })
    }

    fn batch(&self, tenant: &str, batch_id: BatchId) -> BoxFuture<'_, Result<Counts>> {
        let tenant = tenant.to_owned();
        Box::pin(
            async move { self.read("counting tasks", |c| counts::batch(c, &tenant, batch_id)) },
        )
    }

    fn recent(
        &self,
        tenant: &str,
        since: Timestamp,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Task>>> {
        let tenant = tenant.to_owned();
        Box::pin(async move {
            self.read("reading what changed", |c| recent::recent(c, &tenant, since, limit as usize))
        })
    }

    fn flow(
        &self,
        from: Timestamp,
        until: Timestamp,
    ) -> BoxFuture<'_, Result<Option<windlass_core::words::Flows>>> {
        Box::pin(
            async move { self.read("reading what went", |c| crate::flow::flow(c, from, until)) },
        )
    }

    fn ahead(&self, task: &Task, most: u64) -> BoxFuture<'_, Result<u64>> {
        let task = task.clone();
        Box::pin(async move { self.read("counting tasks ahead", |c| due::ahead(c, &task, most)) })
    }

    fn due(&self, limit: u32) -> BoxFuture<'_, Result<Due>> {
        Box::pin(async move {
            let now = self.inner.clock.now();
            self.read("looking for due tasks", |connection| due::due(connection, now, limit))
        })
    }

    fn prune(&self, prune: Prune) -> BoxFuture<'_, Result<u64>> {
        Box::pin(self.do_prune(prune))
    }

    fn announce(&self, tenant: &str, worker: WorkerInfo) -> BoxFuture<'_, Result<()>> {
        let tenant = tenant.to_owned();
        Box::pin(
            self.write("announcing a worker", false, move |tx| {
                workers::announce(tx, &tenant, &worker)
            }),
        )
    }

    fn forget(&self, tenant: &str, worker_id: &str) -> BoxFuture<'_, Result<()>> {
        let (tenant, worker_id) = (tenant.to_owned(), worker_id.to_owned());
        Box::pin(self.write("forgetting a worker", false, move |tx| {
            workers::forget(tx, &tenant, &worker_id)
        }))
    }

    fn workers(&self, tenant: &str, within: Duration) -> BoxFuture<'_, Result<Vec<WorkerInfo>>> {
        let tenant = tenant.to_owned();
        Box::pin(async move {
            let since = self.inner.clock.now().before(within);
            self.read("reading workers", |c| workers::seen_since(c, &tenant, since))
        })
    }

    fn close(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            let inner = self.inner()?;
            let pen = inner.writer.close().ok_or(Error::ClientClosed)?;
            inner.keeper.lock().unwrap_or_else(PoisonError::into_inner).stop();
            inner.listeners.close();
            inner.readers.close();
            keeper::checkpoint(&pen.connection);
            Ok(())
        })
    }
}

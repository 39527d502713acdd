//! Everything that one process measures.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use prometheus_client::encoding::text;
use prometheus_client::registry::Registry;
use tokio::sync::Mutex;
use windlass_core::client::DEFAULT_TENANT;
use windlass_core::client::health_of;
use windlass_core::{Client, ClusterHealth, Error, Result, Service, Store, WorkerInfo};

use crate::observe::calls::Calls;
use crate::observe::gauges::{Gauges, Standing};
use crate::observe::http::Http;
use crate::observe::interned::Interned;
use crate::observe::judge::Judge;
use crate::observe::store::ObservedStore;
use crate::observe::tasks::Tasks;
use crate::observe::workers::{Asking, Book, Change, Elapsed};

/// The type of the text that [`Metrics::read`] gives.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// How old what was asked of the service may be.
const FRESH: Duration = Duration::from_secs(1);
/// How long the service may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// Tenants whose queues are asked for: the default one and the first that were seen.
const TENANTS: usize = 50;
/// Time between two judgements of workers that nobody asked for.
const JUDGE_EVERY: Duration = Duration::from_secs(5);

/// What one process measures: its store, its tasks, its HTTP server, and the workers that speak to it.
///
/// Counters tell what went through this process; queues and workers are asked of the service when the
/// metrics are read. They are over all tenants.
pub struct Metrics {
    pub(super) tasks: Arc<Tasks>,
    pub(super) calls: Arc<Calls>,
    /// The default tenant, and those that stored or leased tasks.
    pub(super) tenants: Interned<()>,
    http: Arc<Http>,
    gauges: Arc<Gauges>,
    /// When the gauges were asked last; held while they are, so that many readers ask once.
    asked: Mutex<Option<Duration>>,
    book: Book,
    registry: Registry,
    /// The time of the book, and of the gauges.
    elapsed: Elapsed,
}

impl Metrics {
    /// Nothing measured yet.
    pub fn new() -> Arc<Self> {
        let start = Instant::now();
        Self::timed_by(Arc::new(move || start.elapsed()))
    }

    /// The same, by a time of one's own, for tests: since some fixed start, never stepping back. Workers
    /// are judged by it.
    pub fn timed_by(elapsed: Arc<dyn Fn() -> Duration + Send + Sync>) -> Arc<Self> {
        let tasks = Arc::new(Tasks::new());
        let calls = Arc::new(Calls::new());
        let http = Arc::new(Http::new());
        let gauges = Arc::new(Gauges::default());
        let tenants = Interned::new(TENANTS);
        tenants.place(DEFAULT_TENANT);
        let mut registry = Registry::default();
        registry.register_collector(Box::new(gauges.clone()));
        registry.register_collector(Box::new(tasks.clone()));
        registry.register_collector(Box::new(calls.clone()));
        registry.register_collector(Box::new(http.clone()));
        Arc::new(Self {
            tasks,
            calls,
            tenants,
            http,
            gauges,
            asked: Mutex::new(None),
            book: Book::default(),
            registry,
            elapsed,
        })
    }

    /// What puts a measuring store around another: for `ConnectOptions.instrument`.
    pub fn instrument(
        self: &Arc<Self>,
    ) -> Arc<dyn Fn(Arc<dyn Store>) -> Arc<dyn Store> + Send + Sync> {
        let metrics = self.clone();
        Arc::new(move |store| Arc::new(ObservedStore::new(store, metrics.clone())))
    }

    /// Requests, streams and connections.
    pub fn http(&self) -> &Http {
        &self.http
    }

    /// A worker announced itself.
    pub fn heard_of(&self, tenant: &str, worker: &WorkerInfo) {
        self.book.heard(tenant, &worker.worker_id, (self.elapsed)());
    }

    /// A worker asks for work, until the answer is dropped: keep it while its request waits.
    pub fn asked_for_work(&self, tenant: &str, worker: &str) -> Asking {
        self.book.asks(tenant, worker, &self.elapsed)
    }

    /// The tenant's live workers, with those that are deaf marked. Tells the log when one becomes so.
    ///
    /// # Errors
    ///
    /// `store_unavailable`, `client_closed`.
    pub async fn workers(&self, service: &dyn Service, tenant: &str) -> Result<Vec<WorkerInfo>> {
        let mut workers = service.workers(tenant).await?;
        let mut judge = Judge::new(service, tenant);
        for worker in &mut workers {
            let now = (self.elapsed)();
            let Some(quiet) = self.book.quiet(tenant, &worker.worker_id, now) else { continue };
            worker.deaf |= judge.is_deaf(worker, quiet).await?;
            let worker_id = &worker.worker_id;
            match self.book.judged(tenant, worker_id, worker.deaf) {
                Change::None => {}
                Change::Deafened => tracing::warn!(
                    tenant,
                    worker_id,
                    host = worker.host,
                    quiet_seconds = quiet.as_secs(),
                    holds = worker.holds,
                    concurrency = worker.concurrency,
                    "the worker is deaf: it asks for no work although it has room and work waits"
                ),
                Change::Recovered => {
                    tracing::info!(tenant, worker_id, "the worker is deaf no more");
                }
            }
        }
        Ok(workers)
    }

    /// The tenant's health, with deaf workers told apart.
    ///
    /// # Errors
    ///
    /// `store_unavailable`, `client_closed`.
    pub async fn cluster_health(
        &self,
        service: &dyn Service,
        tenant: &str,
    ) -> Result<ClusterHealth> {
        let queues = service.queues(tenant).await?;
        let workers = self.workers(service, tenant).await?;
        health_of(service, tenant, &queues, &workers).await
    }

    /// All metrics as text of [`CONTENT_TYPE`]. Asks the service how things stand, unless that was done
    /// within the last second; when it does not answer, the rest is told all the same.
    pub async fn read(&self, service: &dyn Service) -> String {
        {
            let mut asked = self.asked.lock().await;
            let now = (self.elapsed)();
            if asked.is_none_or(|at| now.saturating_sub(at) >= FRESH) {
                let standing = tokio::time::timeout(PATIENCE, self.standing(service)).await;
                self.gauges.set(standing.ok().and_then(|standing| {
                    standing
                        .inspect_err(
                            |error| tracing::warn!(%error, "the queues could not be counted"),
                        )
                        .ok()
                }));
                *asked = Some(now);
            }
        }
        let mut written = String::new();
        // A string takes everything that is written to it.
        let _ = text::encode(&mut written, &self.registry);
        written
    }

    async fn standing(&self, service: &dyn Service) -> Result<Standing> {
        let mut standing = Standing::default();
        for (tenant, ()) in self.tenants.all() {
            let queues = service.queues(tenant).await?;
            let workers = self.workers(service, tenant).await?;
            standing.add(&queues, &workers, service.now(), |queue| self.tasks.label(queue));
        }
        Ok(standing)
    }

    /// Judges workers every few seconds, for as long as the client's service is there: so that the log
    /// tells of a deaf one although nobody asks.
    pub fn watch(self: &Arc<Self>, client: &Client) {
        let (metrics, service) = (Arc::downgrade(self), Arc::downgrade(client.service()));
        let host = client.host().clone();
        client.host().spawn(Box::pin(async move {
            while judge_all(&metrics, &service).await {
                host.sleep(JUDGE_EVERY).await;
            }
        }));
    }
}

/// Whether there is still somebody to judge for.
async fn judge_all(metrics: &Weak<Metrics>, service: &Weak<dyn Service>) -> bool {
    let (Some(metrics), Some(service)) = (metrics.upgrade(), service.upgrade()) else {
        return false;
    };
    for tenant in metrics.book.tenants() {
        match metrics.workers(&*service, &tenant).await {
            Ok(_) => {}
            Err(Error::ClientClosed) => return false,
            Err(error) => tracing::debug!(%error, tenant, "the workers could not be judged"),
        }
    }
    true
}

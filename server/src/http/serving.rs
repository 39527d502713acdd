//! What every request needs: the service, the limits, and whether the server goes down.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use windlass_core::runtime::host::SharedHost;
use windlass_core::{Client, Error, Result, Service, Task, TaskId, Timestamp, Update};

use super::auth::Key;
use super::leaving::Leaving;
use super::options::ServeOptions;
use crate::observe::{History, Metrics};

/// How far the server is on its way down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// It takes requests.
    Open,
    /// It takes no new ones; held answers and streams end.
    Draining,
    /// Connections are cut.
    Cut,
}

/// What every request needs.
pub(crate) struct Serving {
    pub(crate) service: Arc<dyn Service>,
    pub(crate) host: SharedHost,
    pub(crate) options: ServeOptions,
    pub(crate) key: Option<Key>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) history: Arc<History>,
    pub(crate) leaving: Leaving,
    streams: Arc<Semaphore>,
    phase: watch::Sender<Phase>,
}

impl Serving {
    /// Serves `client`'s service.
    pub(crate) fn new(client: &Client, options: ServeOptions) -> Self {
        Self {
            service: client.service().clone(),
            host: client.host().clone(),
            history: Arc::default(),
            metrics: options.metrics.clone().unwrap_or_else(Metrics::new),
            key: options.api_key.as_deref().map(Key::new),
            leaving: Leaving::default(),
            streams: Arc::new(Semaphore::new(options.max_streams)),
            phase: watch::Sender::new(Phase::Open),
            options,
        }
    }

    /// The time by the store's clock.
    pub(crate) fn now(&self) -> Timestamp {
        self.service.now()
    }

    /// Whether the server goes down.
    pub(crate) fn is_draining(&self) -> bool {
        *self.phase.borrow() >= Phase::Draining
    }

    /// Resolves when the server goes down.
    pub(crate) async fn draining(&self) {
        self.reached(Phase::Draining).await;
    }

    /// Resolves when the server is at `phase`, or further.
    pub(crate) async fn reached(&self, phase: Phase) {
        // The sender lives as long as this.
        let _ = self.phase.subscribe().wait_for(|now| *now >= phase).await;
    }

    /// Goes to `phase`; never back.
    pub(crate) fn go(&self, phase: Phase) {
        self.phase.send_if_modified(|now| {
            let on = *now < phase;
            *now = phase.max(*now);
            on
        });
    }

    /// A place among the streams and held answers, for as long as it is kept.
    ///
    /// # Errors
    ///
    /// `service_unavailable` when none is left, or the server goes down.
    pub(crate) fn hold(&self) -> Result<OwnedSemaphorePermit> {
        if self.is_draining() {
            return Err(unavailable("the server is going down"));
        }
        self.streams
            .clone()
            .try_acquire_owned()
            .map_err(|_| unavailable("too many streams are open"))
    }

    /// Streams and held answers that are open.
    pub(crate) fn streams(&self) -> usize {
        self.options.max_streams.saturating_sub(self.streams.available_permits())
    }

    /// Tasks once they have ended; see `Service::wait`. A server that goes down answers them as they
    /// stand.
    pub(crate) async fn wait(
        &self,
        tenant: &str,
        ids: Vec<TaskId>,
        fail_fast: bool,
        wait: Duration,
    ) -> Result<Vec<Task>> {
        if !wait.is_zero() {
            let ids = ids.clone();
            tokio::select! {
                tasks = self.service.wait(tenant, ids, fail_fast, wait) => return tasks,
                () = self.draining() => {}
            }
        }
        self.service.wait(tenant, ids, fail_fast, Duration::ZERO).await
    }

    /// History of a task; see `Service::updates`. A server that goes down answers what there is.
    pub(crate) async fn updates(
        &self,
        tenant: &str,
        id: TaskId,
        after: u64,
        limit: u32,
        wait: Duration,
    ) -> Result<Vec<Update>> {
        if !wait.is_zero() {
            tokio::select! {
                updates = self.service.updates(tenant, id, after, limit, wait) => return updates,
                () = self.draining() => {}
            }
        }
        self.service.updates(tenant, id, after, limit, Duration::ZERO).await
    }
}

/// The answer when there is no room; try again after a second.
pub(crate) fn unavailable(reason: &str) -> Error {
    Error::ServiceUnavailable { reason: reason.to_owned(), retry_after: Duration::from_secs(1) }
}

//! Drives the machine: asks it for a plan, does it against the service, tells it what happened.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::{Notify, watch};

use crate::error::Result;
use crate::future::BoxFuture;
use crate::rules::limits;
use crate::runtime::host::SharedHost;
use crate::runtime::service::Service;
use crate::words::{NewUpdate, Outcome, Timestamp, WorkerInfo};
use crate::worker::config::{Lane, WorkerConfig};
use crate::worker::job::{Job, JobId, Signal};
use crate::worker::machine::{Machine, Plan};
use crate::worker::operations::Event;

/// Time between announcements.
const ANNOUNCE: Duration = Duration::from_secs(5);

/// How a worker leaves, if it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Leaving {
    /// It takes work.
    Not,
    /// It takes no more, and has time to say so.
    InOrder,
    /// It ends now.
    AtOnce,
}

/// One worker and everything around it.
pub(super) struct Driver {
    pub(super) info: WorkerInfo,
    pub(super) tenant: String,
    pub(super) service: Arc<dyn Service>,
    pub(super) host: SharedHost,
    /// Never held while a future is awaited or a host is called.
    machine: Mutex<Machine>,
    /// The machine has something new to plan.
    poke: Notify,
    ready: [Notify; 2],
    ready_threads: Condvar,
    signals: Notify,
    /// Whether more work is taken: whoever waits for some may wait in vain.
    pub(super) leaving: watch::Sender<Leaving>,
    /// The store did not answer when it was asked last: that is news once, not at every question.
    pub(super) in_trouble: AtomicBool,
    stopped: watch::Sender<bool>,
}

impl Driver {
    pub(super) fn start(
        service: Arc<dyn Service>,
        host: SharedHost,
        tenant: &str,
        config: WorkerConfig,
    ) -> Arc<Self> {
        let info = announcement(&config);
        let driver = Arc::new(Self {
            tenant: tenant.to_owned(),
            machine: Mutex::new(Machine::new(info.worker_id.clone(), config)),
            poke: Notify::new(),
            ready: [Notify::new(), Notify::new()],
            ready_threads: Condvar::new(),
            signals: Notify::new(),
            leaving: watch::Sender::new(Leaving::Not),
            in_trouble: AtomicBool::new(false),
            stopped: watch::Sender::new(false),
            info,
            service,
            host: host.clone(),
        });
        let running = driver.clone();
        host.spawn(Box::pin(async move { running.run().await }));
        driver
    }

    pub(super) fn id(&self) -> &str {
        &self.info.worker_id
    }

    pub(super) async fn claim(&self, lane: Lane, max: usize) -> Vec<Job> {
        loop {
            let ready = self.ready[lane as usize].notified();
            let mut ready = std::pin::pin!(ready);
            ready.as_mut().enable();
            if let Some(jobs) = self.try_claim(&mut self.lock(), lane, max) {
                return jobs;
            }
            ready.await;
        }
    }

    pub(super) fn claim_blocking(
        &self,
        lane: Lane,
        max: usize,
        limit: Duration,
    ) -> Option<Vec<Job>> {
        let mut machine = self.lock();
        let deadline = self.host.monotonic() + limit;
        loop {
            if let Some(jobs) = self.try_claim(&mut machine, lane, max) {
                return Some(jobs);
            }
            let left = deadline.saturating_sub(self.host.monotonic());
            if left.is_zero() {
                return None;
            }
            let waited = self.ready_threads.wait_timeout(machine, left);
            machine = waited.unwrap_or_else(|poisoned| poisoned.into_inner()).0;
        }
    }

    /// Jobs, or an empty list when none will come; `None` to wait.
    fn try_claim(&self, machine: &mut Machine, lane: Lane, max: usize) -> Option<Vec<Job>> {
        let jobs = machine.claim(lane, max, self.host.monotonic());
        if jobs.is_empty() {
            return machine.is_over().then(Vec::new);
        }
        // Hands may be getting empty, and there is a start to tell.
        self.poke.notify_one();
        Some(jobs)
    }

    pub(super) async fn signals(&self) -> Vec<Signal> {
        let mut stopped = self.stopped.subscribe();
        loop {
            let news = self.signals.notified();
            let mut news = std::pin::pin!(news);
            news.as_mut().enable();
            let signals = self.lock().take_signals();
            if !signals.is_empty() || *stopped.borrow() {
                return signals;
            }
            tokio::select! {
                () = news => {}
                _ = stopped.changed() => {}
            }
        }
    }

    pub(super) fn complete(&self, outcomes: Vec<(JobId, Outcome)>) {
        let now = self.host.monotonic();
        {
            let mut machine = self.lock();
            for (id, outcome) in outcomes {
                machine.finish(id, outcome, now);
            }
        }
        self.poke.notify_one();
    }

    pub(super) fn report(&self, job: JobId, update: NewUpdate) -> Result<()> {
        limits::check_update(&update)?;
        self.lock().report(job, update, self.host.monotonic());
        self.poke.notify_one();
        Ok(())
    }

    pub(super) fn drain(&self) {
        self.lock().drain(self.host.monotonic());
        self.leave(Leaving::InOrder);
    }

    pub(super) fn stop(&self) {
        self.lock().stop(self.host.monotonic());
        self.leave(Leaving::AtOnce);
    }

    fn leave(&self, how: Leaving) {
        // Who stops after it began to drain hurries; who drains after a stop does not wait again.
        self.leaving.send_modify(|leaving| *leaving = how.max(*leaving));
        self.poke.notify_one();
    }

    pub(super) async fn stopped(&self) {
        // The sender lives as long as `self`, so the wait ends only with the worker.
        let _ = self.stopped.subscribe().wait_for(|stopped| *stopped).await;
    }

    pub(super) fn is_leaving(&self) -> bool {
        *self.leaving.borrow() != Leaving::Not
    }

    pub(super) fn running(&self) -> usize {
        self.lock().running()
    }

    pub(super) fn abandoned(&self) -> usize {
        self.lock().abandoned()
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Machine> {
        self.machine.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    async fn run(self: Arc<Self>) {
        let mut operations: FuturesUnordered<BoxFuture<'static, Event>> = FuturesUnordered::new();
        let mut announce_at = Duration::ZERO;
        let mut announcing = false;
        let mut idle: Option<BoxFuture<'static, ()>> = None;
        let mut cancel = self.service.cancel_hint();
        loop {
            let now = self.host.monotonic();
            let plan = self.lock().plan(now);
            self.tell_host();
            if plan.stopped && operations.is_empty() {
                break;
            }
            // One at a time: a service that does not answer is not told ever more of them.
            if now >= announce_at && !announcing && !plan.stopped {
                (announce_at, announcing) = (now + ANNOUNCE, true);
                operations.push(self.clone().announce());
            }
            let wake_at = if announcing { plan.wake_at } else { plan.wake_at.min(announce_at) };
            self.begin(plan, now, &operations);
            tokio::select! {
                biased;
                Some(event) = operations.next(), if !operations.is_empty() => {
                    announcing &= !matches!(event, Event::Announced);
                    if let Some(hint) = self.take_in(event) {
                        idle = Some(hint);
                    }
                }
                () = self.poke.notified() => {}
                () = &mut cancel => {
                    cancel = self.service.cancel_hint();
                    let questions = self.lock().questions();
                    if !questions.is_empty() {
                        operations.push(self.clone().renew(questions, self.host.monotonic()));
                    }
                }
                () = wait(&mut idle), if idle.is_some() => {
                    idle = None;
                    self.lock().look_again();
                }
                () = self.host.sleep(wake_at.saturating_sub(now)) => {}
            }
        }
        if let Err(error) = self.service.forget(&self.tenant, self.id()).await {
            tracing::debug!(%error, "the worker's announcement stays until it fades");
        }
        self.stopped.send_replace(true);
        self.tell_host();
    }

    /// Starts what was planned.
    fn begin(
        self: &Arc<Self>,
        plan: Plan,
        now: Duration,
        operations: &FuturesUnordered<BoxFuture<'static, Event>>,
    ) {
        if !plan.renew.is_empty() {
            operations.push(self.clone().renew(plan.renew, now));
        }
        if !plan.settle.is_empty() {
            operations.push(self.clone().settle(plan.settle, plan.lease, now));
        } else if let Some(request) = plan.lease {
            operations.push(self.clone().lease(request, now));
        }
    }

    /// Wakes whoever waits for what the machine has now.
    fn tell_host(&self) {
        let (on_loop, on_threads, over, signals) = {
            let machine = self.lock();
            (
                machine.ready(Lane::Loop),
                machine.ready(Lane::Thread),
                machine.is_over(),
                machine.has_signals(),
            )
        };
        if on_loop > 0 || over {
            self.ready[Lane::Loop as usize].notify_waiters();
        }
        if on_threads > 0 || over {
            self.ready[Lane::Thread as usize].notify_waiters();
        }
        if over {
            self.ready_threads.notify_all();
        } else {
            // One thread a job: the others would wake for nothing, and in each other's way.
            (0..on_threads).for_each(|_| self.ready_threads.notify_one());
        }
        if signals || over {
            self.signals.notify_waiters();
        }
    }
}

/// Resolves with the hint, if there is one.
async fn wait(hint: &mut Option<BoxFuture<'static, ()>>) {
    if let Some(hint) = hint {
        hint.await;
    }
}

fn announcement(config: &WorkerConfig) -> WorkerInfo {
    let worker_id = config.worker_id.clone().unwrap_or_else(|| {
        let mut bytes = [0; 4];
        crate::rules::chance::fill(&mut bytes);
        let prefix = if config.host.is_empty() { "worker" } else { &config.host };
        let prefix: String = prefix.chars().take(96).collect();
        format!("{prefix}-{:08x}", u32::from_be_bytes(bytes))
    });
    let handlers = &config.handlers;
    // Not collected: a browser would load a sort for it.
    let mut declared = BTreeMap::new();
    for handler in handlers.iter().filter(|handler| !handler.retry.is_empty()) {
        declared.insert(handler.name.clone(), handler.retry);
    }
    WorkerInfo {
        worker_id,
        queues: config.queues.clone(),
        handlers: handlers.iter().map(|handler| handler.name.clone()).collect(),
        concurrency: config.concurrency,
        host: config.host.clone(),
        seen_at: Timestamp::default(),
        holds: 0,
        deaf: false,
        declared,
        metadata: config.metadata.clone(),
    }
}

//! A worker that runs typed handlers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use windlass_core::{CancelReason, Job, JobId, Lane, Outcome, Signal, Worker};

use crate::context::Context;
use crate::failure::Failure;
use crate::handlers::ByName;

/// What is kept of a running attempt: a way to ask it to stop, and a way to end it.
type Attempts = Arc<Mutex<HashMap<JobId, (watch::Sender<Option<CancelReason>>, AbortHandle)>>>;

/// A running worker. Dropping it does not stop it.
#[derive(Clone)]
pub struct Running {
    worker: Worker,
}

impl Running {
    pub(crate) fn new(worker: Worker, handlers: Arc<ByName>, concurrency: usize) -> Self {
        let attempts = Attempts::default();
        tokio::spawn(claim(worker.clone(), handlers, attempts.clone(), concurrency));
        tokio::spawn(obey(worker.clone(), attempts));
        Self { worker }
    }

    /// The worker underneath.
    pub fn worker(&self) -> &Worker {
        &self.worker
    }

    /// Resolves when the worker has stopped.
    pub async fn stopped(&self) {
        self.worker.stopped().await;
    }

    /// Finishes what runs, gives back the rest, and resolves when all is settled.
    pub async fn drain(&self) {
        self.worker.drain();
        self.stopped().await;
    }
}

/// Claims jobs and runs each as a task of its own, until no more will come.
async fn claim(worker: Worker, handlers: Arc<ByName>, attempts: Attempts, concurrency: usize) {
    loop {
        let jobs = worker.claim(Lane::Loop, concurrency).await;
        if jobs.is_empty() {
            return;
        }
        for job in jobs {
            start(&worker, &handlers, &attempts, job);
        }
    }
}

fn start(worker: &Worker, handlers: &ByName, attempts: &Attempts, job: Job) {
    let id = job.id;
    let Some(handler) = handlers.get(&job.task.handler).cloned() else {
        let text = format!("no handler is registered for {:?}", job.task.handler);
        worker.complete(vec![(id, Failure::new(text).into_outcome())]);
        return;
    };
    let (ask, asked) = watch::channel(None);
    let payload = job.task.payload.clone();
    let context = Context::new(worker.clone(), job, asked);
    let (worker, of_task) = (worker.clone(), attempts.clone());
    // The attempt must be known before it can end, so the map stays locked while it is spawned.
    let mut known = attempts.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let task = tokio::spawn(async move {
        let run = std::panic::AssertUnwindSafe(async { handler(context, payload).await });
        let outcome = run.catch_unwind().await.unwrap_or_else(|panic| panicked(&panic));
        of_task.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).remove(&id);
        worker.complete(vec![(id, outcome)]);
    });
    known.insert(id, (ask, task.abort_handle()));
}

/// Passes on requests to stop, and ends attempts that ignored them.
async fn obey(worker: Worker, attempts: Attempts) {
    loop {
        let signals = worker.signals().await;
        if signals.is_empty() {
            return;
        }
        let mut known = attempts.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        for signal in signals {
            match signal {
                Signal::Cancel(id, reason) => {
                    if let Some((ask, _)) = known.get(&id) {
                        ask.send_replace(Some(reason));
                    }
                }
                Signal::Abandon(id) => {
                    if let Some((_, task)) = known.remove(&id) {
                        task.abort();
                        // A future that is dropped is gone: its slot is really free.
                        worker.complete(vec![(id, Outcome::HandBack)]);
                    }
                }
            }
        }
    }
}

fn panicked(panic: &Box<dyn std::any::Any + Send>) -> Outcome {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "the handler panicked".to_owned());
    Failure::panicked(text).into_outcome()
}

//! Who takes part in a run: callers, workers and their handlers.

use std::sync::Arc;
use std::time::Duration;

use windlass_core::{
    CancelReason, Client, DeclaredHandler, Engine, EngineOptions, Error, Job, Lane, NewUpdate,
    Outcome, Payload, Priority, RetryOptions, Signal, TaskError, TaskSpec, Worker, WorkerConfig,
};

use super::clockwork::{Clockwork, Pid, Process};
use super::dice::{self, Dice};
use super::monitor::{Monitor, TENANT, short, worker_name};
use super::remote::Remote;
use super::wire::Wire;

/// What every actor of a process needs.
#[derive(Clone)]
pub(super) struct Stage {
    pub(super) client: Client,
    pub(super) clockwork: Clockwork,
    pub(super) dice: Dice,
    pub(super) monitor: Arc<Monitor>,
    pub(super) pid: Pid,
}

impl Stage {
    /// A process with an engine of its own on the shared store.
    pub(super) fn new(wire: Wire) -> Self {
        let (clockwork, dice, monitor, pid) =
            (wire.clockwork.clone(), wire.dice.clone(), wire.monitor.clone(), wire.pid);
        let host = Arc::new(Process { clockwork: clockwork.clone(), pid });
        let options =
            EngineOptions { chance: dice::unit, entropy: dice::entropy, ..Default::default() };
        let engine = Engine::new(Arc::new(wire), host.clone(), options);
        Self { client: Client::new(engine, host, TENANT), clockwork, dice, monitor, pid }
    }

    /// A process that knows the server's address and nothing else.
    pub(super) fn remote(remote: Remote) -> Self {
        let (clockwork, dice, monitor, pid) =
            (remote.clockwork.clone(), remote.dice.clone(), remote.monitor.clone(), remote.pid);
        let host = Arc::new(Process { clockwork: clockwork.clone(), pid });
        Self { client: Client::new(Arc::new(remote), host, TENANT), clockwork, dice, monitor, pid }
    }

    pub(super) async fn pause(&self, most_millis: u64) {
        self.clockwork.sleep(Duration::from_millis(self.dice.below(most_millis))).await;
    }
}

/// A task of a caller's liking.
pub(super) fn spec(dice: &Dice, number: u64) -> TaskSpec {
    let mut spec = TaskSpec::new("work", Payload::trusted(number.to_string()))
        .priority(Priority::ALL[dice.below(5) as usize]);
    if dice.happens(25) {
        spec = spec.delay(Duration::from_millis(dice.below(8_000)));
    }
    if dice.happens(25) {
        spec = spec.timeout(Duration::from_millis(dice.between(500, 6_000)));
    }
    spec.retry = RetryOptions {
        max_retries: Some(dice.below(4) as u32),
        initial_delay: Some(Duration::from_millis(dice.below(1_500))),
        retry_on_timeout: Some(dice.happens(50)),
        ..RetryOptions::default()
    };
    spec
}

/// Submits a task until it is acknowledged, and again now and then; cancels and retries as it likes.
/// Without a key of its own, as only a remote caller dares, it asks once: the wire brings a key.
pub(super) async fn caller(stage: Stage, number: u64, is_remote: bool) {
    stage.pause(20_000).await;
    let mut spec = spec(&stage.dice, number);
    let keyless = is_remote && stage.dice.happens(50);
    if !keyless {
        spec = spec.idempotency_key(format!("key-{number}"));
    }
    stage.monitor.expects(&spec);
    let mut id = None;
    for again in 0..=u32::from(!keyless && stage.dice.happens(30)) {
        id = loop {
            match stage.client.submit(spec.clone()).await {
                Ok(stored) => break Some(stored.task_id),
                Err(Error::StoreUnavailable { .. }) => stage.pause(500).await,
                Err(error) => {
                    stage.monitor.accuse(stage.pid, format!("submit {again} was refused: {error}"));
                    return;
                }
            }
        };
        if let Some(id) = id {
            stage.monitor.acknowledged(stage.pid, &spec, id);
        }
    }
    let Some(id) = id else { return };
    if stage.dice.happens(15) {
        stage.pause(10_000).await;
        match stage.client.cancel(&id.to_string()).await {
            Ok(task) if !task.cancel_requested && !task.status.is_final() => {
                let text = format!("{} was cancelled and does not know it", short(id));
                stage.monitor.accuse(stage.pid, text);
            }
            Ok(_) => stage.monitor.note(stage.pid, format_args!("cancelled {}", short(id))),
            Err(error) => unanswered(&stage, "cancel", &error),
        }
    }
    if stage.dice.happens(20)
        && let Err(error) = stage.client.wait(&id.to_string(), Some(Duration::from_secs(60))).await
        && !matches!(error, Error::TaskTimeout { .. } | Error::WorkerNotAvailable { .. })
    {
        unanswered(&stage, "wait", &error);
    }
    if stage.dice.happens(30) {
        match stage.client.retry(&id.to_string()).await {
            Ok(_) => stage.monitor.note(stage.pid, format_args!("retried {}", short(id))),
            Err(Error::InvalidTransition { .. }) => {}
            Err(error) => unanswered(&stage, "retry", &error),
        }
    }
}

fn unanswered(stage: &Stage, verb: &str, error: &Error) {
    if !matches!(error, Error::StoreUnavailable { .. }) {
        stage.monitor.accuse(stage.pid, format!("{verb} was refused: {error}"));
    }
}

/// Follows one task's stream to its end: every entry, in order, once.
pub(super) async fn reader(stage: Stage) {
    stage.pause(30_000).await;
    let rows = stage.monitor.rows();
    let Some(row) = rows.get(stage.dice.below(rows.len() as u64) as usize) else { return };
    let Ok(mut stream) = stage.client.updates(&row.task_id.to_string(), 0) else { return };
    let mut last = 0;
    while let Some(update) = stream.next().await {
        match update {
            Ok(update) => {
                if update.seq != last + 1 {
                    let text = format!("a stream went from {last} to {}", update.seq);
                    stage.monitor.accuse(stage.pid, text);
                }
                last = update.seq;
            }
            Err(error) => unanswered(&stage, "stream", &error),
        }
    }
    stage.monitor.note(stage.pid, format_args!("read {} to its end", short(row.task_id)));
}

/// Runs a worker until its process dies.
pub(super) async fn worker(stage: Stage) {
    let config = WorkerConfig {
        worker_id: Some(worker_name(stage.pid)),
        handlers: vec![DeclaredHandler { name: "work".to_owned(), ..Default::default() }],
        concurrency: stage.dice.between(1, 4) as u32,
        lease: Duration::from_secs(stage.dice.between(2, 8)),
        cancel_grace: Duration::from_secs(2),
        ..WorkerConfig::default()
    };
    let slots = config.concurrency as usize;
    let worker = match stage.client.worker(config) {
        Ok(worker) => worker,
        Err(error) => return stage.monitor.accuse(stage.pid, format!("no worker: {error}")),
    };
    let told = worker.clone();
    stage.client.host().spawn(Box::pin(async move {
        // Handlers look at their flag; the signals themselves are only taken off the pile.
        while !told.signals().await.contains(&Signal::Abandon(0)) {}
    }));
    loop {
        let jobs = worker.claim(Lane::Loop, slots).await;
        if jobs.is_empty() {
            return;
        }
        for job in jobs {
            let (stage, worker) = (stage.clone(), worker.clone());
            let host = stage.client.host().clone();
            host.spawn(Box::pin(async move { handler(stage, worker, job).await }));
        }
    }
}

/// The state of a task's key, one more than it was.
fn counted_up(job: &Job) -> Option<Payload> {
    job.task.state_key.as_ref()?;
    let before = job.state.as_ref().map_or(0, |state| state.as_str().parse::<u64>().unwrap_or(0));
    Some(Payload::trusted((before + 1).to_string()))
}

/// A handler of changing moods.
async fn handler(stage: Stage, worker: Worker, job: Job) {
    let name = short(job.task.task_id);
    stage.monitor.note(stage.pid, format_args!("runs {name}, attempt {}", job.attempt));
    if stage.dice.happens(2) {
        stage.monitor.note(stage.pid, format_args!("dies by {name}"));
        stage.clockwork.kill(stage.pid);
        return;
    }
    let deaf = stage.dice.happens(10);
    let steps = match stage.dice.below(10) {
        0 => stage.dice.between(10, 30),
        _ => stage.dice.below(4),
    };
    for step in 0..steps {
        stage.pause(800).await;
        if stage.dice.happens(30) {
            let progress = (step * 100 / steps) as f64;
            let _ = worker.report(job.id, NewUpdate::Progress { progress, message: None });
        }
        if let (Some(reason), false) = (job.cancel.reason(), deaf) {
            let outcome = match reason {
                CancelReason::Requested => Outcome::Cancel { reason: None },
                _ => Outcome::Cancel { reason: Some(reason.as_str().to_owned()) },
            };
            worker.complete(vec![(job.id, outcome)]);
            return;
        }
    }
    let error = TaskError::new("handler_error", "the dice said so");
    let outcome = match stage.dice.below(100) {
        0..70 => Outcome::Complete { result: Payload::trusted("true"), state: counted_up(&job) },
        70..85 => Outcome::Fail { error },
        85..88 => Outcome::Fail { error: error.fatal() },
        88..92 => Outcome::Retry { after: Some(Duration::from_secs(1)), error },
        92..97 => Outcome::Snooze { after: Duration::from_secs(1) },
        _ => Outcome::Cancel { reason: Some("the dice said so".to_owned()) },
    };
    worker.complete(vec![(job.id, outcome)]);
}

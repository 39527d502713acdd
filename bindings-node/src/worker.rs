//! Jobs on their way to handlers, outcomes on their way back: one string each way for many tasks.

use std::collections::BTreeMap;
use std::time::Duration;

use napi::Env;
use napi::bindgen_prelude::{Null, Object};
use napi_derive::napi;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use windlass::rules::limits;
use windlass::words::duration_from_seconds;
use windlass::worker::{DeclaredHandler, Job, JobId, Lane, Signal, WorkerConfig};
use windlass::{Error, Labels, LogLevel, NewUpdate, Outcome, Payload, Result, TaskError, TaskSpec};

use crate::client::Client;
use crate::failure::raised;
use crate::fields::{Fields, record};
use crate::promise::{handle, promise, text};

/// A running worker.
#[napi]
pub(crate) struct Worker(windlass::worker::Worker);

#[napi]
impl Worker {
    /// Starts a worker; `config` is JSON text of an object. Its `handlers` is an object, by name, of
    /// what each declares, as a task's record says it.
    #[napi(constructor)]
    pub fn new(client: &Client, config: String) -> napi::Result<Self> {
        let config = raised(configured(&config))?;
        let _entered = handle().enter();
        Ok(Self(raised(client.client.worker(config))?))
    }

    /// Its id.
    #[napi]
    pub fn id(&self) -> String {
        self.0.id().to_owned()
    }

    /// Jobs as JSON text of a list; an empty list once no more will come.
    #[napi]
    pub fn claim_json<'env>(&self, env: &'env Env, max: u32) -> napi::Result<Object<'env>> {
        let worker = self.0.clone();
        promise(env, async move { jobs(&worker.claim(Lane::Loop, max as usize).await) })
    }

    /// Hands in outcomes: JSON text of `{"completed": [[id, result], …], "ended": [[id, outcome], …]}`.
    #[napi]
    pub fn complete_json(&self, outcomes: String) -> napi::Result<()> {
        self.0.complete(raised(read(&outcomes))?);
        Ok(())
    }

    /// The same, and takes what lies ready: no wait, and no way round by another thread.
    #[napi]
    pub fn turn_json(&self, outcomes: String, max: u32) -> napi::Result<String> {
        self.complete_json(outcomes)?;
        let claimed = self.0.claim_blocking(Lane::Loop, max as usize, Duration::ZERO);
        raised(jobs(&claimed.unwrap_or_default()))
    }

    /// News as `[[id, reason], …]`; the reason is `null` when the job is given up. Empty at the end.
    #[napi]
    pub fn signals<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        let worker = self.0.clone();
        promise(env, async move {
            let told = |signal| match signal {
                Signal::Cancel(id, reason) => (id, Some(reason.as_str())),
                Signal::Abandon(id) => (id, None),
            };
            text(&worker.signals().await.into_iter().map(told).collect::<Vec<_>>())
        })
    }

    /// Reports progress, 0 to 100.
    #[napi]
    pub fn progress(&self, id: i64, progress: f64, message: Option<String>) -> napi::Result<()> {
        raised(self.0.report(id.cast_unsigned(), NewUpdate::Progress { progress, message }))
    }

    /// Reports a log line.
    #[napi]
    pub fn log(&self, id: i64, level: String, message: String) -> napi::Result<()> {
        let level: LogLevel = raised(level.parse())?;
        raised(self.0.report(id.cast_unsigned(), NewUpdate::Log { level, message }))
    }

    /// Begins to drain.
    #[napi]
    pub fn drain(&self) {
        self.0.drain();
    }

    /// Ends now.
    #[napi]
    pub fn stop(&self) {
        self.0.stop();
    }

    /// Resolves when the worker has stopped and everything is settled.
    #[napi]
    pub fn stopped<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        let worker = self.0.clone();
        promise(env, async move {
            worker.stopped().await;
            Ok(Null)
        })
    }

    /// Jobs that JavaScript has.
    #[napi]
    pub fn running(&self) -> u32 {
        self.0.running() as u32
    }

    /// Jobs given up whose code has still not returned.
    #[napi]
    pub fn abandoned(&self) -> u32 {
        self.0.abandoned() as u32
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Nobody is left to run what it would lease.
        self.0.stop();
    }
}

fn configured(config: &str) -> Result<WorkerConfig> {
    let (mut fields, default) = (Fields::read("config", config)?, WorkerConfig::default());
    let handlers: BTreeMap<String, Box<RawValue>> = fields.take("handlers")?.unwrap_or_default();
    let declared = |(name, options): (String, Box<RawValue>)| {
        let spec = TaskSpec::from_wire(options.get())?;
        limits::check_spec(&spec)?;
        let (retry, timeout) = (spec.retry, spec.timeout);
        Ok(DeclaredHandler { name, lane: Lane::Loop, retry, timeout })
    };
    let config = WorkerConfig {
        worker_id: fields.take("worker_id")?,
        queues: fields.take("queues")?.unwrap_or(default.queues),
        handlers: handlers.into_iter().map(declared).collect::<Result<_>>()?,
        concurrency: fields.count("concurrency")?.unwrap_or(default.concurrency),
        lease: fields.seconds("lease_seconds")?.unwrap_or(default.lease),
        drain_grace: fields.seconds("drain_grace")?.unwrap_or(default.drain_grace),
        cancel_grace: fields.seconds("cancel_grace")?.unwrap_or(default.cancel_grace),
        metadata: fields.json("metadata")?,
        host: fields.take("host")?.unwrap_or_default(),
    };
    fields.end()?;
    Ok(config)
}

/// A job as it is handed to JavaScript.
#[derive(Serialize)]
struct Claimed<'a> {
    id: JobId,
    handler: &'a str,
    task_id: String,
    task_type: &'a str,
    queue: &'a str,
    attempt: u32,
    payload: &'a Payload,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout_seconds: Option<f64>,
    #[serde(skip_serializing_if = "Labels::is_empty")]
    labels: &'a Labels,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a Payload>,
    #[serde(skip_serializing_if = "Option::is_none")]
    traceparent: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    batch_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    idempotency_key: Option<&'a str>,
}

fn jobs(claimed: &[Job]) -> Result<String> {
    let told = |job| {
        let Job { id, task, attempt, timeout, .. }: &Job = job;
        Claimed {
            id: *id,
            handler: &task.handler,
            task_id: task.task_id.to_string(),
            task_type: &task.task_type,
            queue: &task.queue,
            attempt: *attempt,
            payload: &task.payload,
            timeout_seconds: timeout.map(|timeout| timeout.as_secs_f64()),
            labels: &task.labels,
            metadata: task.metadata.as_ref(),
            traceparent: task.traceparent.as_deref(),
            batch_id: task.batch_id.map(|id| id.to_string()),
            idempotency_key: task.shown_key(),
        }
    };
    text(&claimed.iter().map(told).collect::<Vec<_>>())
}

/// Outcomes as JavaScript tells them.
#[derive(Deserialize)]
struct Told<'a> {
    #[serde(borrow)]
    completed: Vec<(JobId, &'a RawValue)>,
    #[serde(borrow)]
    ended: Vec<(JobId, &'a RawValue)>,
}

/// How an attempt ended that did not complete.
#[derive(Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case", deny_unknown_fields)]
enum Ended {
    Fail { error: TaskError },
    Retry { after_seconds: Option<f64>, error: TaskError },
    Snooze { after_seconds: f64 },
    Cancel { reason: Option<String> },
    HandBack,
}

impl Ended {
    fn outcome(text: &str) -> Result<Outcome> {
        let seconds = |number| duration_from_seconds("after_seconds", number);
        Ok(match record("outcome", text)? {
            Self::Fail { error } => Outcome::Fail { error },
            Self::Retry { after_seconds, error } => {
                Outcome::Retry { after: after_seconds.map(seconds).transpose()?, error }
            }
            Self::Snooze { after_seconds } => Outcome::Snooze { after: seconds(after_seconds)? },
            Self::Cancel { reason } => Outcome::Cancel { reason },
            Self::HandBack => Outcome::HandBack,
        })
    }
}

fn read(outcomes: &str) -> Result<Vec<(JobId, Outcome)>> {
    let told: Told<'_> = serde_json::from_str(outcomes)
        .map_err(|error| Error::invalid("outcomes", error.to_string()))?;
    // One that makes no sense fails its own task, and no other.
    let failed = |error: Error| Outcome::Fail { error: error.to_task_error(None).fatal() };
    let completed = told.completed.into_iter().map(|(id, result)| {
        let result = Payload::new("result", result.get());
        (id, result.map_or_else(failed, |result| Outcome::Complete { result }))
    });
    let ended = told.ended.into_iter();
    let ended = ended.map(|(id, text)| (id, Ended::outcome(text.get()).unwrap_or_else(failed)));
    Ok(completed.chain(ended).collect())
}

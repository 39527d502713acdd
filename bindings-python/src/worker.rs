//! Jobs on their way to handlers, outcomes on their way back.

use std::time::Duration;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyString, PyTuple};
use windlass::words::duration_from_seconds;
use windlass::worker::{DeclaredHandler, Job as CoreJob, JobId, Lane, Signal, WorkerConfig};
use windlass::{LogLevel, NewUpdate, Outcome, Payload, Result, TaskError};

use crate::bridge::{Bridge, call};
use crate::client::Client;
use crate::compose::maybe_text;
use crate::convert::{count, declared, seconds};
use crate::errors::raised;
use crate::job::Job;
use crate::runtime::{generation, handle, stay_if_exiting};

/// Longest that a thread rests before it looks whether the interpreter ends.
const LOOK_UP: Duration = Duration::from_millis(200);

/// A running worker.
#[pyclass(frozen, module = "windlass._native")]
pub(crate) struct Worker {
    worker: windlass::worker::Worker,
    /// Of what it leases from.
    client: windlass::Client,
    generation: u64,
}

#[pymethods]
impl Worker {
    /// Starts a worker. `handlers` holds `(name, on_loop, options)`, the options a task's record with
    /// what the handler declares.
    #[new]
    #[pyo3(signature = (client, *, handlers, queues, concurrency=None, worker_id=None,
        lease_seconds=None, drain_grace=None, cancel_grace=None, metadata=None, host=String::new()))]
    #[allow(clippy::too_many_arguments)]
    fn new(
        client: &Bound<'_, Client>,
        handlers: Vec<(String, bool, String)>,
        queues: Option<Vec<String>>,
        concurrency: Option<i64>,
        worker_id: Option<String>,
        lease_seconds: Option<f64>,
        drain_grace: Option<f64>,
        cancel_grace: Option<f64>,
        metadata: Option<String>,
        host: String,
    ) -> PyResult<Self> {
        let py = client.py();
        let configure = || -> Result<WorkerConfig> {
            let mut config = WorkerConfig { worker_id, host, ..WorkerConfig::default() };
            for (name, on_loop, options) in handlers {
                let spec = declared(&options)?;
                let lane = if on_loop { Lane::Loop } else { Lane::Thread };
                let (retry, timeout) = (spec.retry, spec.timeout);
                config.handlers.push(DeclaredHandler { name, lane, retry, timeout });
            }
            config.queues = queues.unwrap_or(config.queues);
            config.concurrency = count("concurrency", concurrency)?.unwrap_or(config.concurrency);
            config.lease = seconds("lease_seconds", lease_seconds)?.unwrap_or(config.lease);
            config.drain_grace = seconds("drain_grace", drain_grace)?.unwrap_or(config.drain_grace);
            config.cancel_grace =
                seconds("cancel_grace", cancel_grace)?.unwrap_or(config.cancel_grace);
            config.metadata = metadata.map(|text| Payload::new("metadata", text)).transpose()?;
            Ok(config)
        };
        let config = raised(py, configure())?;
        let (client, under_way) = client.get().open(py)?;
        let worker = raised(py, client.worker(config))?;
        let ends = worker.clone();
        // The client is in use until the worker has ended, whoever still holds this handle.
        handle().spawn(async move {
            ends.stopped().await;
            drop(under_way);
        });
        Ok(Self { worker, client, generation: generation() })
    }

    #[getter]
    fn id(&self) -> &str {
        self.worker.id()
    }

    /// Jobs for the event loop, as `(id, handler, payload, job)`; an empty list once no more will come.
    fn claim(&self, py: Python<'_>, max: usize, bridge: &Bound<'_, Bridge>) -> PyResult<Py<PyAny>> {
        let worker = self.worker.clone();
        let work = async move { worker.claim(Lane::Loop, max).await };
        call(py, Some(bridge), work, jobs)
    }

    /// Jobs for the calling thread, as `claim`.
    fn claim_blocking(&self, py: Python<'_>, max: usize) -> PyResult<Py<PyAny>> {
        // With work at hand the GIL is kept: handing it over costs more than a short handler.
        let claimed = match self.worker.claim_blocking(Lane::Thread, max, Duration::ZERO) {
            Some(claimed) => claimed,
            None => py.detach(|| {
                loop {
                    let claimed = self.worker.claim_blocking(Lane::Thread, max, LOOK_UP);
                    stay_if_exiting();
                    if let Some(claimed) = claimed {
                        break claimed;
                    }
                }
            }),
        };
        jobs(py, claimed)
    }

    /// News as `(id, reason)`; the reason is `None` when the job is given up.
    fn signals(&self, py: Python<'_>, bridge: &Bound<'_, Bridge>) -> PyResult<Py<PyAny>> {
        let worker = self.worker.clone();
        let work = async move { worker.signals().await };
        call(py, Some(bridge), work, |py, signals: Vec<Signal>| {
            let list = PyList::empty(py);
            for signal in signals {
                list.append(match signal {
                    Signal::Cancel(id, reason) => (id, Some(reason.as_str())),
                    Signal::Abandon(id) => (id, None),
                })?;
            }
            Ok(list.into_any().unbind())
        })
    }

    /// Hands in `(id, outcome)`. An outcome is the result's JSON text, or one of
    /// `("complete", result, state)`, both JSON text,
    /// `("fail", code, message, error_type, traceback, retryable)`,
    /// `("retry", after, message, error_type, traceback)`, `("snooze", after)`,
    /// `("cancel", reason)`, `("hand_back",)`.
    fn complete(&self, outcomes: &Bound<'_, PyList>) -> PyResult<()> {
        let mut read = Vec::with_capacity(outcomes.len());
        for entry in outcomes {
            let (id, outcome): (JobId, Bound<'_, PyAny>) = entry.extract()?;
            // One that makes no sense fails its own task, and no other.
            let outcome = outcome_of(&outcome).unwrap_or_else(|error| Outcome::Fail {
                error: TaskError::new("invalid_argument", error.to_string()).fatal(),
            });
            read.push((id, outcome));
        }
        self.worker.complete(read);
        Ok(())
    }

    /// Hands in outcomes and takes what the event loop can run next and lies ready: no wait, and no
    /// way round by another thread.
    fn turn(&self, outcomes: &Bound<'_, PyList>, max: usize) -> PyResult<Py<PyAny>> {
        self.complete(outcomes)?;
        let claimed = self.worker.claim_blocking(Lane::Loop, max, Duration::ZERO);
        jobs(outcomes.py(), claimed.unwrap_or_default())
    }

    /// Reports progress, 0 to 100.
    #[pyo3(signature = (id, progress, message=None))]
    fn progress(
        &self,
        py: Python<'_>,
        id: JobId,
        progress: f64,
        message: Option<String>,
    ) -> PyResult<()> {
        raised(py, self.worker.report(id, NewUpdate::Progress { progress, message }))
    }

    /// Reports a log line.
    fn log(&self, py: Python<'_>, id: JobId, level: &str, message: String) -> PyResult<()> {
        let level: LogLevel = raised(py, level.parse())?;
        raised(py, self.worker.report(id, NewUpdate::Log { level, message }))
    }

    /// JSON text of what a task that `task_id` waited for returned, by its name; `None` when it waited for
    /// nothing of that name.
    #[pyo3(signature = (task_id, name, bridge=None))]
    fn upstream(
        &self,
        py: Python<'_>,
        task_id: String,
        name: String,
        bridge: Option<&Bound<'_, Bridge>>,
    ) -> PyResult<Py<PyAny>> {
        let c = self.client.clone();
        let work = async move { c.upstream(&task_id, &name).await };
        call(py, bridge, work, maybe_text)
    }

    /// The names that `upstream` knows for a task.
    #[pyo3(signature = (task_id, bridge=None))]
    fn upstream_names(
        &self,
        py: Python<'_>,
        task_id: String,
        bridge: Option<&Bound<'_, Bridge>>,
    ) -> PyResult<Py<PyAny>> {
        let c = self.client.clone();
        let work = async move { c.upstream_names(&task_id).await };
        call(py, bridge, work, |py, names| {
            Ok(PyList::new(py, raised(py, names)?)?.into_any().unbind())
        })
    }

    /// Begins to drain.
    fn drain(&self) {
        self.worker.drain();
    }

    /// Ends now.
    fn stop(&self) {
        self.worker.stop();
    }

    /// Returns once the worker has stopped and everything is settled.
    #[pyo3(signature = (bridge=None))]
    fn stopped(&self, py: Python<'_>, bridge: Option<&Bound<'_, Bridge>>) -> PyResult<Py<PyAny>> {
        let worker = self.worker.clone();
        let work = async move { worker.stopped().await };
        call(py, bridge, work, |py, ()| Ok(py.None()))
    }

    /// Jobs that Python has.
    fn running(&self) -> usize {
        self.worker.running()
    }

    /// Jobs given up whose code has still not returned.
    fn abandoned(&self) -> usize {
        self.worker.abandoned()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Nobody is left to run what it would lease; in a forked child it is the parent's.
        if self.generation == generation() {
            self.worker.stop();
        }
    }
}

fn jobs(py: Python<'_>, claimed: Vec<CoreJob>) -> PyResult<Py<PyAny>> {
    let list = PyList::empty(py);
    for job in claimed {
        let id = job.id;
        let handler = PyString::intern(py, &job.task.handler);
        let payload = PyString::new(py, job.task.payload.as_str());
        list.append((id, handler, payload, Py::new(py, Job(job))?))?;
    }
    Ok(list.into_any().unbind())
}

fn outcome_of(outcome: &Bound<'_, PyAny>) -> PyResult<Outcome> {
    if let Ok(text) = outcome.cast::<PyString>() {
        return Ok(match Payload::new("result", &*text.to_cow()?) {
            Ok(result) => Outcome::complete(result),
            Err(error) => Outcome::Fail { error: error.to_task_error(None).fatal() },
        });
    }
    let fields = outcome.cast::<PyTuple>()?;
    let kind: String = fields.get_item(0)?.extract()?;
    Ok(match kind.as_str() {
        "complete" => {
            let (_, result, state): (String, String, String) = fields.extract()?;
            let read = Payload::new("result", result)
                .and_then(|result| Ok((result, Payload::new("state", state)?)));
            match read {
                Ok((result, state)) => Outcome::Complete { result, state: Some(state) },
                Err(error) => Outcome::Fail { error: error.to_task_error(None).fatal() },
            }
        }
        "fail" => {
            type Fields = (String, String, String, Option<String>, Option<String>, bool);
            let (_, code, message, error_type, traceback, retryable): Fields = fields.extract()?;
            let error = TaskError { code, message, error_type, traceback, retryable, at: None };
            Outcome::Fail { error }
        }
        "retry" => {
            type Fields = (String, Option<f64>, String, Option<String>, Option<String>);
            let (_, after, message, error_type, traceback): Fields = fields.extract()?;
            let after = raised(outcome.py(), seconds("after", after))?;
            let error =
                TaskError { error_type, traceback, ..TaskError::new("handler_error", message) };
            Outcome::Retry { after, error }
        }
        "snooze" => {
            let (_, after): (String, f64) = fields.extract()?;
            Outcome::Snooze { after: raised(outcome.py(), duration_from_seconds("after", after))? }
        }
        "cancel" => {
            let (_, reason): (String, Option<String>) = fields.extract()?;
            Outcome::Cancel { reason }
        }
        "hand_back" => Outcome::HandBack,
        other => return Err(PyValueError::new_err(format!("no outcome is called {other:?}"))),
    })
}

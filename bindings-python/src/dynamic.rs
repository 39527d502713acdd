//! Tasks with dependencies, priorities and memory on a pool that grows and shrinks.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::PyDict;
use windlass::rules::dynamic::{self, Bounds, Entry, Finish};
use windlass::words::duration_from_seconds;
use windlass::{Priority, Result};

use crate::convert::count;
use crate::errors::raised;

/// A task as Python gives it: its id, priority, dependencies, memory in MiB, timeout and estimate in
/// seconds.
type Given = (String, String, Vec<String>, f64, Option<f64>, Option<f64>);

/// A plan as Python takes it apart: start, timed out, cancelled, workers, wake, open.
type Plan = (Vec<u32>, Vec<u32>, Vec<u32>, u32, Option<f64>, u32);

/// A dynamic executor; threads may share it. The contract is that of
/// `windlass_core::rules::dynamic`: tasks are known by their places, counted from 0.
#[pyclass(frozen, module = "windlass._native")]
pub(crate) struct Dynamic(Mutex<dynamic::Dynamic>);

#[pymethods]
impl Dynamic {
    #[new]
    #[pyo3(signature = (*, min_workers, max_workers, cores, memory_limit_mb=None))]
    fn new(
        py: Python<'_>,
        min_workers: i64,
        max_workers: i64,
        cores: u32,
        memory_limit_mb: Option<f64>,
    ) -> PyResult<Self> {
        let make = || {
            let workers =
                |field, number| Ok(count::<u32>(field, Some(number))?.unwrap_or_default());
            dynamic::Dynamic::new(Bounds {
                min_workers: workers("min_workers", min_workers)?,
                max_workers: workers("max_workers", max_workers)?,
                cores,
                memory_limit_mb,
            })
        };
        raised(py, make()).map(|dynamic| Self(Mutex::new(dynamic)))
    }

    /// Takes tasks in, all or none; the place of the first.
    fn add(&self, py: Python<'_>, now: f64, tasks: Vec<Given>) -> PyResult<u32> {
        let entries = tasks.into_iter().map(entry).collect::<Result<Vec<Entry>>>();
        let entries = raised(py, entries)?;
        raised(py, self.lock().add(instant(now), entries))
    }

    /// Takes in what ended, each a place and True, False or None for completed, failed and
    /// cancelled, and answers `(start, timed_out, cancelled, workers, wake, open)`.
    #[pyo3(signature = (now, ended=Vec::new()))]
    fn step(&self, py: Python<'_>, now: f64, ended: Vec<(u32, Option<bool>)>) -> PyResult<Plan> {
        let finish = |word: Option<bool>| match word {
            Some(true) => Finish::Completed,
            Some(false) => Finish::Failed,
            None => Finish::Cancelled,
        };
        let ended: Vec<(u32, Finish)> =
            ended.into_iter().map(|(place, word)| (place, finish(word))).collect();
        let plan = raised(py, self.lock().step(instant(now), &ended))?;
        let wake = plan.wake.map(|wake| wake.as_secs_f64());
        Ok((plan.start, plan.timed_out, plan.cancelled, plan.workers, wake, plan.open))
    }

    /// Takes in how busy the machine is, as `Machine.busy` tells it.
    fn measured(&self, processors: Option<f64>, memory: Option<f64>, resident_bytes: u64) {
        self.lock().measured(processors, memory, resident_bytes);
    }

    /// Cancels what has not started, and answers the places of what runs.
    fn cancel(&self, now: f64) -> Vec<u32> {
        self.lock().cancel(instant(now))
    }

    /// The numbers of the run up to `now`.
    fn metrics<'py>(&self, py: Python<'py>, now: f64) -> PyResult<Bound<'py, PyDict>> {
        let run = self.lock().metrics(instant(now));
        let metrics = PyDict::new(py);
        let counts = [
            ("total", run.total),
            ("completed", run.completed),
            ("failed", run.failed),
            ("timed_out", run.timed_out),
            ("cancelled", run.cancelled),
            ("running", run.running),
            ("waiting", run.waiting),
            ("workers", run.workers),
            ("peak_workers", run.peak_workers),
        ];
        let measures = [
            ("wall_seconds", run.wall_seconds),
            ("throughput_per_second", run.throughput_per_second),
            ("average_seconds", run.average_seconds),
            ("p95_seconds", run.p95_seconds),
            ("average_wait_seconds", run.average_wait_seconds),
            ("utilisation", run.utilisation),
            ("peak_reserved_mb", run.peak_reserved_mb),
            ("peak_memory_mb", run.peak_memory_mb),
            ("processors", run.processors),
            ("memory_wait_seconds", run.memory_wait_seconds),
            ("longest_chain_seconds", run.longest_chain_seconds),
        ];
        counts.iter().try_for_each(|(name, number)| metrics.set_item(name, number))?;
        measures.iter().try_for_each(|(name, number)| metrics.set_item(name, number))?;
        Ok(metrics)
    }

    /// What the run so far says about its settings, most important first.
    fn recommendations(&self, now: f64) -> Vec<String> {
        self.lock().recommendations(instant(now))
    }
}

impl Dynamic {
    fn lock(&self) -> MutexGuard<'_, dynamic::Dynamic> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn entry(given: Given) -> Result<Entry> {
    let (task_id, priority, dependencies, memory_mb, timeout, estimate) = given;
    let seconds = |field, number: Option<f64>| {
        number.map(|number| duration_from_seconds(field, number)).transpose()
    };
    Ok(Entry {
        task_id,
        priority: priority.parse::<Priority>()?,
        dependencies,
        memory_mb,
        timeout: seconds("timeout_seconds", timeout)?,
        estimate: seconds("estimated_duration", estimate)?,
    })
}

/// An instant of a monotonic clock; one before its start is read as the start.
fn instant(now: f64) -> Duration {
    Duration::try_from_secs_f64(now).unwrap_or_default()
}

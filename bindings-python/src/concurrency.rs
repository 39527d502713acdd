//! Advice on concurrency, and the machine that it is for.

use std::sync::{Mutex, PoisonError};

use pyo3::prelude::*;
use windlass::rules::concurrency::{self, Hardware, Measured};

use crate::errors::raised;

/// How many steps of a kind to run at once on a machine; at least 1.
#[pyfunction]
pub(crate) fn optimal_concurrency(
    kind: &str,
    cores_physical: Option<u32>,
    cores_logical: u32,
    memory_gb: f64,
) -> u32 {
    let hardware = Hardware { cores_physical, cores_logical, memory_gb };
    concurrency::optimal_concurrency(kind, &hardware)
}

/// The kinds of work that have a batch size of their own, with it.
#[pyfunction]
pub(crate) fn batch_sizes() -> Vec<(&'static str, u64)> {
    concurrency::BATCH_SIZES.to_vec()
}

/// Items in one batch of a kind of work.
#[pyfunction]
pub(crate) fn base_batch_size(kind: &str) -> u64 {
    concurrency::base_batch_size(kind)
}

/// How many of `items` to put in one batch, where `base` fits the kind of work; at least 1.
#[pyfunction]
pub(crate) fn optimal_batch_size(base: u64, items: u64) -> u64 {
    concurrency::optimal_batch_size(base, items)
}

/// Concurrency that follows how the machine did: asked before a run, told after it.
#[pyclass(frozen, module = "windlass._native")]
pub(crate) struct Adaptive(Mutex<concurrency::Adaptive>);

#[pymethods]
impl Adaptive {
    #[new]
    fn new(base: u32) -> Self {
        Self(Mutex::new(concurrency::Adaptive::new(base)))
    }

    /// How many steps the next run has at once.
    fn concurrency(&self) -> u32 {
        self.with(|adaptive| adaptive.concurrency())
    }

    /// `down`, `base` or `up`.
    fn level(&self) -> &'static str {
        self.with(|adaptive| adaptive.level().as_str())
    }

    /// Takes in the run made with the last `concurrency`; shares are 0 to 1, or None.
    #[pyo3(signature = (steps, seconds, processors=None, memory=None))]
    fn measured(&self, steps: u32, seconds: f64, processors: Option<f64>, memory: Option<f64>) {
        self.with(|adaptive| adaptive.measured(Measured { steps, seconds, processors, memory }));
    }
}

impl Adaptive {
    fn with<T>(&self, ask: impl FnOnce(&mut concurrency::Adaptive) -> T) -> T {
        ask(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// This machine, or the container on it, measured.
#[pyclass(frozen, module = "windlass._native")]
pub(crate) struct Machine(Mutex<windlass::Machine>, Hardware);

#[pymethods]
impl Machine {
    #[new]
    fn new(py: Python<'_>) -> PyResult<Self> {
        let machine = raised(py, windlass::Machine::new())?;
        let hardware = *machine.hardware();
        Ok(Self(Mutex::new(machine), hardware))
    }

    /// Cores without their twins, where they are known.
    #[getter]
    fn cores_physical(&self) -> Option<u32> {
        self.1.cores_physical
    }

    /// Cores that this process may use.
    #[getter]
    fn cores_logical(&self) -> u32 {
        self.1.cores_logical
    }

    /// Memory that this process may use, in GiB.
    #[getter]
    fn memory_gb(&self) -> f64 {
        self.1.memory_gb
    }

    /// How many steps of a kind to run at once here.
    fn optimal_concurrency(&self, kind: &str) -> u32 {
        concurrency::optimal_concurrency(kind, &self.1)
    }

    /// Shares of processors and memory in use since the last call, 0 to 1, where they are known, and
    /// this process's memory in bytes.
    fn busy(&self, py: Python<'_>) -> (Option<f64>, Option<f64>, u64) {
        py.detach(|| {
            let busy = self.0.lock().unwrap_or_else(PoisonError::into_inner).busy();
            (busy.processors, busy.memory, busy.resident_bytes)
        })
    }
}

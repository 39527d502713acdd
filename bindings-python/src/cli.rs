//! The command line: parsed and run in Rust, but for a worker, which needs Python's handlers.

use pyo3::prelude::*;
use pyo3::types::PyDict;
use windlass_server::cli::{Finished, run};

/// Runs a command. An exit code, or the arguments of the worker to run, by name.
#[pyfunction]
pub(crate) fn run_cli(py: Python<'_>, args: Vec<String>) -> PyResult<Py<PyAny>> {
    match py.detach(|| run(args)) {
        Finished::Exit(code) => Ok(code.into_pyobject(py)?.into_any().unbind()),
        Finished::Worker(worker) => {
            let named = PyDict::new(py);
            named.set_item("app", worker.app)?;
            named.set_item("concurrency", worker.concurrency)?;
            named.set_item("queues", worker.queues)?;
            named.set_item("lease", worker.lease)?;
            named.set_item("url", worker.url)?;
            named.set_item("tenant", worker.tenant)?;
            named.set_item("api_key", worker.api_key)?;
            Ok(named.into_any().unbind())
        }
    }
}

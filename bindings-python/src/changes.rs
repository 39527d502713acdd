//! What the history of a pipeline tells of its stages.

use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::prelude::*;
use windlass::client::StageChange;
use windlass::{Error, Update};

use crate::convert::text;
use crate::errors::raised;

/// A pipeline's history as it is read, from its first entry on.
///
/// Whoever reads hands the entries in: under test a stream is not the one of native code.
#[pyclass(frozen, module = "windlass._native")]
pub(crate) struct Changes(Mutex<windlass::client::Changes>);

impl Changes {
    fn lock(&self) -> MutexGuard<'_, windlass::client::Changes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl Changes {
    #[new]
    fn new(stages: u32, after: u64) -> Self {
        Self(Mutex::new(windlass::client::Changes::new(stages, after)))
    }

    /// Takes an entry's record in; the record of the change of a stage that it tells, if any.
    fn take(&self, py: Python<'_>, entry: &str) -> PyResult<Option<String>> {
        let update: Result<Update, _> =
            serde_json::from_str(entry).map_err(|error| Error::internal(error.to_string()));
        let change = self.lock().take(raised(py, update)?);
        record(py, change)
    }

    /// The record of the pipeline's end, once, when the history has no more to tell.
    fn end(&self, py: Python<'_>) -> PyResult<Option<String>> {
        let end = self.lock().end();
        record(py, end)
    }
}

fn record(py: Python<'_>, change: Option<StageChange>) -> PyResult<Option<String>> {
    change.map(|change| raised(py, text(&change))).transpose()
}

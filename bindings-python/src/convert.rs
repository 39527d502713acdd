//! Values across the border: records as JSON text, small answers as tuples.

use std::time::Duration;

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyList;
use serde::Serialize;
use windlass::rules::limits;
use windlass::words::duration_from_seconds;
use windlass::{Error, Result, Submission, TaskSpec};

use crate::errors::raised;

/// The JSON text of a record.
pub(crate) fn text(record: &impl Serialize) -> Result<String> {
    serde_json::to_string(record).map_err(|error| Error::internal(error.to_string()))
}

/// Answers a record's JSON text.
pub(crate) fn answer_text(py: Python<'_>, text: Result<String>) -> PyResult<Py<PyAny>> {
    Ok(raised(py, text)?.into_pyobject(py)?.into_any().unbind())
}

/// The value of JSON text, as Python's `json` reads it.
pub(crate) fn parsed<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyAny>> {
    static LOADS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    LOADS.import(py, "json", "loads")?.call1((text,))
}

/// `(task_id, status, deduplicated, batch_id)`.
pub(crate) fn submission<'py>(py: Python<'py>, stored: &Submission) -> PyResult<Bound<'py, PyAny>> {
    let batch = stored.batch_id.map(|id| id.to_string());
    let fields = (stored.task_id.to_string(), stored.status.as_str(), stored.deduplicated, batch);
    Ok(fields.into_pyobject(py)?.into_any())
}

/// A list of submissions.
pub(crate) fn submissions(py: Python<'_>, stored: Result<Vec<Submission>>) -> PyResult<Py<PyAny>> {
    let list = PyList::empty(py);
    for stored in raised(py, stored)? {
        list.append(submission(py, &stored)?)?;
    }
    Ok(list.into_any().unbind())
}

/// A duration in seconds, if one is given.
pub(crate) fn seconds(field: &str, number: Option<f64>) -> Result<Option<Duration>> {
    number.map(|number| duration_from_seconds(field, number)).transpose()
}

/// A count, if one is given.
pub(crate) fn count<T: TryFrom<i64>>(field: &str, number: Option<i64>) -> Result<Option<T>> {
    let read = |n: i64| {
        T::try_from(n).map_err(|_| Error::invalid(field, format!("must be 0 or more, not {n}")))
    };
    number.map(read).transpose()
}

/// Checks what a handler declares, as a record of a task to submit.
///
/// # Errors
///
/// As a submit of that record.
#[pyfunction]
pub(crate) fn check_options(py: Python<'_>, record: &str) -> PyResult<()> {
    raised(py, declared(record)).map(drop)
}

/// What a handler declares, from a record of a task to submit.
pub(crate) fn declared(record: &str) -> Result<TaskSpec> {
    let spec = TaskSpec::from_wire(record)?;
    limits::check_spec(&spec)?;
    Ok(spec)
}

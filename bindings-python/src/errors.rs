//! A core error becomes the exception of its code.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use windlass::{Error, Result};

use crate::convert;

/// The exception for `error`: the class of its code, with its fields as attributes.
pub(crate) fn exception(py: Python<'_>, error: &Error) -> PyErr {
    match value(py, error) {
        Ok(value) => PyErr::from_value(value),
        Err(problem) => problem,
    }
}

/// The same as a value, for answers that hold errors.
pub(crate) fn value<'py>(py: Python<'py>, error: &Error) -> PyResult<Bound<'py, PyAny>> {
    static FROM_CODE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let fields = serde_json::to_string(&error.fields()).unwrap_or_else(|_| "{}".to_owned());
    let fields = convert::parsed(py, &fields)?;
    let from_code = FROM_CODE.import(py, "windlass.errors", "from_code")?;
    from_code.call1((error.code(), error.to_string(), fields))
}

/// The value of `result`, or its exception.
pub(crate) fn raised<T>(py: Python<'_>, result: Result<T>) -> PyResult<T> {
    result.map_err(|error| exception(py, &error))
}

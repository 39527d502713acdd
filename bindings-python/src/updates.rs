//! A task's history, followed as it grows.

use std::sync::Arc;

use pyo3::prelude::*;
use tokio::sync::Mutex;
use windlass::client::UpdateStream;

use crate::bridge::{Bridge, call};
use crate::client::Call;
use crate::convert::text;
use crate::errors::raised;

/// A stream of updates.
#[pyclass(frozen, module = "windlass._native")]
pub(crate) struct Updates {
    /// Held while a reader waits; readers take turns.
    stream: Arc<Mutex<UpdateStream>>,
    _under_way: Call,
}

impl Updates {
    pub(crate) fn new(stream: UpdateStream, under_way: Call) -> Self {
        Self { stream: Arc::new(Mutex::new(stream)), _under_way: under_way }
    }
}

#[pymethods]
impl Updates {
    /// The next entry's record; `None` after the final one.
    #[pyo3(signature = (bridge=None))]
    fn next(&self, py: Python<'_>, bridge: Option<&Bound<'_, Bridge>>) -> PyResult<Py<PyAny>> {
        let stream = self.stream.clone();
        let work = async move {
            let update = stream.lock().await.next().await;
            update.map(|update| update.and_then(|update| text(&update)))
        };
        call(py, bridge, work, |py, update| match update {
            Some(update) => Ok(raised(py, update)?.into_pyobject(py)?.into_any().unbind()),
            None => Ok(py.None()),
        })
    }
}

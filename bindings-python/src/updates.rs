//! A task's history, followed as it grows.

use std::sync::{Arc, Mutex as StdMutex, PoisonError};

use pyo3::prelude::*;
use tokio::sync::Mutex;
use windlass::Error;
use windlass::client::UpdateStream;

use crate::bridge::{Bridge, call};
use crate::convert::text;
use crate::errors::{exception, raised};
use crate::link::Call;
use crate::runtime::generation;

/// A stream of updates.
#[pyclass(frozen, module = "windlass._native")]
pub(crate) struct Updates {
    /// Held while a reader waits; readers take turns.
    stream: Arc<Mutex<UpdateStream>>,
    generation: u64,
    /// Until the end of the stream.
    under_way: Arc<StdMutex<Option<Call>>>,
}

impl Updates {
    pub(crate) fn new(stream: UpdateStream, under_way: Call) -> Self {
        Self {
            stream: Arc::new(Mutex::new(stream)),
            generation: generation(),
            under_way: Arc::new(StdMutex::new(Some(under_way))),
        }
    }
}

#[pymethods]
impl Updates {
    /// The next entry's record; `None` after the final one.
    #[pyo3(signature = (bridge=None))]
    fn next(&self, py: Python<'_>, bridge: Option<&Bound<'_, Bridge>>) -> PyResult<Py<PyAny>> {
        if self.generation != generation() {
            // The parent's, before a fork.
            return Err(exception(py, &Error::ClientClosed));
        }
        let (stream, under_way) = (self.stream.clone(), self.under_way.clone());
        let work = async move {
            let update = stream.lock().await.next().await;
            if update.is_none() {
                under_way.lock().unwrap_or_else(PoisonError::into_inner).take();
            }
            update.map(|update| update.and_then(|update| text(&update)))
        };
        call(py, bridge, work, |py, update| match update {
            Some(update) => Ok(raised(py, update)?.into_pyobject(py)?.into_any().unbind()),
            None => Ok(py.None()),
        })
    }
}

//! What happens to all tasks, followed as it happens.

use std::sync::Arc;

use pyo3::prelude::*;
use tokio::sync::Mutex;
use windlass::Error;
use windlass::client::Follower;

use crate::bridge::{Bridge, call};
use crate::convert::text;
use crate::errors::{exception, raised};
use crate::link::Call;
use crate::runtime::generation;

/// A stream of events, without an end of its own.
#[pyclass(frozen, module = "windlass._native")]
pub(crate) struct Events {
    /// Held while a reader waits; readers take turns.
    follower: Arc<Mutex<Follower>>,
    generation: u64,
    /// The client is in use while somebody has this.
    _under_way: Call,
}

impl Events {
    pub(crate) fn new(follower: Follower, under_way: Call) -> Self {
        let follower = Arc::new(Mutex::new(follower));
        Self { follower, generation: generation(), _under_way: under_way }
    }
}

#[pymethods]
impl Events {
    /// The next event's record; `None` once the client is closed.
    #[pyo3(signature = (bridge=None))]
    fn next(&self, py: Python<'_>, bridge: Option<&Bound<'_, Bridge>>) -> PyResult<Py<PyAny>> {
        if self.generation != generation() {
            // The parent's, before a fork.
            return Err(exception(py, &Error::ClientClosed));
        }
        let follower = self.follower.clone();
        let work = async move {
            let event = follower.lock().await.next().await;
            event.map(|event| event.and_then(|event| text(&event)))
        };
        call(py, bridge, work, |py, event| match event {
            Some(event) => Ok(raised(py, event)?.into_pyobject(py)?.into_any().unbind()),
            None => Ok(py.None()),
        })
    }
}

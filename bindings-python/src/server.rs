//! A server in this process, for tests.

use std::sync::{Mutex, PoisonError};

use pyo3::prelude::*;
use windlass_server::http::{ServeOptions, Server as HttpServer};

use crate::bridge::{Bridge, call};
use crate::client::Client;
use crate::convert::seconds;
use crate::errors::raised;
use crate::link::Call;
use crate::runtime::{self, generation};

/// A server that answers by HTTP what a client's store answers.
#[pyclass(frozen, weakref, module = "windlass._native")]
pub(crate) struct Server {
    server: HttpServer,
    generation: u64,
    /// The store is in use until the server has stopped.
    under_way: Mutex<Option<Call>>,
}

#[pymethods]
impl Server {
    /// Serves the store of `client`.
    #[new]
    #[pyo3(signature = (client, *, listen, api_key=None, grace=None))]
    fn new(
        py: Python<'_>,
        client: &Bound<'_, Client>,
        listen: String,
        api_key: Option<String>,
        grace: Option<f64>,
    ) -> PyResult<Self> {
        let mut options = ServeOptions { listen, api_key, ..ServeOptions::default() };
        if let Some(grace) = raised(py, seconds("grace", grace))? {
            options.grace = grace;
        }
        let (client, under_way) = client.get().open(py)?;
        // Spawned, because what it starts belongs to the runtime and not to this thread.
        let starting = runtime::handle().spawn(HttpServer::start(client, options));
        let started = runtime::wait(py, starting)?;
        let started = started.map_err(|error| windlass::Error::internal(error.to_string()));
        let server = raised(py, started.and_then(|started| started))?;
        Ok(Self { server, generation: generation(), under_way: Mutex::new(Some(under_way)) })
    }

    /// Where it answers.
    fn url(&self) -> String {
        self.server.url()
    }

    /// The address that it listens on, as `HOST:PORT`.
    fn address(&self) -> String {
        self.server.address().to_string()
    }

    /// Stops; returns once every connection is gone, or its grace has passed. Again is no error.
    #[pyo3(signature = (bridge=None))]
    fn stop(&self, py: Python<'_>, bridge: Option<&Bound<'_, Bridge>>) -> PyResult<Py<PyAny>> {
        if self.generation != generation() {
            // The parent's, before a fork: its threads are not here.
            return call(py, bridge, async {}, |py, ()| Ok(py.None()));
        }
        let under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.server.stop();
        let server = self.server.clone();
        let work = async move {
            server.stopped().await;
            drop(under_way);
        };
        call(py, bridge, work, |py, ()| Ok(py.None()))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.generation == generation() {
            self.server.stop();
        }
    }
}

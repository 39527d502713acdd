//! The documents' small client of a server: calls whose answers Python reads as they are.

use std::sync::Arc;

use pyo3::prelude::*;
use serde_json::value::RawValue;
use windlass::client::DEFAULT_TENANT;
use windlass::rest::{RestOptions, RestService};
use windlass::runtime::host::TokioHost;
use windlass::{Error, Result, RetryConfig, Service};

use crate::bridge::{Bridge, call};
use crate::convert::{answer_text, seconds};
use crate::errors::{exception, raised};
use crate::runtime::{self, generation};

/// Calls to one server, without retries and without a breaker.
#[pyclass(frozen, module = "windlass._native")]
pub(crate) struct RestCalls {
    service: Arc<RestService>,
    tenant: String,
    generation: u64,
}

impl RestCalls {
    fn run<F>(
        &self,
        bridge: &Bound<'_, Bridge>,
        verb: impl FnOnce(Arc<RestService>, String) -> F,
    ) -> PyResult<Py<PyAny>>
    where
        F: Future<Output = Result<Box<RawValue>>> + Send + 'static,
    {
        if self.generation != generation() {
            // Connections of the parent, before a fork.
            return Err(exception(bridge.py(), &Error::ClientClosed));
        }
        let work = verb(self.service.clone(), self.tenant.clone());
        let work = async move { Ok(work.await?.get().to_owned()) };
        call(bridge.py(), Some(bridge), work, answer_text)
    }
}

#[pymethods]
impl RestCalls {
    #[new]
    #[pyo3(signature = (url, *, api_key=None, tenant=None, timeout=None))]
    fn new(
        py: Python<'_>,
        url: &str,
        api_key: Option<String>,
        tenant: Option<String>,
        timeout: Option<f64>,
    ) -> PyResult<Self> {
        let connect = || -> Result<RestService> {
            let retry = RetryConfig { max_retries: 0, ..RetryConfig::default() };
            let mut options =
                RestOptions { api_key, retry, breaker: None, ..RestOptions::default() };
            options.timeout = seconds("timeout", timeout)?.unwrap_or(options.timeout);
            let host = Arc::new(TokioHost::new(runtime::handle().clone()));
            RestService::new(url, options, host)
        };
        let service = Arc::new(raised(py, connect())?);
        let tenant = tenant.unwrap_or_else(|| DEFAULT_TENANT.to_owned());
        Ok(Self { service, tenant, generation: generation() })
    }

    /// The answer to a parallel block; both are JSON text.
    fn execute_block(&self, block: String, bridge: &Bound<'_, Bridge>) -> PyResult<Py<PyAny>> {
        self.run(
            bridge,
            |service, tenant| async move { service.execute_block(&tenant, block).await },
        )
    }

    /// How a task stands, as JSON text.
    fn task_status(&self, task_id: String, bridge: &Bound<'_, Bridge>) -> PyResult<Py<PyAny>> {
        self.run(
            bridge,
            |service, tenant| async move { service.task_status(&tenant, &task_id).await },
        )
    }

    /// Lets the connections go.
    fn close(&self, bridge: &Bound<'_, Bridge>) -> PyResult<Py<PyAny>> {
        let service = (self.generation == generation()).then(|| self.service.clone());
        let work = async move {
            match service {
                Some(service) => service.close().await,
                None => Ok(()),
            }
        };
        call(bridge.py(), Some(bridge), work, |py, closed| {
            raised(py, closed)?;
            Ok(py.None())
        })
    }
}

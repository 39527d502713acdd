//! Leases taken by hand: the verbs of a worker, one by one.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use serde::de::DeserializeOwned;
use windlass::words::duration_from_seconds;
use windlass::{Error, LeaseRequest, Result, Settle};

use crate::bridge::{Bridge, call};
use crate::client::Client;
use crate::convert::{answer_text, count, parsed, text};
use crate::errors::{self, raised};

/// The verbs of a worker on a client.
#[pyclass(frozen, module = "windlass._native")]
pub(crate) struct Hands(Py<Client>);

#[pymethods]
impl Hands {
    #[new]
    fn new(client: Py<Client>) -> Self {
        Self(client)
    }

    /// Leases tasks; see `Service::lease`.
    #[pyo3(signature = (*, worker, queues, handlers, limit, lease_seconds, wait_seconds, suspects,
        bridge=None))]
    #[allow(clippy::too_many_arguments)]
    fn lease(
        &self,
        py: Python<'_>,
        worker: String,
        queues: Vec<String>,
        handlers: Vec<String>,
        limit: i64,
        lease_seconds: f64,
        wait_seconds: f64,
        suspects: bool,
        bridge: Option<&Bound<'_, Bridge>>,
    ) -> PyResult<Py<PyAny>> {
        let read = || -> Result<LeaseRequest> {
            Ok(LeaseRequest {
                worker,
                queues,
                handlers,
                limit: count("limit", Some(limit))?.unwrap_or_default(),
                ttl: duration_from_seconds("lease_seconds", lease_seconds)?,
                wait: duration_from_seconds("wait_seconds", wait_seconds)?,
                suspects,
            })
        };
        let request = raised(py, read())?;
        let (client, under_way) = self.0.get().open(py)?;
        let work = async move {
            let _under_way = under_way;
            text(&client.lease(request).await?)
        };
        call(py, bridge, work, answer_text)
    }

    /// Keeps leases; a word for each: `held`, `cancel_requested` or `lost`.
    #[pyo3(signature = (renewals, bridge=None))]
    fn renew(
        &self,
        py: Python<'_>,
        renewals: &str,
        bridge: Option<&Bound<'_, Bridge>>,
    ) -> PyResult<Py<PyAny>> {
        let renewals = raised(py, read("renewals", renewals))?;
        let (client, under_way) = self.0.get().open(py)?;
        let work = async move {
            let _under_way = under_way;
            text(&client.renew(renewals).await?)
        };
        call(py, bridge, work, answer_text)
    }

    /// Records outcomes; for each its task's status, or the error.
    #[pyo3(signature = (outcomes, bridge=None))]
    fn settle(
        &self,
        py: Python<'_>,
        outcomes: &str,
        bridge: Option<&Bound<'_, Bridge>>,
    ) -> PyResult<Py<PyAny>> {
        let outcomes: Vec<Settle> = raised(py, read("outcomes", outcomes))?;
        let (client, under_way) = self.0.get().open(py)?;
        let work = async move {
            let _under_way = under_way;
            Ok(client.settle(outcomes, None).await?.settled)
        };
        call(py, bridge, work, |py, settled: Result<Vec<Result<_>>>| {
            let list = PyList::empty(py);
            for settled in raised(py, settled)? {
                match settled {
                    Ok(settled) => list.append(parsed(py, &raised(py, text(&settled))?)?)?,
                    Err(error) => list.append(errors::value(py, &error)?)?,
                }
            }
            Ok(list.into_any().unbind())
        })
    }

    /// Sweeps once; what it did, by name.
    #[pyo3(signature = (bridge=None))]
    fn sweep(&self, py: Python<'_>, bridge: Option<&Bound<'_, Bridge>>) -> PyResult<Py<PyAny>> {
        let (client, under_way) = self.0.get().open(py)?;
        let work = async move {
            let _under_way = under_way;
            client.sweep().await
        };
        call(py, bridge, work, |py, swept| {
            let swept = raised(py, swept)?;
            let named = PyDict::new(py);
            named.set_item("promoted", swept.promoted)?;
            named.set_item("rescued", swept.rescued)?;
            named.set_item("pruned", swept.pruned)?;
            Ok(named.into_any().unbind())
        })
    }
}

fn read<T: DeserializeOwned>(field: &str, text: &str) -> Result<Vec<T>> {
    serde_json::from_str(text).map_err(|error| Error::invalid(field, error.to_string()))
}

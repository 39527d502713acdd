//! A clock that tests move.

use std::sync::Arc;

use pyo3::prelude::*;
use windlass::Clock;
use windlass::words::duration_from_seconds;

use crate::errors::raised;

/// Stands still until it is moved. Clients that share it have nothing that runs by itself.
#[pyclass(frozen, module = "windlass._native")]
pub(crate) struct ManualClock(pub(crate) Arc<windlass::ManualClock>);

#[pymethods]
impl ManualClock {
    /// Starts at an instant in milliseconds since 1970, else at 2030-01-01.
    #[new]
    #[pyo3(signature = (start_millis=None))]
    fn new(start_millis: Option<i64>) -> Self {
        let clock = match start_millis {
            Some(millis) => windlass::ManualClock::new(windlass::Timestamp::from_millis(millis)),
            None => windlass::ManualClock::default(),
        };
        Self(Arc::new(clock))
    }

    /// Moves time forward by a number of seconds.
    fn advance(&self, py: Python<'_>, seconds: f64) -> PyResult<()> {
        self.0.advance(raised(py, duration_from_seconds("seconds", seconds))?);
        Ok(())
    }

    /// Milliseconds since 1970.
    fn millis(&self) -> i64 {
        self.0.now().as_millis()
    }
}

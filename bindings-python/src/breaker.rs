//! A circuit breaker around what Python calls.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use pyo3::prelude::*;
use windlass::rules::limits;
use windlass::words::duration_from_seconds;
use windlass::{BreakerConfig, Circuit, Clock, Result};

use crate::clock::ManualClock;
use crate::convert::count;
use crate::errors::raised;

/// A breaker's clock. It never steps back.
enum Time {
    /// Counted from an instant that was at this time since 1970.
    Real(Instant, Duration),
    /// Moved by a test.
    Manual(Arc<windlass::ManualClock>),
}

impl Time {
    fn now(&self) -> Duration {
        match self {
            Self::Real(start, at) => *at + start.elapsed(),
            Self::Manual(clock) => {
                Duration::from_millis(u64::try_from(clock.now().as_millis()).unwrap_or(0))
            }
        }
    }
}

/// A breaker that threads share.
#[pyclass(frozen, module = "windlass._native")]
pub(crate) struct Breaker {
    circuit: Circuit,
    time: Arc<Time>,
}

#[pymethods]
impl Breaker {
    #[new]
    #[pyo3(signature = (name, *, failure_threshold, success_threshold, recovery_timeout, clock=None))]
    fn new(
        py: Python<'_>,
        name: &str,
        failure_threshold: i64,
        success_threshold: i64,
        recovery_timeout: f64,
        clock: Option<&Bound<'_, ManualClock>>,
    ) -> PyResult<Self> {
        let make = || -> Result<windlass::Breaker> {
            limits::name("name", name)?;
            let config = BreakerConfig {
                failure_threshold: threshold("failure_threshold", failure_threshold)?,
                success_threshold: threshold("success_threshold", success_threshold)?,
                timeout: duration_from_seconds("recovery_timeout", recovery_timeout)?,
                excluded: Vec::new(),
            };
            windlass::Breaker::new(name, config)
        };
        let circuit = Circuit::new(raised(py, make())?);
        let time = match clock {
            Some(clock) => Time::Manual(clock.get().0.clone()),
            None => {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                Time::Real(Instant::now(), now)
            }
        };
        Ok(Self { circuit, time: Arc::new(time) })
    }

    /// Leave for one call.
    fn enter(&self, py: Python<'_>) -> PyResult<Pass> {
        let pass = raised(py, self.circuit.enter(self.time.now()))?;
        Ok(Pass { pass: Mutex::new(Some(pass)), time: self.time.clone() })
    }

    /// `closed`, `open` or `half-open`.
    fn state(&self) -> &'static str {
        self.circuit.breaker().state().as_str()
    }

    /// Failures in a row.
    fn failure_count(&self) -> u32 {
        self.circuit.breaker().failure_count()
    }

    /// When a failure was counted last, in seconds since 1970.
    fn last_failure_time(&self) -> Option<f64> {
        self.circuit.breaker().last_failure().map(|at| at.as_secs_f64())
    }
}

/// Leave for one call; dropped without a word it counts neither way.
#[pyclass(frozen, module = "windlass._native")]
pub(crate) struct Pass {
    pass: Mutex<Option<windlass::Pass>>,
    time: Arc<Time>,
}

impl Pass {
    fn take(&self) -> Option<windlass::Pass> {
        self.pass.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

#[pymethods]
impl Pass {
    /// The call was good.
    fn succeeded(&self) {
        if let Some(pass) = self.take() {
            pass.succeeded();
        }
    }

    /// The call failed.
    fn failed(&self) {
        if let Some(pass) = self.take() {
            pass.failed(self.time.now());
        }
    }

    /// The call counts neither way.
    fn released(&self) {
        drop(self.take());
    }
}

/// A threshold; core says what is allowed.
pub(crate) fn threshold(field: &str, number: i64) -> Result<u32> {
    Ok(count(field, Some(number))?.unwrap_or_default())
}

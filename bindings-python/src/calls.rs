//! How a client calls a server, as Python says it.

use pyo3::prelude::*;
use windlass::words::duration_from_seconds;
use windlass::{BreakerConfig, Error, Result, RetryConfig};

use crate::breaker::threshold;
use crate::convert::count;
use crate::errors::raised;

/// `(max_retries, initial_delay, max_delay, exponential_base, jitter, retryable_errors)`, delays in
/// seconds.
pub(crate) type RetryFields = (i64, f64, f64, f64, f64, Vec<i64>);

/// `(failure_threshold, success_threshold, timeout, excluded)`, the timeout in seconds and codes of
/// errors that do not count.
pub(crate) type BreakerFields = (i64, i64, f64, Vec<String>);

/// The retries that Python asks for.
///
/// # Errors
///
/// `invalid_argument`.
pub(crate) fn retry(fields: RetryFields) -> Result<RetryConfig> {
    let (max_retries, initial_delay, max_delay, exponential_base, jitter, retryable_errors) =
        fields;
    let status = |number: i64| {
        let reason = || format!("must hold HTTP statuses from 400 to 599, not {number}");
        u16::try_from(number).map_err(|_| Error::invalid("retryable_errors", reason()))
    };
    let config = RetryConfig {
        max_retries: count("max_retries", Some(max_retries))?.unwrap_or_default(),
        initial_delay: duration_from_seconds("initial_delay", initial_delay)?,
        max_delay: duration_from_seconds("max_delay", max_delay)?,
        exponential_base,
        jitter,
        retryable_errors: retryable_errors.into_iter().map(status).collect::<Result<_>>()?,
    };
    config.check()?;
    Ok(config)
}

/// The breaker that Python asks for. Errors as `retry`.
pub(crate) fn breaker(fields: BreakerFields) -> Result<BreakerConfig> {
    let (failure_threshold, success_threshold, timeout, excluded) = fields;
    let config = BreakerConfig {
        failure_threshold: threshold("failure_threshold", failure_threshold)?,
        success_threshold: threshold("success_threshold", success_threshold)?,
        timeout: duration_from_seconds("timeout", timeout)?,
        excluded,
    };
    config.check()?;
    Ok(config)
}

/// Checks what a client would be told.
///
/// # Errors
///
/// `invalid_argument`.
#[pyfunction]
#[pyo3(signature = (*, retry=None, breaker=None))]
pub(crate) fn check_calls(
    py: Python<'_>,
    retry: Option<RetryFields>,
    breaker: Option<BreakerFields>,
) -> PyResult<()> {
    raised(py, retry.map(self::retry).transpose())?;
    raised(py, breaker.map(self::breaker).transpose())?;
    Ok(())
}

/// The defaults of core, for the test that compares them with Python's.
#[pyfunction]
pub(crate) fn default_calls() -> (RetryFields, BreakerFields) {
    let (retry, breaker) = (RetryConfig::default(), BreakerConfig::default());
    let statuses = retry.retryable_errors.into_iter().map(i64::from).collect();
    (
        (
            retry.max_retries.into(),
            retry.initial_delay.as_secs_f64(),
            retry.max_delay.as_secs_f64(),
            retry.exponential_base,
            retry.jitter,
            statuses,
        ),
        (
            breaker.failure_threshold.into(),
            breaker.success_threshold.into(),
            breaker.timeout.as_secs_f64(),
            breaker.excluded,
        ),
    )
}

//! How a client calls a server, as a language says it.

use windlass_core::{BreakerConfig, Result, RetryConfig};

use crate::fields::Fields;

/// The retries that are asked for; what is left out has core's default.
///
/// # Errors
///
/// `invalid_argument`.
pub(crate) fn retry(text: &str) -> Result<RetryConfig> {
    let (mut fields, default) = (Fields::read("retry", text)?, RetryConfig::default());
    let config = RetryConfig {
        max_retries: fields.count("max_retries")?.unwrap_or(default.max_retries),
        initial_delay: fields.seconds("initial_delay")?.unwrap_or(default.initial_delay),
        max_delay: fields.seconds("max_delay")?.unwrap_or(default.max_delay),
        exponential_base: fields.number("exponential_base")?.unwrap_or(default.exponential_base),
        jitter: fields.number("jitter")?.unwrap_or(default.jitter),
        retryable_errors: fields.counts("retryable_errors")?.unwrap_or(default.retryable_errors),
    };
    fields.end()?;
    config.check()?;
    Ok(config)
}

/// The breaker that is asked for. Errors as `retry`.
pub(crate) fn breaker(text: &str) -> Result<BreakerConfig> {
    let (mut fields, default) = (Fields::read("breaker", text)?, BreakerConfig::default());
    let config = BreakerConfig {
        failure_threshold: fields.count("failure_threshold")?.unwrap_or(default.failure_threshold),
        success_threshold: fields.count("success_threshold")?.unwrap_or(default.success_threshold),
        timeout: fields.seconds("timeout")?.unwrap_or(default.timeout),
        excluded: fields.texts("excluded")?.unwrap_or(default.excluded),
    };
    fields.end()?;
    config.check()?;
    Ok(config)
}

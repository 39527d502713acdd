//! When a call over HTTP is repeated, and after which pause.

use std::time::Duration;

use crate::error::{Error, Result};
use crate::rules::retry::Policy;
use crate::words::{Timestamp, calendar};

/// The status of a service that asks to be left alone for a while.
const TOO_MANY: u16 = 429;

/// How a client repeats calls that got no good answer. The retries of one call share its deadline.
///
/// ```
/// # use std::time::Duration;
/// use windlass_core::RetryConfig;
/// let config = RetryConfig::default();
/// assert_eq!((config.max_retries, config.jitter, config.exponential_base), (5, 0.1, 2.0));
/// assert_eq!((config.initial_delay, config.max_delay), (Duration::from_millis(500), Duration::from_secs(30)));
/// assert_eq!(config.retryable_errors, [500, 502, 503, 504]);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct RetryConfig {
    /// Retries after the first try; 0 never repeats.
    pub max_retries: u32,
    /// Pause before the first retry.
    pub initial_delay: Duration,
    /// Longest pause, before jitter. A pause that the service asks for may be longer.
    pub max_delay: Duration,
    /// Factor from one pause to the next, 1 to 100.
    pub exponential_base: f64,
    /// Fraction by which a pause varies either way, 0 to 1; 0 is always the same.
    pub jitter: f64,
    /// HTTP statuses that are repeated. 429 always is; so is a call that got no answer.
    pub retryable_errors: Vec<u16>,
}

impl Default for RetryConfig {
    fn default() -> Self {
        Self {
            max_retries: 5,
            initial_delay: Duration::from_millis(500),
            max_delay: Duration::from_secs(30),
            exponential_base: 2.0,
            jitter: 0.1,
            retryable_errors: vec![500, 502, 503, 504],
        }
    }
}

/// How one try of a call failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallFailure {
    /// The status that was answered; `None` when no whole answer came.
    pub status: Option<u16>,
    /// How long the service asked to be left alone.
    pub retry_after: Option<Duration>,
    /// Whether a second run of the call does no harm: it reads, or a key or token makes it count once.
    pub repeatable: bool,
}

impl RetryConfig {
    /// Checks every field.
    ///
    /// # Errors
    ///
    /// `invalid_argument`.
    pub fn check(&self) -> Result<()> {
        if !(1.0..=100.0).contains(&self.exponential_base) {
            return Err(Error::invalid("exponential_base", "must be 1 to 100"));
        }
        if !(0.0..=1.0).contains(&self.jitter) {
            return Err(Error::invalid("jitter", "must be a fraction from 0 to 1"));
        }
        match self.retryable_errors.iter().find(|status| !(400..=599).contains(*status)) {
            Some(status) => {
                let reason = format!("must hold HTTP statuses from 400 to 599, not {status}");
                Err(Error::invalid("retryable_errors", reason))
            }
            None => Ok(()),
        }
    }

    /// Pause before the next try, after `tries` tries of which the last one failed so; `None` when there
    /// is to be none. `chance` is drawn from 0 up to 1.
    ///
    /// 429 is repeated whatever the list says and whatever the call does, because nothing was done; it
    /// counts against `max_retries` like any other. The pause that the service asks for is kept to;
    /// without one it is the backoff, as for tasks: see [`Policy::delay`].
    ///
    /// Vectors: `spec/vectors/pure/call-retry.json`.
    pub fn next(&self, tries: u32, failure: &CallFailure, chance: f64) -> Option<Duration> {
        let repeats = match failure.status {
            Some(TOO_MANY) => true,
            Some(status) => failure.repeatable && self.retryable_errors.contains(&status),
            None => failure.repeatable,
        };
        if !repeats || tries > self.max_retries {
            return None;
        }
        Some(failure.retry_after.unwrap_or_else(|| self.policy().delay(tries, chance)))
    }

    fn policy(&self) -> Policy {
        Policy {
            max_retries: self.max_retries,
            initial_delay: self.initial_delay,
            exponential_base: self.exponential_base,
            max_delay: self.max_delay,
            jitter: self.jitter,
            retry_on_timeout: true,
        }
    }
}

/// Reads the header `Retry-After`: whole seconds, or a date (RFC 9110, section 10.2.3). `None` for
/// anything else; a date that has passed is no pause.
pub fn retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(Duration::from_secs(seconds.into()));
    }
    calendar::read_http_date(text).map(|date| Timestamp::from_millis(date).since(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(status: impl Into<Option<u16>>, repeatable: bool) -> CallFailure {
        CallFailure { status: status.into(), retry_after: None, repeatable }
    }

    // GPY-25
    #[test]
    fn listed_statuses_and_lost_answers_back_off() {
        let config = RetryConfig::default();
        let millis: Vec<_> = (1..=6)
            .map(|tries| config.next(tries, &failed(503, true), 0.5).map(|d| d.as_millis()))
            .collect();
        assert_eq!(
            millis,
            [Some(500), Some(1000), Some(2000), Some(4000), Some(8000), None],
            "0.5 s doubled, five times"
        );
        assert!(config.next(1, &failed(None, true), 0.5).is_some());
        assert_eq!(config.next(1, &failed(501, true), 0.5), None);
        assert_eq!(config.next(1, &failed(404, true), 0.5), None);
    }

    // GPY-26 [X15]
    #[test]
    fn too_many_is_repeated_whatever_the_list_says_and_as_late_as_it_asks() {
        let config = RetryConfig { retryable_errors: Vec::new(), ..RetryConfig::default() };
        let asked = CallFailure {
            status: Some(429),
            retry_after: Some(Duration::from_secs(90)),
            repeatable: false,
        };
        assert_eq!(config.next(1, &asked, 0.0), Some(Duration::from_secs(90)));
        assert_eq!(config.next(6, &asked, 0.0), None, "it counts against max_retries");
        assert_eq!(config.next(1, &failed(429, false), 0.5), Some(Duration::from_millis(500)));
        assert_eq!(config.next(1, &failed(503, true), 0.5), None);
    }

    #[test]
    fn what_must_not_run_twice_is_not_repeated() {
        let config = RetryConfig::default();
        assert_eq!(config.next(1, &failed(None, false), 0.5), None);
        assert_eq!(config.next(1, &failed(503, false), 0.5), None);
    }

    // [X16]
    #[test]
    fn jitter_is_a_fraction_of_the_pause() {
        let config = RetryConfig { jitter: 0.2, ..RetryConfig::default() };
        let next = |chance| config.next(2, &failed(500, true), chance).map(|d| d.as_millis());
        assert_eq!((next(0.0), next(0.5), next(1.0)), (Some(800), Some(1000), Some(1200)));
    }

    #[test]
    fn a_config_that_makes_no_sense_is_refused() {
        let default = RetryConfig::default();
        assert!(default.check().is_ok());
        for (config, field) in [
            (RetryConfig { exponential_base: f64::NAN, ..default.clone() }, "exponential_base"),
            (RetryConfig { exponential_base: 0.5, ..default.clone() }, "exponential_base"),
            (RetryConfig { jitter: -0.1, ..default.clone() }, "jitter"),
            (RetryConfig { retryable_errors: vec![200], ..default.clone() }, "retryable_errors"),
        ] {
            assert_eq!(config.check().unwrap_err().fields()["field"], field);
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now: Timestamp = "2026-11-20T14:00:00Z".parse().unwrap();
        let read = |text| retry_after(text, now);
        assert_eq!(read("3"), Some(Duration::from_secs(3)));
        assert_eq!(read(" 0 "), Some(Duration::ZERO));
        assert_eq!(read("Fri, 20 Nov 2026 14:00:30 GMT"), Some(Duration::from_secs(30)));
        assert_eq!(read("Fri, 20 Nov 2026 13:00:00 GMT"), Some(Duration::ZERO));
        for text in ["", "-1", "soon", "1.5", "99999999999999999999"] {
            assert_eq!(read(text), None, "{text:?}");
        }
    }
}

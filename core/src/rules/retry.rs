//! When a failed attempt is repeated, and after which delay.

use std::time::Duration;

use crate::words::RetryOptions;

/// A complete retry policy.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Policy {
    /// Retries after the first attempt.
    pub max_retries: u32,
    /// Delay before the first retry.
    pub initial_delay: Duration,
    /// Factor from one delay to the next.
    pub exponential_base: f64,
    /// Longest delay, before jitter.
    pub max_delay: Duration,
    /// Fraction by which a delay varies either way, 0 to 1.
    pub jitter: f64,
    /// Whether an attempt that timed out is retried.
    pub retry_on_timeout: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            max_retries: 3,
            initial_delay: Duration::from_secs(1),
            exponential_base: 2.0,
            max_delay: Duration::from_secs(60),
            jitter: 0.1,
            retry_on_timeout: true,
        }
    }
}

impl Policy {
    /// What was given at submit, else what the handler declares, else the default.
    pub fn resolve(given: RetryOptions, declared: RetryOptions) -> Self {
        let options = given.or(declared);
        let default = Self::default();
        Self {
            max_retries: options.max_retries.unwrap_or(default.max_retries),
            initial_delay: options.initial_delay.unwrap_or(default.initial_delay),
            exponential_base: options.exponential_base.unwrap_or(default.exponential_base),
            max_delay: options.max_delay.unwrap_or(default.max_delay),
            jitter: options.jitter.unwrap_or(default.jitter),
            retry_on_timeout: options.retry_on_timeout.unwrap_or(default.retry_on_timeout),
        }
    }

    /// Whether another attempt follows the failed attempt `attempt`, which counts from 1.
    pub fn allows(&self, attempt: u32) -> bool {
        attempt <= self.max_retries
    }

    /// Delay before retry `n`, which counts from 1; 0 is read as 1.
    ///
    /// `min(max_delay, initial_delay · exponential_base^(n−1))`, times a factor drawn from
    /// `1 ± jitter`, in whole milliseconds. `chance` is the draw, from 0 up to 1: 0.5 gives the delay
    /// without jitter.
    ///
    /// Source: capped exponential backoff, AWS Architecture Blog, "Exponential Backoff And Jitter",
    /// 2015. Vectors: `spec/vectors/pure/backoff.json`.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use windlass_core::RetryPolicy;
    /// let policy = RetryPolicy { jitter: 0.0, ..RetryPolicy::default() };
    /// assert_eq!(policy.delay(4, 0.5), Duration::from_secs(8));
    /// assert_eq!(policy.delay(99, 0.5), Duration::from_secs(60));
    /// ```
    pub fn delay(&self, n: u32, chance: f64) -> Duration {
        // The power is kept finite: nothing times infinity would be no number, and no number is the cap.
        let growth = power(self.exponential_base, n.max(1) - 1).min(f64::MAX);
        let grown = self.initial_delay.as_secs_f64() * growth;
        // `min` also takes the cap when the product overflows to infinity.
        let capped = grown.min(self.max_delay.as_secs_f64());
        let factor = 1.0 + self.jitter * (2.0 * chance - 1.0);
        Duration::from_millis((capped * factor * 1000.0).round() as u64)
    }
}

/// `base` to a whole power, by squares: the same on every machine, unlike what a system calls `pow`.
fn power(mut base: f64, mut exponent: u32) -> f64 {
    let mut power = 1.0;
    while exponent > 0 {
        if exponent % 2 == 1 {
            power *= base;
        }
        base *= base;
        exponent /= 2;
    }
    power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_stays_within_its_fraction() {
        let policy = Policy { jitter: 0.5, ..Policy::default() };
        assert_eq!(policy.delay(1, 0.0), Duration::from_millis(500));
        assert_eq!(policy.delay(1, 1.0), Duration::from_millis(1500));
        assert_eq!(policy.delay(7, 1.0), Duration::from_millis(90_000));
    }

    #[test]
    fn what_is_given_goes_before_what_is_declared() {
        let given = RetryOptions { max_retries: Some(1), ..RetryOptions::default() };
        let declared =
            RetryOptions { max_retries: Some(9), jitter: Some(0.0), ..RetryOptions::default() };
        let policy = Policy::resolve(given, declared);
        assert_eq!((policy.max_retries, policy.jitter, policy.exponential_base), (1, 0.0, 2.0));
        assert!(policy.allows(1) && !policy.allows(2));
    }
}

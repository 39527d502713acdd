//! What a block is asked to keep to, as callers write it, and checked.

use std::time::Duration;

use super::word::Strategy;
use crate::error::{Error, Result};
use crate::words::duration_from_seconds;

/// A block's options as callers write them; every language hands them over unchecked.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// One of the strategies' names, or `quorum(N)`.
    pub strategy: &'a str,
    /// The successes needed; only for `quorum`.
    pub quorum: Option<i64>,
    /// Starts a second; only for `throttled`, `max_concurrency` when absent.
    pub rate_per_second: Option<f64>,
    /// The most steps that run at once.
    pub max_concurrency: i64,
    /// How long the block may take, in seconds.
    pub timeout_seconds: Option<f64>,
    /// Whether a function that decides stands beside the strategy `custom`.
    pub has_custom: bool,
}

/// What a block keeps to: checked, and fitting the number of its steps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Terms {
    /// How it runs and what ends it.
    pub strategy: Strategy,
    /// The most steps that run at once; at least 1.
    pub max_concurrency: u32,
    /// How long it may take, counted from its first start; above 0.
    pub timeout: Option<Duration>,
}

impl Terms {
    /// Reads and checks what is asked, for a block of `total` steps.
    ///
    /// # Errors
    ///
    /// `invalid_argument` naming `strategy`, `quorum`, `rate_per_second`, `max_concurrency` (below
    /// 1), `timeout_seconds` (not above 0) or `custom` (absent where the strategy is `custom`,
    /// or beside another one).
    pub fn parse(asked: &Asked<'_>, total: u32) -> Result<Self> {
        let max_concurrency = checked_concurrency(asked.max_concurrency)?;
        let strategy =
            Strategy::parse(asked.strategy, asked.quorum, asked.rate_per_second, max_concurrency)?;
        let timeout = asked
            .timeout_seconds
            .map(|seconds| duration_from_seconds("timeout_seconds", seconds))
            .transpose()?;
        match (strategy == Strategy::Custom, asked.has_custom) {
            (true, false) => Err(Error::invalid("custom", "the strategy custom needs a function")),
            (false, true) => Err(Error::invalid("custom", "belongs to the strategy custom only")),
            _ => {
                let terms = Self { strategy, max_concurrency, timeout };
                terms.check(total)?;
                Ok(terms)
            }
        }
    }

    /// Checks terms built by hand, for a block of `total` steps.
    ///
    /// # Errors
    ///
    /// As [`Terms::parse`].
    pub fn check(&self, total: u32) -> Result<()> {
        checked_concurrency(i64::from(self.max_concurrency))?;
        if self.timeout == Some(Duration::ZERO) {
            return Err(Error::invalid("timeout_seconds", "must be above 0"));
        }
        self.strategy.check(total)
    }
}

fn checked_concurrency(number: i64) -> Result<u32> {
    if number < 1 {
        return Err(Error::invalid("max_concurrency", format!("must be at least 1, not {number}")));
    }
    // More than any block has steps is no limit at all.
    Ok(u32::try_from(number).unwrap_or(u32::MAX))
}

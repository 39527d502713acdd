//! Blocks of steps in the numbers of JavaScript: every number is a float, time is in milliseconds.
//!
//! The host makes a block, then calls `step` with the time and reads the plan:
//!
//! * The indexes from `from` up to `to`, not included, may start, in order, never more than
//!   `maxConcurrency` at once.
//! * `wake` is when to call again though nothing ends.
//! * A `quiet` block grants all steps with its first plan and need not be told before all of them
//!   ended or `wake` has come; any other is told after each finish or each turn of the loop.
//! * With a `verdict` the host starts nothing more, aborts what runs, waits for it, and tells how that
//!   ended by one more `step`. What was granted and never started is told as cancelled.

use std::time::Duration;

use windlass_core::rules::strategy::{self, Ended, Plan, Terms};
use windlass_core::{Error, Result};

use crate::arguments::whole;

/// A block's options as JavaScript gives them.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// One of the strategies' names, or `quorum(N)`.
    pub strategy: &'a str,
    /// The number of steps.
    pub total: f64,
    /// The most steps that run at once; `Infinity` is no limit.
    pub max_concurrency: f64,
    /// The successes needed; only for `quorum`.
    pub quorum: Option<f64>,
    /// Starts a second; only for `throttled`.
    pub rate_per_second: Option<f64>,
    /// How long the block may take.
    pub timeout_seconds: Option<f64>,
    /// Whether a function that decides stands beside the strategy `custom`.
    pub has_custom: bool,
}

/// A running block and its last plan.
#[derive(Debug)]
pub struct Block {
    /// The machine.
    pub block: strategy::Block,
    /// What it said last; empty before the first step.
    pub plan: Plan,
}

impl Block {
    /// A block that has not started.
    ///
    /// # Errors
    ///
    /// `invalid_argument` naming the field.
    pub fn new(asked: &Asked<'_>) -> Result<Self> {
        let total = u32::try_from(whole("steps", asked.total)?)
            .map_err(|_| Error::invalid("steps", "are more than a block may have"))?;
        let asked = strategy::Asked {
            strategy: asked.strategy,
            quorum: asked.quorum.map(|number| whole("quorum", number)).transpose()?,
            rate_per_second: asked.rate_per_second,
            max_concurrency: whole("max_concurrency", asked.max_concurrency)?,
            timeout_seconds: asked.timeout_seconds,
            has_custom: asked.has_custom,
        };
        let block = strategy::Block::new(Terms::parse(&asked, total)?, total)?;
        Ok(Self { block, plan: Plan { start: 0..0, wake: None, verdict: None } })
    }

    /// Tells what ended and asks what to do next.
    ///
    /// # Errors
    ///
    /// As [`strategy::Block::step`].
    pub fn step(&mut self, now_millis: f64, ended: Ended) -> Result<()> {
        let now = Duration::try_from_secs_f64(now_millis / 1e3).unwrap_or_default();
        self.plan = self.block.step(now, ended)?;
        Ok(())
    }

    /// When to call again though nothing ends, in milliseconds on the clock of `step`.
    pub fn wake(&self) -> Option<f64> {
        self.plan.wake.map(|wake| wake.as_secs_f64() * 1e3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(max_concurrency: f64, quorum: Option<f64>, total: f64) -> Asked<'static> {
        let strategy = if quorum.is_some() { "quorum" } else { "all" };
        Asked {
            strategy,
            total,
            max_concurrency,
            quorum,
            rate_per_second: None,
            timeout_seconds: Some(0.25),
            has_custom: false,
        }
    }

    #[test]
    fn time_crosses_in_milliseconds() {
        let mut block = Block::new(&asked(f64::INFINITY, None, 3.0)).unwrap();
        block.step(1_000.0, Ended::default()).unwrap();
        assert_eq!((block.plan.start.clone(), block.wake()), (0..3, Some(1_250.0)));
    }

    #[test]
    fn numbers_that_are_not_whole_name_their_field() {
        let field = |asked: Asked<'_>| match Block::new(&asked).unwrap_err() {
            Error::InvalidArgument { field, .. } => field,
            other => panic!("expected invalid_argument, got {other:?}"),
        };
        for number in [1.5, f64::NAN, 0.0, -1.0, f64::NEG_INFINITY] {
            assert_eq!(field(asked(number, None, 3.0)), "max_concurrency");
            assert_eq!(field(asked(1.0, Some(number), 3.0)), "quorum");
        }
        assert_eq!(field(asked(1.0, None, 1e12)), "steps");
    }
}

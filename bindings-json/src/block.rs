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

use windlass_core::rules::strategy::{self, Answer, Asked, Ended, Plan, Terms};
use windlass_core::{Error, Result};

use crate::arguments::whole;

/// A running block and its last plan.
#[derive(Debug)]
pub struct Block {
    block: strategy::Block,
    /// What it said last; empty before the first step.
    plan: Plan,
}

impl Block {
    /// A block of `total` steps that has not started. `max_concurrency` may be `Infinity`, `quorum` is the
    /// successes needed, and `has_custom` whether a function that decides stands beside the strategy
    /// `custom`.
    ///
    /// # Errors
    ///
    /// `invalid_argument` naming the field.
    pub fn new(
        strategy: &str,
        total: f64,
        max_concurrency: f64,
        quorum: Option<f64>,
        rate_per_second: Option<f64>,
        timeout_seconds: Option<f64>,
        has_custom: Option<bool>,
    ) -> Result<Self> {
        let total = u32::try_from(whole("steps", total)?)
            .map_err(|_| Error::invalid("steps", "are more than a block may have"))?;
        let asked = Asked {
            strategy,
            quorum: quorum.map(|number| whole("quorum", number)).transpose()?,
            rate_per_second,
            max_concurrency: whole("max_concurrency", max_concurrency)?,
            timeout_seconds,
            has_custom: has_custom.unwrap_or(false),
        };
        let block = strategy::Block::new(Terms::parse(&asked, total)?, total)?;
        Ok(Self { block, plan: Plan { start: 0..0, wake: None, verdict: None } })
    }

    /// Tells what ended and asks what to do next; `now` in milliseconds of a clock that never steps back.
    ///
    /// # Errors
    ///
    /// As [`strategy::Block::step`].
    pub fn step(
        &mut self,
        now: f64,
        completed: u32,
        failed: u32,
        cancelled: u32,
        first: Option<bool>,
    ) -> Result<()> {
        let now = Duration::try_from_secs_f64(now / 1e3).unwrap_or_default();
        self.plan = self.block.step(now, Ended { completed, failed, cancelled, first })?;
        Ok(())
    }

    /// Takes the answer of a custom block's function: `keep_going`, `satisfied` or `failed`. Asked after
    /// each finish and before it is told; whether the block is decided.
    ///
    /// # Errors
    ///
    /// `invalid_argument` for any other word.
    pub fn answer(&mut self, word: &str) -> Result<bool> {
        self.block.answer(Answer::parse(word)?);
        Ok(self.block.verdict().is_some())
    }

    /// Ends the block as cancelled, unless its verdict is taken.
    pub fn cancel(&mut self) {
        self.block.cancel();
    }

    /// Whether all steps are granted at once and finishes need not be told one by one.
    pub fn quiet(&self) -> bool {
        self.block.is_quiet()
    }

    /// The first index that may start now.
    pub fn from(&self) -> u32 {
        self.plan.start.start
    }

    /// The index after the last that may start now.
    pub fn to(&self) -> u32 {
        self.plan.start.end
    }

    /// When to call again though nothing ends, in milliseconds on the clock of `step`.
    pub fn wake(&self) -> Option<f64> {
        self.plan.wake.map(|wake| wake.as_secs_f64() * 1e3)
    }

    /// `completed`, `partial`, `failed`, `timeout` or `cancelled`, once it is decided.
    pub fn verdict(&self) -> Option<&'static str> {
        self.block.verdict().map(|word| word.as_str())
    }

    /// How many completed.
    pub fn completed(&self) -> u32 {
        self.block.tally().completed
    }

    /// How many failed.
    pub fn failed(&self) -> u32 {
        self.block.tally().failed
    }

    /// How many were cancelled; with a verdict, those never granted too.
    pub fn cancelled(&self) -> u32 {
        self.block.tally().cancelled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(max_concurrency: f64, quorum: Option<f64>, total: f64) -> Result<Block> {
        let strategy = if quorum.is_some() { "quorum" } else { "all" };
        Block::new(strategy, total, max_concurrency, quorum, None, Some(0.25), None)
    }

    #[test]
    fn time_crosses_in_milliseconds() {
        let mut block = block(f64::INFINITY, None, 3.0).unwrap();
        block.step(1_000.0, 0, 0, 0, None).unwrap();
        assert_eq!((block.from(), block.to(), block.wake()), (0, 3, Some(1_250.0)));
    }

    #[test]
    fn numbers_that_are_not_whole_name_their_field() {
        let field = |refused: Result<Block>| match refused.unwrap_err() {
            Error::InvalidArgument { field, .. } => field,
            other => panic!("expected invalid_argument, got {other:?}"),
        };
        for number in [1.5, f64::NAN, 0.0, -1.0, f64::NEG_INFINITY] {
            assert_eq!(field(block(number, None, 3.0)), "max_concurrency");
            assert_eq!(field(block(1.0, Some(number), 3.0)), "quorum");
        }
        assert_eq!(field(block(1.0, None, 1e12)), "steps");
    }
}

//! How a block is asked for.

use std::future::{Future, poll_fn};
use std::time::Duration;

use windlass_core::rules::strategy::{Answer, Block, Strategy, Terms};
use windlass_core::{Error, Result};

use super::drive::Drive;
use super::result::BlockResult;

/// Steps at once where nothing else is said.
const MAX_CONCURRENCY: u32 = 10;

/// A block to run: a strategy and its limits.
#[derive(Debug, Clone, Copy)]
#[must_use = "a block does nothing until it runs"]
pub struct Parallel {
    terms: Terms,
}

impl Parallel {
    /// A block of 10 steps at once, without a timeout.
    pub const fn new(strategy: Strategy) -> Self {
        Self { terms: Terms { strategy, max_concurrency: MAX_CONCURRENCY, timeout: None } }
    }

    /// The most steps that run at once; at least 1.
    pub const fn max_concurrency(mut self, steps: u32) -> Self {
        self.terms.max_concurrency = steps;
        self
    }

    /// How long the block may take. Then what runs is dropped, and what finished is kept.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.terms.timeout = Some(timeout);
        self
    }

    /// Runs the steps. Each future is made when its turn comes, so that few exist at once. Dropping
    /// the answer's future drops every step that runs.
    ///
    /// # Errors
    ///
    /// `invalid_argument` naming `max_concurrency`, `timeout_seconds`, `quorum`, `rate_per_second`,
    /// `custom` (this strategy runs by [`Parallel::run_custom`]) or `steps`, before any of them runs,
    /// but when the iterator ends before the length it told.
    ///
    /// # Panics
    ///
    /// When a step panics; the others are dropped. Outside of a tokio runtime with time, where there
    /// is a timeout or a rate.
    pub async fn run<I, F, T, E>(&self, steps: I) -> Result<BlockResult<T, E>>
    where
        I: IntoIterator<Item = F, IntoIter: ExactSizeIterator>,
        F: Future<Output = Result<T, E>>,
    {
        if self.terms.strategy == Strategy::Custom {
            return Err(Error::invalid("custom", "the strategy custom needs a function"));
        }
        self.drive(steps.into_iter(), |_: usize, _: &Result<T, E>| Answer::KeepGoing).await
    }

    /// Runs the steps of the strategy `custom`: `decide` is told the place and the outcome of each
    /// step that finishes, until it decides.
    ///
    /// # Errors
    ///
    /// As [`Parallel::run`]; `custom` where the strategy is another.
    ///
    /// # Panics
    ///
    /// As [`Parallel::run`].
    pub async fn run_custom<I, F, T, E, D>(&self, steps: I, decide: D) -> Result<BlockResult<T, E>>
    where
        I: IntoIterator<Item = F, IntoIter: ExactSizeIterator>,
        F: Future<Output = Result<T, E>>,
        D: FnMut(usize, &Result<T, E>) -> Answer,
    {
        if self.terms.strategy != Strategy::Custom {
            return Err(Error::invalid("custom", "belongs to the strategy custom only"));
        }
        self.drive(steps.into_iter(), decide).await
    }

    async fn drive<I, F, T, E, D>(&self, steps: I, decide: D) -> Result<BlockResult<T, E>>
    where
        I: ExactSizeIterator<Item = F>,
        F: Future<Output = Result<T, E>>,
        D: FnMut(usize, &Result<T, E>) -> Answer,
    {
        let total = u32::try_from(steps.len())
            .map_err(|_| Error::invalid("steps", "are more than a block may have"))?;
        let block = Block::new(self.terms, total)?;
        let mut drive = Drive::new(block, steps, total, decide);
        poll_fn(|context| drive.poll(context)).await?;
        Ok(drive.into_result())
    }
}

//! The machine that runs a block of steps.
//!
//! It knows steps by their indexes only; what they are, what they return and how they are cancelled
//! is the host's. The host drives it:
//!
//! 1. [`Block::step`] with the time: the plan says which indexes may start, in order.
//! 2. It runs them, never more than `max_concurrency` at once, and tells how many ended, with the
//!    next call. A block that [is quiet](Block::is_quiet) need not be told before all that was
//!    granted ended or the plan's `wake` has come; any other is told after each finish, or after
//!    all of one turn of the host's loop.
//! 3. When the plan holds a verdict, the host starts nothing more, cancels what runs, waits for it,
//!    and tells how it ended. The verdict does not change any more.

use std::ops::Range;
use std::time::Duration;

use super::pace::Pace;
use super::terms::Terms;
use super::verdict::{Overall, StepTally, judge};
use super::word::Strategy;
use crate::error::{Error, Result};

/// Steps that ended since the last call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ended {
    /// How many succeeded.
    pub completed: u32,
    /// How many failed.
    pub failed: u32,
    /// How many were cancelled, or granted and never started.
    pub cancelled: u32,
    /// Whether the first of the whole block that finished succeeded; asked by `race` only.
    pub first: Option<bool>,
}

/// What the user's function of a `custom` block says after a finish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Not decided yet.
    KeepGoing,
    /// The block is completed.
    Satisfied,
    /// The block has failed.
    Failed,
}

impl Answer {
    /// Reads `keep_going`, `satisfied` or `failed`.
    ///
    /// # Errors
    ///
    /// `invalid_argument` naming `custom`.
    pub fn parse(word: &str) -> Result<Self> {
        match word {
            "keep_going" => Ok(Self::KeepGoing),
            "satisfied" => Ok(Self::Satisfied),
            "failed" => Ok(Self::Failed),
            other => {
                let reason = format!("answered {other:?}, not keep_going, satisfied or failed");
                Err(Error::invalid("custom", reason))
            }
        }
    }
}

/// What the host does next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Indexes that may start, in order; empty when nothing may.
    pub start: Range<u32>,
    /// When to call again though nothing ends: the next start of a throttled block, or the deadline.
    pub wake: Option<Duration>,
    /// The verdict once it is taken: cancel what runs.
    pub verdict: Option<Overall>,
}

/// A running block. Time is an argument: what passed since some fixed start, never stepping back.
///
/// ```
/// use std::time::Duration;
/// use windlass_core::rules::strategy::{Block, Ended, Overall, Strategy, Terms};
/// let terms = Terms { strategy: Strategy::AnySuccess, max_concurrency: 2, timeout: None };
/// let mut block = Block::new(terms, 5)?;
/// let now = Duration::ZERO;
/// assert_eq!(block.step(now, Ended::default())?.start, 0..2);
/// assert_eq!(block.step(now, Ended { failed: 1, ..Ended::default() })?.start, 2..3);
/// let plan = block.step(now, Ended { completed: 1, ..Ended::default() })?;
/// assert_eq!(plan.verdict, Some(Overall::Completed));
/// # Ok::<(), windlass_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Block {
    terms: Terms,
    tally: StepTally,
    /// Steps granted so far: the first that was not is the next to start.
    granted: u32,
    pace: Option<Pace>,
    deadline: Option<Duration>,
    started: bool,
    verdict: Option<Overall>,
}

impl Block {
    /// A block of `total` steps that has not started.
    ///
    /// # Errors
    ///
    /// As [`Terms::check`].
    pub fn new(terms: Terms, total: u32) -> Result<Self> {
        terms.check(total)?;
        let pace = terms.strategy.rate_per_second().map(Pace::new);
        Ok(Self {
            terms,
            tally: StepTally { total, ..StepTally::default() },
            granted: 0,
            pace,
            deadline: None,
            started: false,
            verdict: None,
        })
    }

    /// Whether no single finish can end the block, so that all steps are granted at once and the
    /// host need not tell of each: `all`.
    pub const fn is_quiet(&self) -> bool {
        matches!(self.terms.strategy, Strategy::All)
    }

    /// What the block keeps to.
    pub const fn terms(&self) -> &Terms {
        &self.terms
    }

    /// Tells what ended and asks what to do next. The first call starts the clock of the timeout.
    ///
    /// A finish counts before the deadline does: a block whose last step ended in the call that
    /// also reaches the deadline is not timed out.
    ///
    /// # Errors
    ///
    /// `internal` when more steps ended than run; nothing is counted then.
    pub fn step(&mut self, now: Duration, ended: Ended) -> Result<Plan> {
        self.count(ended)?;
        if !self.started {
            self.started = true;
            self.deadline = self.terms.timeout.map(|timeout| now.saturating_add(timeout));
        }
        if self.verdict.is_none() {
            self.verdict = judge(&self.terms.strategy, &self.tally).or_else(|| self.overdue(now));
        }
        if self.verdict.is_some() {
            return Ok(Plan {
                start: self.granted..self.granted,
                wake: None,
                verdict: self.verdict,
            });
        }
        let start = self.grant(now);
        Ok(Plan { start, wake: self.wake(), verdict: None })
    }

    /// Takes the answer of the user's function of a `custom` block. It is called after each finish,
    /// in the order of the finishes, before the finish is told; the first answer that decides holds.
    pub fn answer(&mut self, answer: Answer) {
        let verdict = match answer {
            Answer::KeepGoing => return,
            Answer::Satisfied => Overall::Completed,
            Answer::Failed => Overall::Failed,
        };
        self.verdict.get_or_insert(verdict);
    }

    /// Ends the block as cancelled, unless its verdict is taken.
    pub fn cancel(&mut self) {
        self.verdict.get_or_insert(Overall::Cancelled);
    }

    /// The verdict, once it is taken.
    pub const fn verdict(&self) -> Option<Overall> {
        self.verdict
    }

    /// How many steps were granted and have not ended.
    pub const fn running(&self) -> u32 {
        self.granted - (self.tally.completed + self.tally.failed + self.tally.cancelled)
    }

    /// How many ended, and how. With the verdict, steps never granted count as cancelled.
    pub const fn tally(&self) -> StepTally {
        let mut tally = self.tally;
        if self.verdict.is_some() {
            tally.cancelled += tally.total - self.granted;
        }
        tally
    }

    fn count(&mut self, ended: Ended) -> Result<()> {
        let sum = u64::from(ended.completed) + u64::from(ended.failed) + u64::from(ended.cancelled);
        if sum > u64::from(self.running()) {
            let reason = format!("{sum} steps ended and {} run", self.running());
            return Err(Error::internal(reason));
        }
        self.tally.completed += ended.completed;
        self.tally.failed += ended.failed;
        self.tally.cancelled += ended.cancelled;
        self.tally.first = self.tally.first.or(ended.first);
        Ok(())
    }

    fn overdue(&self, now: Duration) -> Option<Overall> {
        self.deadline.is_some_and(|deadline| now >= deadline).then_some(Overall::Timeout)
    }

    fn free(&self) -> u32 {
        let left = self.tally.total - self.granted;
        if self.is_quiet() {
            return left;
        }
        left.min(self.terms.max_concurrency.saturating_sub(self.running()))
    }

    fn grant(&mut self, now: Duration) -> Range<u32> {
        let free = self.free();
        let number = self.pace.as_mut().map_or(free, |pace| pace.take(now, free));
        let from = self.granted;
        self.granted += number;
        from..self.granted
    }

    fn wake(&self) -> Option<Duration> {
        let next = self.pace.as_ref().filter(|_| self.free() > 0).map(Pace::next);
        [next, self.deadline].into_iter().flatten().min()
    }
}

//! A block and the futures of its steps, driven.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::time::{Sleep, sleep_until};
use windlass_core::rules::strategy::{Answer, Block, Ended, Overall, Strategy};
use windlass_core::{Error, Result};

use super::result::{BlockResult, StepResult};
use super::slots::Slots;

/// Polls in one turn, after which the runtime has its own: steps that are always ready would keep it
/// from everything else.
const TURN: u32 = 128;

pub(super) struct Drive<I, F, T, E, D> {
    block: Block,
    steps: I,
    /// The next step to start, and the first that may not start yet.
    next: u32,
    granted: u32,
    slots: Slots<F>,
    /// Ended since the block was told last.
    ended: Ended,
    results: Vec<StepResult<T, E>>,
    decide: D,
    begun: Instant,
    /// Whether time means anything to the block.
    timed: bool,
    wake: Option<(Duration, Pin<Box<Sleep>>)>,
    woken_first: bool,
    verdict: Option<Overall>,
}

impl<I, F, T, E, D> Drive<I, F, T, E, D>
where
    I: ExactSizeIterator<Item = F>,
    F: Future<Output = Result<T, E>>,
    D: FnMut(usize, &Result<T, E>) -> Answer,
{
    pub(super) fn new(block: Block, steps: I, total: u32, decide: D) -> Self {
        let mut results = Vec::new();
        results.resize_with(total as usize, || StepResult::Cancelled);
        let terms = block.terms();
        let timed = terms.timeout.is_some() || terms.strategy.rate_per_second().is_some();
        Self {
            block,
            steps,
            next: 0,
            granted: 0,
            slots: Slots::new(),
            ended: Ended::default(),
            results,
            decide,
            begun: Instant::now(),
            timed,
            wake: None,
            woken_first: false,
            verdict: None,
        }
    }

    /// Ready with the verdict taken and every loser dropped.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<()>> {
        self.slots.driven_by(context.waker());
        if self.next == 0 || self.is_due(context) {
            self.ask()?;
        }
        let mut left = TURN;
        // In every other turn those that woke up come first, else steps that are ready at once, or
        // always awake, would keep the others from their turn.
        self.woken_first = !self.woken_first;
        let mut look = self.woken_first;
        while self.verdict.is_none() {
            if left == 0 {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            left -= 1;
            if look {
                look = self.poll_woken()?;
            } else if self.can_start() {
                self.start()?;
            } else if !self.poll_woken()? {
                if !self.is_due(context) {
                    return Poll::Pending;
                }
                self.ask()?;
            }
        }
        self.stop()?;
        Poll::Ready(Ok(()))
    }

    pub(super) fn into_result(self) -> BlockResult<T, E> {
        let tally = self.block.tally();
        BlockResult {
            overall: self.verdict.unwrap_or(Overall::Cancelled),
            completed: tally.completed,
            failed: tally.failed,
            cancelled: tally.cancelled,
            elapsed: self.begun.elapsed(),
            results: self.results,
        }
    }

    fn can_start(&self) -> bool {
        self.next < self.granted
            && self.slots.running() < self.block.terms().max_concurrency as usize
    }

    fn start(&mut self) -> Result<()> {
        let Some(future) = self.steps.next() else {
            return Err(Error::invalid("steps", "are fewer than their iterator told"));
        };
        let index = self.next;
        self.next += 1;
        match self.slots.start(index, future) {
            Poll::Ready(outcome) => self.finish(index, outcome),
            Poll::Pending => Ok(()),
        }
    }

    /// Polls one that woke up; whether there was one.
    fn poll_woken(&mut self) -> Result<bool> {
        match self.slots.poll_woken() {
            None => return Ok(false),
            Some((index, Poll::Ready(outcome))) => self.finish(index, outcome)?,
            Some((_, Poll::Pending)) => {}
        }
        Ok(true)
    }

    fn finish(&mut self, index: u32, outcome: Result<T, E>) -> Result<()> {
        if self.block.terms().strategy == Strategy::Custom && self.block.verdict().is_none() {
            self.block.answer((self.decide)(index as usize, &outcome));
        }
        let place = &mut self.results[index as usize];
        self.ended.first.get_or_insert(outcome.is_ok());
        match outcome {
            Ok(value) => {
                self.ended.completed += 1;
                *place = StepResult::Completed(value);
            }
            Err(error) => {
                self.ended.failed += 1;
                *place = StepResult::Failed(error);
            }
        }
        let all_ended = self.next == self.granted && self.slots.running() == 0;
        if all_ended || !self.block.is_quiet() { self.ask() } else { Ok(()) }
    }

    /// Tells the block what ended, and takes in its plan.
    fn ask(&mut self) -> Result<()> {
        let now = if self.timed { self.begun.elapsed() } else { Duration::ZERO };
        let first = self.ended.first;
        let ended = std::mem::replace(&mut self.ended, Ended { first, ..Ended::default() });
        let plan = self.block.step(now, ended)?;
        self.granted = plan.start.end;
        self.verdict = plan.verdict;
        if plan.wake != self.wake.as_ref().map(|(at, _)| *at) {
            let begun = self.begun;
            self.wake = plan.wake.map(|at| (at, Box::pin(sleep_until((begun + at).into()))));
        }
        Ok(())
    }

    fn is_due(&mut self, context: &mut Context<'_>) -> bool {
        let Some((_, timer)) = &mut self.wake else { return false };
        let due = timer.as_mut().poll(context).is_ready();
        if due {
            // A timer that has gone off is not asked again.
            self.wake = None;
        }
        due
    }

    /// Drops the losers, and what may no longer start.
    fn stop(&mut self) -> Result<()> {
        let begun = u32::try_from(self.slots.running()).unwrap_or(u32::MAX);
        self.ended.cancelled += begun + (self.granted - self.next);
        self.slots.clear();
        self.wake = None;
        self.ask()
    }
}

//! Blocks of steps: which may start, and when the block is decided.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pyo3::prelude::*;
use windlass::Error;
use windlass::rules::strategy::{self, Answer, Asked, Ended, Terms};

use crate::errors::raised;

/// A plan as Python takes it apart: from, to, wake, verdict.
type Plan = (u32, u32, Option<f64>, Option<&'static str>);

/// A running block; threads may share it. The contract is that of `windlass_core::rules::strategy`:
///
/// * `step(now, ...)` tells what ended since the last call and answers `(from, to, wake, verdict)`.
///   The indexes `from..to` may start, in order, never more than `max_concurrency` at once.
/// * `wake` is when to call again though nothing ends, on the clock of `now`, or None.
/// * A `quiet` block grants all steps with its first plan and need not be told before all of them
///   ended or `wake` has come; any other is told after each finish or each turn of the loop.
/// * With a `verdict` the host starts nothing more, cancels what runs, waits for it, and tells how
///   that ended by one more `step`. What was granted and never started is told as cancelled.
#[pyclass(frozen, module = "windlass._native")]
pub(crate) struct Block {
    block: Mutex<strategy::Block>,
    quiet: bool,
}

#[pymethods]
impl Block {
    #[new]
    #[pyo3(signature = (strategy, total, *, max_concurrency, quorum=None, rate_per_second=None, timeout_seconds=None, has_custom=false))]
    #[allow(clippy::too_many_arguments)]
    fn new(
        py: Python<'_>,
        strategy: &str,
        total: usize,
        max_concurrency: i64,
        quorum: Option<i64>,
        rate_per_second: Option<f64>,
        timeout_seconds: Option<f64>,
        has_custom: bool,
    ) -> PyResult<Self> {
        let asked = Asked {
            strategy,
            quorum,
            rate_per_second,
            max_concurrency,
            timeout_seconds,
            has_custom,
        };
        let make = || {
            let total = u32::try_from(total)
                .map_err(|_| Error::invalid("steps", "are more than a block may have"))?;
            strategy::Block::new(Terms::parse(&asked, total)?, total)
        };
        let block = raised(py, make())?;
        Ok(Self { quiet: block.is_quiet(), block: Mutex::new(block) })
    }

    /// Whether all steps are granted at once and finishes need not be told one by one.
    #[getter]
    fn quiet(&self) -> bool {
        self.quiet
    }

    /// Tells what ended and asks what to do next. `first` is whether the first step of the whole
    /// block that finished succeeded; told once or every time, only a race asks.
    #[pyo3(signature = (now, completed=0, failed=0, cancelled=0, first=None))]
    fn step(
        &self,
        py: Python<'_>,
        now: f64,
        completed: u32,
        failed: u32,
        cancelled: u32,
        first: Option<bool>,
    ) -> PyResult<Plan> {
        let now = Duration::try_from_secs_f64(now).unwrap_or_default();
        let ended = Ended { completed, failed, cancelled, first };
        let plan = raised(py, self.lock().step(now, ended))?;
        let wake = plan.wake.map(|wake| wake.as_secs_f64());
        Ok((plan.start.start, plan.start.end, wake, plan.verdict.map(|word| word.as_str())))
    }

    /// Takes the answer of a custom block's function: `keep_going`, `satisfied` or `failed`. Asked
    /// after each finish and before it is told; True when the block is decided.
    fn answer(&self, py: Python<'_>, word: &str) -> PyResult<bool> {
        let answer = raised(py, Answer::parse(word))?;
        let mut block = self.lock();
        block.answer(answer);
        Ok(block.verdict().is_some())
    }

    /// Ends the block as cancelled, unless its verdict is taken.
    fn cancel(&self) {
        self.lock().cancel();
    }

    /// `completed`, `partial`, `failed`, `timeout` or `cancelled`, once it is decided.
    #[getter]
    fn verdict(&self) -> Option<&'static str> {
        self.lock().verdict().map(|word| word.as_str())
    }

    /// How many completed, failed and were cancelled; with a verdict, those never granted too.
    fn tally(&self) -> (u32, u32, u32) {
        let tally = self.lock().tally();
        (tally.completed, tally.failed, tally.cancelled)
    }
}

impl Block {
    fn lock(&self) -> MutexGuard<'_, strategy::Block> {
        self.block.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

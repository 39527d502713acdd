//! Blocks of steps: which may start, and when the block is decided.

use napi_derive::napi;
use windlass_json::block;

use crate::failure::raised;

/// A running block. After the constructor and each `step` its plan is read from `from`, `to`,
/// `wake` and `verdict`; see `windlass_json::block`.
#[napi]
pub(crate) struct Block(block::Block);

#[napi]
impl Block {
    /// Refuses bad options by the field's name.
    #[napi(constructor)]
    pub fn new(
        strategy: String,
        total: f64,
        max_concurrency: f64,
        quorum: Option<f64>,
        rate_per_second: Option<f64>,
        timeout_seconds: Option<f64>,
        has_custom: Option<bool>,
    ) -> napi::Result<Self> {
        let block = block::Block::new(
            &strategy,
            total,
            max_concurrency,
            quorum,
            rate_per_second,
            timeout_seconds,
            has_custom,
        );
        raised(block).map(Self)
    }

    /// Tells what ended and asks what to do next; `now` in milliseconds of a clock that never
    /// steps back.
    #[napi]
    pub fn step(
        &mut self,
        now: f64,
        completed: u32,
        failed: u32,
        cancelled: u32,
        first: Option<bool>,
    ) -> napi::Result<()> {
        raised(self.0.step(now, completed, failed, cancelled, first))
    }

    /// Takes the answer of a custom block's function: `keep_going`, `satisfied` or `failed`. Asked
    /// after each finish and before it is told; true when the block is decided.
    #[napi]
    pub fn answer(&mut self, word: String) -> napi::Result<bool> {
        raised(self.0.answer(&word))
    }

    /// Ends the block as cancelled, unless its verdict is taken.
    #[napi]
    pub fn cancel(&mut self) {
        self.0.cancel();
    }

    /// Whether all steps are granted at once and finishes need not be told one by one.
    #[napi(getter)]
    pub fn quiet(&self) -> bool {
        self.0.quiet()
    }

    /// The first index that may start now.
    #[napi(getter)]
    pub fn from(&self) -> u32 {
        self.0.from()
    }

    /// The index after the last that may start now.
    #[napi(getter)]
    pub fn to(&self) -> u32 {
        self.0.to()
    }

    /// When to call again though nothing ends, in milliseconds on the clock of `now`; null for never.
    #[napi(getter)]
    pub fn wake(&self) -> Option<f64> {
        self.0.wake()
    }

    /// `completed`, `partial`, `failed`, `timeout` or `cancelled`, once it is decided; else null.
    #[napi(getter)]
    pub fn verdict(&self) -> Option<&'static str> {
        self.0.verdict()
    }

    /// How many completed.
    #[napi(getter)]
    pub fn completed(&self) -> u32 {
        self.0.completed()
    }

    /// How many failed.
    #[napi(getter)]
    pub fn failed(&self) -> u32 {
        self.0.failed()
    }

    /// How many were cancelled; with a verdict, those never granted too.
    #[napi(getter)]
    pub fn cancelled(&self) -> u32 {
        self.0.cancelled()
    }
}

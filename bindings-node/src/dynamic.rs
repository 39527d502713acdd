//! Tasks with dependencies, priorities and memory on a pool that grows and shrinks.

use napi_derive::napi;
use windlass_json::dynamic::{self, Given};

use crate::failure::raised;

/// A dynamic executor. After each `step` its plan is read from `start`, `timedOut`, `cancelled`,
/// `workers`, `wake` and `open`; see `windlass_json::dynamic`.
#[napi]
pub(crate) struct Dynamic(dynamic::Dynamic);

#[napi]
impl Dynamic {
    /// Refuses bad bounds by the field's name.
    #[napi(constructor)]
    pub fn new(
        min_workers: f64,
        max_workers: f64,
        cores: f64,
        memory_limit_mb: Option<f64>,
    ) -> napi::Result<Self> {
        raised(dynamic::Dynamic::new(min_workers, max_workers, cores, memory_limit_mb)).map(Self)
    }

    /// Puts a task down for the next `add`.
    #[napi]
    pub fn push(
        &mut self,
        task_id: String,
        priority: String,
        dependencies: Vec<String>,
        memory_mb: f64,
        timeout_seconds: Option<f64>,
        estimate_seconds: Option<f64>,
    ) -> napi::Result<()> {
        let given =
            Given { task_id, priority, dependencies, memory_mb, timeout_seconds, estimate_seconds };
        raised(self.0.push(given))
    }

    /// Takes in what was put down, all or none; the place of the first.
    #[napi]
    pub fn add(&mut self, now: f64) -> napi::Result<u32> {
        raised(self.0.add(now))
    }

    /// Puts down how a task ended for the next `step`; left out is cancelled.
    #[napi]
    pub fn ended(&mut self, place: u32, completed: Option<bool>) {
        self.0.ended(place, completed);
    }

    /// Takes in the ends that were put down and plans; `now` in milliseconds of a clock that never
    /// steps back.
    #[napi]
    pub fn step(&mut self, now: f64) -> napi::Result<()> {
        raised(self.0.step(now))
    }

    /// Takes in what `Machine.busy` told.
    #[napi]
    pub fn measured(&mut self, processors: f64, memory: f64, resident_bytes: f64) {
        self.0.measured(processors, memory, resident_bytes);
    }

    /// Cancels what has not started; the places of what runs.
    #[napi]
    pub fn cancel(&mut self, now: f64) -> Vec<u32> {
        self.0.cancel(now)
    }

    /// The numbers of the run, in the order of `windlass_json::dynamic`.
    #[napi]
    pub fn metrics(&self, now: f64) -> Vec<f64> {
        self.0.metrics(now)
    }

    /// What the run says about its settings, most important first.
    #[napi]
    pub fn recommendations(&self, now: f64) -> Vec<String> {
        self.0.recommendations(now)
    }

    /// The places of those that start now.
    #[napi(getter)]
    pub fn start(&self) -> Vec<u32> {
        self.0.plan.start.clone()
    }

    /// The places of those that have run too long.
    #[napi(getter)]
    pub fn timed_out(&self) -> Vec<u32> {
        self.0.plan.timed_out.clone()
    }

    /// The places of those that will not start.
    #[napi(getter)]
    pub fn cancelled(&self) -> Vec<u32> {
        self.0.plan.cancelled.clone()
    }

    /// How many workers there are to be.
    #[napi(getter)]
    pub fn workers(&self) -> u32 {
        self.0.plan.workers
    }

    /// When to call again though nothing ends, in milliseconds on the clock of `now`; null for never.
    #[napi(getter)]
    pub fn wake(&self) -> Option<f64> {
        self.0.wake()
    }

    /// Tasks that have not ended.
    #[napi(getter)]
    pub fn open(&self) -> u32 {
        self.0.plan.open
    }
}

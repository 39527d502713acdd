//! Tasks with dependencies, priorities and memory on a pool that grows and shrinks.

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use windlass_json::dynamic::{self, Given};

use crate::failure::{raised, tell_panics};

/// A dynamic executor. After each `step` its plan is read from `start`, `timedOut`, `cancelled`,
/// `workers`, `wake` and `open`; see `windlass_json::dynamic`.
#[wasm_bindgen]
pub struct Dynamic(dynamic::Dynamic);

#[wasm_bindgen]
impl Dynamic {
    /// Refuses bad bounds by the field's name.
    #[wasm_bindgen(constructor)]
    pub fn new(
        min_workers: f64,
        max_workers: f64,
        cores: f64,
        memory_limit_mb: Option<f64>,
    ) -> Result<Self, JsValue> {
        tell_panics();
        raised(dynamic::Dynamic::new(min_workers, max_workers, cores, memory_limit_mb)).map(Self)
    }

    /// Puts a task down for the next `add`.
    pub fn push(
        &mut self,
        task_id: String,
        priority: String,
        dependencies: Vec<String>,
        memory_mb: f64,
        timeout_seconds: Option<f64>,
        estimate_seconds: Option<f64>,
    ) -> Result<(), JsValue> {
        let given =
            Given { task_id, priority, dependencies, memory_mb, timeout_seconds, estimate_seconds };
        raised(self.0.push(given))
    }

    /// Takes in what was put down, all or none; the place of the first.
    pub fn add(&mut self, now: f64) -> Result<u32, JsValue> {
        raised(self.0.add(now))
    }

    /// Puts down how a task ended for the next `step`; left out is cancelled.
    pub fn ended(&mut self, place: u32, completed: Option<bool>) {
        self.0.ended(place, completed);
    }

    /// Takes in the ends that were put down and plans; `now` in milliseconds of a clock that never
    /// steps back.
    pub fn step(&mut self, now: f64) -> Result<(), JsValue> {
        raised(self.0.step(now))
    }

    /// Takes in what `Machine.busy` told.
    pub fn measured(&mut self, processors: f64, memory: f64, resident_bytes: f64) {
        self.0.measured(processors, memory, resident_bytes);
    }

    /// Cancels what has not started; the places of what runs.
    pub fn cancel(&mut self, now: f64) -> Vec<u32> {
        self.0.cancel(now)
    }

    /// The numbers of the run, in the order of `windlass_json::dynamic`.
    pub fn metrics(&self, now: f64) -> Vec<f64> {
        self.0.metrics(now)
    }

    /// What the run says about its settings, most important first.
    pub fn recommendations(&self, now: f64) -> Vec<String> {
        self.0.recommendations(now)
    }

    /// The places of those that start now.
    #[wasm_bindgen(getter)]
    pub fn start(&self) -> Vec<u32> {
        self.0.plan.start.clone()
    }

    /// The places of those that have run too long.
    #[wasm_bindgen(getter, js_name = timedOut)]
    pub fn timed_out(&self) -> Vec<u32> {
        self.0.plan.timed_out.clone()
    }

    /// The places of those that will not start.
    #[wasm_bindgen(getter)]
    pub fn cancelled(&self) -> Vec<u32> {
        self.0.plan.cancelled.clone()
    }

    /// How many workers there are to be.
    #[wasm_bindgen(getter)]
    pub fn workers(&self) -> u32 {
        self.0.plan.workers
    }

    /// When to call again though nothing ends, in milliseconds on the clock of `now`; absent for never.
    #[wasm_bindgen(getter)]
    pub fn wake(&self) -> Option<f64> {
        self.0.wake()
    }

    /// Tasks that have not ended.
    #[wasm_bindgen(getter)]
    pub fn open(&self) -> u32 {
        self.0.plan.open
    }
}

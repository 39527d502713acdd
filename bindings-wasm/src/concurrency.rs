//! Advice on concurrency.

use wasm_bindgen::prelude::wasm_bindgen;
use windlass_core::rules::concurrency::{self, Hardware, Measured};

/// How many steps of a kind to run at once on a machine; at least 1.
#[wasm_bindgen(js_name = optimalConcurrency)]
pub fn optimal_concurrency(
    kind: String,
    cores_physical: Option<f64>,
    cores_logical: f64,
    memory_gb: f64,
) -> u32 {
    // Casts saturate, and take what is no number for 0.
    let hardware = Hardware {
        cores_physical: cores_physical.map(|cores| cores as u32),
        cores_logical: cores_logical as u32,
        memory_gb,
    };
    concurrency::optimal_concurrency(&kind, &hardware)
}

/// Items in one batch of a kind of work.
#[wasm_bindgen(js_name = baseBatchSize)]
pub fn base_batch_size(kind: String) -> f64 {
    concurrency::base_batch_size(&kind) as f64
}

/// How many of `items` to put in one batch, where `base` fits the kind of work; at least 1.
#[wasm_bindgen(js_name = optimalBatchSize)]
pub fn optimal_batch_size(base: f64, items: f64) -> f64 {
    concurrency::optimal_batch_size(base as u64, items as u64) as f64
}

/// Concurrency that follows how the machine did: asked before a run, told after it.
#[wasm_bindgen]
pub struct Adaptive(concurrency::Adaptive);

#[wasm_bindgen]
impl Adaptive {
    /// Begins at `base`.
    #[wasm_bindgen(constructor)]
    pub fn new(base: f64) -> Self {
        Self(concurrency::Adaptive::new(base as u32))
    }

    /// How many steps the next run has at once.
    pub fn concurrency(&self) -> u32 {
        self.0.concurrency()
    }

    /// `down`, `base` or `up`.
    pub fn level(&self) -> String {
        self.0.level().as_str().to_owned()
    }

    /// Takes in the run made with the last `concurrency`; shares are 0 to 1, or left out.
    pub fn measured(
        &mut self,
        steps: u32,
        seconds: f64,
        processors: Option<f64>,
        memory: Option<f64>,
    ) {
        self.0.measured(Measured { steps, seconds, processors, memory });
    }
}

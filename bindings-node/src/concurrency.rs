//! Advice on concurrency, and the machine that it is for.

use napi_derive::napi;
use windlass::rules::concurrency::{self, Hardware, Measured};

use crate::failure::raised;

/// How many steps of a kind to run at once on a machine; at least 1.
#[napi]
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
#[napi]
pub fn base_batch_size(kind: String) -> f64 {
    concurrency::base_batch_size(&kind) as f64
}

/// How many of `items` to put in one batch, where `base` fits the kind of work; at least 1.
#[napi]
pub fn optimal_batch_size(base: f64, items: f64) -> f64 {
    concurrency::optimal_batch_size(base as u64, items as u64) as f64
}

/// Concurrency that follows how the machine did: asked before a run, told after it.
#[napi]
pub(crate) struct Adaptive(concurrency::Adaptive);

#[napi]
impl Adaptive {
    /// Begins at `base`.
    #[napi(constructor)]
    pub fn new(base: f64) -> Self {
        Self(concurrency::Adaptive::new(base as u32))
    }

    /// How many steps the next run has at once.
    #[napi]
    pub fn concurrency(&self) -> u32 {
        self.0.concurrency()
    }

    /// `down`, `base` or `up`.
    #[napi]
    pub fn level(&self) -> &'static str {
        self.0.level().as_str()
    }

    /// Takes in the run made with the last `concurrency`; shares are 0 to 1, or left out.
    #[napi]
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

/// This machine, or the container on it, measured.
#[napi]
pub(crate) struct Machine(windlass::Machine);

#[napi]
impl Machine {
    /// Measures for the first time.
    #[napi(constructor)]
    pub fn new() -> napi::Result<Self> {
        raised(windlass::Machine::new()).map(Self)
    }

    /// Cores without their twins; null where nobody knows.
    #[napi(getter)]
    pub fn cores_physical(&self) -> Option<u32> {
        self.0.hardware().cores_physical
    }

    /// Cores that this process may use.
    #[napi(getter)]
    pub fn cores_logical(&self) -> u32 {
        self.0.hardware().cores_logical
    }

    /// Memory that this process may use, in GiB.
    #[napi(getter)]
    pub fn memory_gb(&self) -> f64 {
        self.0.hardware().memory_gb
    }

    /// How many steps of a kind to run at once here.
    #[napi]
    pub fn optimal_concurrency(&self, kind: String) -> u32 {
        self.0.optimal_concurrency(&kind)
    }

    /// Shares of processors and memory in use since the last call, 0 to 1 or NaN, and this process's
    /// memory in bytes.
    #[napi]
    pub fn busy(&mut self) -> Vec<f64> {
        let busy = self.0.busy();
        let known = |share: Option<f64>| share.unwrap_or(f64::NAN);
        vec![known(busy.processors), known(busy.memory), busy.resident_bytes as f64]
    }
}

//! Chance by seed.

use std::cell::Cell;
use std::sync::{Arc, Mutex};

/// A stream of numbers that a seed decides.
///
/// Source: SplitMix64, Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", 2014.
#[derive(Clone)]
pub(super) struct Dice(Arc<Mutex<u64>>);

fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(seed)))
    }

    fn draw(&self) -> u64 {
        next(&mut self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()))
    }

    /// A number from 0 up to `end`, not included; 0 when `end` is 0.
    pub(super) fn below(&self, end: u64) -> u64 {
        self.draw().checked_rem(end).unwrap_or(0)
    }

    /// A number from `low` to `high`, both included.
    pub(super) fn between(&self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    /// True `percent` times in a hundred.
    pub(super) fn happens(&self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

thread_local! {
    /// The engine's draws are plain functions: they find their seed by the thread that runs them.
    static ENGINE: Cell<u64> = const { Cell::new(0) };
}

/// Seeds the engine's draws on this thread.
pub(super) fn seed_engine(seed: u64) {
    ENGINE.set(seed ^ 0x5DEE_CE66);
}

fn engine_draw() -> u64 {
    let mut state = ENGINE.get();
    let number = next(&mut state);
    ENGINE.set(state);
    number
}

/// Bytes for ids and tokens.
pub(super) fn entropy(bytes: &mut [u8]) {
    for chunk in bytes.chunks_mut(8) {
        chunk.copy_from_slice(&engine_draw().to_le_bytes()[..chunk.len()]);
    }
}

/// A draw for jitter, from 0 up to 1.
pub(super) fn unit() -> f64 {
    (engine_draw() >> 11) as f64 / (1u64 << 53) as f64
}

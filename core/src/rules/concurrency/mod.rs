//! Advice on how many steps to run at once, and how large to make batches.
//!
//! What the machine has and how busy it is, the host measures; what follows from it is decided here.

mod adaptive;
mod advice;

pub use adaptive::{Adaptive, Level, Measured};
pub use advice::{
    BATCH_SIZES, DEFAULT_BATCH_SIZE, Hardware, base_batch_size, optimal_batch_size,
    optimal_concurrency,
};

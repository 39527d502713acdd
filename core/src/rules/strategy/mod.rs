//! How a set of steps runs and is judged: `all`, `any_success`, `race`, `throttled`, `quorum`,
//! `custom`.
//!
//! [`judge`] is the law for every place that runs steps. [`Block`] is the machine that runs them in
//! one process.

mod block;
mod pace;
mod terms;
#[cfg(test)]
mod tests;
mod verdict;
mod word;

pub use block::{Answer, Block, Ended, Plan};
pub use terms::{Asked, Terms};
pub use verdict::{Overall, StepTally, judge};
pub use word::Strategy;

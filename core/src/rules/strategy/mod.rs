//! How a set of steps runs and is judged: `all`, `any_success`, `race`, `throttled`, `quorum`,
//! `custom`.
//!
//! [`judge`] is the law for every place that runs steps, in one process or in a store.

mod verdict;
mod word;

pub use verdict::{Overall, StepTally, judge};
pub use word::Strategy;

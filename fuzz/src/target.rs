//! Tries inputs on a property, shrinks one that fails, and tells how to run it again.

use std::fmt::Debug;

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use crate::budget::{Budget, INPUTS_PER_SEED};

/// A property that failed: what it says, and the smallest input that shows it.
#[derive(Debug)]
pub struct Finding {
    /// The seed that made the input.
    pub seed: u64,
    /// What is wrong, or what the code under test panicked with.
    pub reason: String,
    /// The input, after shrinking, as Rust writes it.
    pub input: String,
}

/// Tries inputs within the budget; `seeds` is the fixed one. A panic of the property is a finding too.
///
/// # Panics
///
/// At the first finding, with the input and the command that runs it again; also when nothing at all was
/// tried.
pub fn fuzz<S: Strategy>(
    target: &str,
    seeds: u64,
    inputs: S,
    property: impl Fn(S::Value) -> Result<(), String>,
) where
    S::Value: Debug,
{
    let mut tried = 0;
    for seed in Budget::from_env(seeds).seeds() {
        if let Err(finding) = try_seed(seed, &inputs, &property) {
            panic!(
                "{target}: {}\ninput: {}\nrun it again with WINDLASS_FUZZ_SEED={} cargo test -p \
                 windlass-fuzz {target}",
                finding.reason, finding.input, finding.seed
            );
        }
        tried += 1;
    }
    assert!(tried > 0, "{target}: nothing was tried; give WINDLASS_FUZZ_SECONDS of 1 or more");
}

/// Tries the inputs of one seed.
///
/// # Errors
///
/// The first input that fails, shrunk.
pub fn try_seed<S: Strategy>(
    seed: u64,
    inputs: &S,
    property: impl Fn(S::Value) -> Result<(), String>,
) -> Result<(), Finding>
where
    S::Value: Debug,
{
    let config = Config {
        cases: INPUTS_PER_SEED,
        max_shrink_iters: 5_000,
        max_shrink_time: 20_000,
        failure_persistence: None,
        ..Config::default()
    };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let ran = TestRunner::new_with_rng(config, random)
        .run(inputs, |input| property(input).map_err(TestCaseError::fail));
    match ran {
        Ok(()) => Ok(()),
        Err(TestError::Fail(reason, input)) => {
            Err(Finding { seed, reason: reason.to_string(), input: format!("{input:?}") })
        }
        Err(TestError::Abort(reason)) => {
            Err(Finding { seed, reason: reason.to_string(), input: "none was made".to_owned() })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::any;

    #[test]
    fn a_broken_property_is_found_shrunk_and_found_again() {
        let below = |n: u16| if n < 1_000 { Ok(()) } else { Err("too large".to_owned()) };
        let finding = try_seed(7, &any::<u16>(), below).unwrap_err();
        assert_eq!((finding.reason.as_str(), finding.input.as_str()), ("too large", "1000"));
        assert_eq!(try_seed(7, &any::<u16>(), below).unwrap_err().input, "1000");
    }

    #[test]
    fn a_panic_is_a_finding() {
        let finding = try_seed(0, &any::<bool>(), |_| panic!("boom")).unwrap_err();
        assert!(finding.reason.contains("boom"), "{}", finding.reason);
    }
}

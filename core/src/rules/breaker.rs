//! A circuit breaker: keeps calls away from what keeps failing, and tries again after a while.
//!
//! | state | a call | leaves it |
//! | --- | --- | --- |
//! | closed | goes through | after `failure_threshold` failures in a row: open |
//! | open | is refused | `timeout` after the last failure, with the next call: half-open |
//! | half-open | goes through when no other does: a probe | after `success_threshold` good probes: closed; after a bad one: open |

use std::time::Duration;

use crate::error::{Error, Result};

/// What a caller refused beside a probe is told to wait, at most: nobody knows when the probe ends.
const BESIDE_PROBE: Duration = Duration::from_secs(1);

/// When a breaker opens, and when it closes again.
///
/// ```
/// # use std::time::Duration;
/// use windlass_core::BreakerConfig;
/// let config = BreakerConfig::default();
/// assert_eq!((config.failure_threshold, config.success_threshold), (5, 3));
/// assert_eq!((config.timeout, config.excluded.len()), (Duration::from_secs(30), 0));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BreakerConfig {
    /// Failures in a row that open it; at least 1.
    pub failure_threshold: u32,
    /// Good probes that close it again; at least 1.
    pub success_threshold: u32,
    /// How long it stays open.
    pub timeout: Duration,
    /// Codes of errors that say nothing about health: they count neither way.
    pub excluded: Vec<String>,
}

impl Default for BreakerConfig {
    fn default() -> Self {
        Self {
            failure_threshold: 5,
            success_threshold: 3,
            timeout: Duration::from_secs(30),
            excluded: Vec::new(),
        }
    }
}

impl BreakerConfig {
    /// Checks every field.
    ///
    /// # Errors
    ///
    /// `invalid_argument`.
    pub fn check(&self) -> Result<()> {
        let thresholds = [
            ("failure_threshold", self.failure_threshold),
            ("success_threshold", self.success_threshold),
        ];
        match thresholds.into_iter().find(|(_, threshold)| *threshold == 0) {
            Some((field, _)) => Err(Error::invalid(field, "must be at least 1")),
            None => Ok(()),
        }
    }
}

/// Whether a breaker lets calls through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerState {
    /// Calls go through.
    Closed,
    /// Calls are refused.
    Open,
    /// One call at a time goes through, to see.
    HalfOpen,
}

impl BreakerState {
    /// `closed`, `open` or `half-open`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half-open",
        }
    }
}

/// Leave for one call. It is given back with how the call went, or [`Breaker::released`].
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a permit that is not given back may keep a half-open breaker from ever closing"]
pub struct Permit {
    generation: u64,
    probe: bool,
}

impl Permit {
    /// Whether others are refused while this call lasts.
    pub const fn is_probe(&self) -> bool {
        self.probe
    }
}

/// The machine. Time is an argument: what passed since some fixed start, which never steps back.
///
/// [`Circuit`](crate::rules::circuit::Circuit) is the same for many callers at once.
#[derive(Debug)]
pub struct Breaker {
    name: String,
    config: BreakerConfig,
    state: BreakerState,
    failures: u32,
    successes: u32,
    last_failure: Option<Duration>,
    /// Counts changes of state: an answer to a call of an earlier one says nothing any more.
    generation: u64,
    probing: bool,
}

impl Breaker {
    /// A closed breaker.
    ///
    /// # Errors
    ///
    /// `invalid_argument` for a threshold of 0.
    pub fn new(name: impl Into<String>, config: BreakerConfig) -> Result<Self> {
        config.check()?;
        Ok(Self {
            name: name.into(),
            config,
            state: BreakerState::Closed,
            failures: 0,
            successes: 0,
            last_failure: None,
            generation: 0,
            probing: false,
        })
    }

    /// A closed breaker that one good probe closes again. Errors as [`Breaker::new`].
    pub fn simple(
        name: impl Into<String>,
        failure_threshold: u32,
        recovery_timeout: Duration,
    ) -> Result<Self> {
        let config = BreakerConfig {
            failure_threshold,
            success_threshold: 1,
            timeout: recovery_timeout,
            excluded: Vec::new(),
        };
        Self::new(name, config)
    }

    /// What it guards.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The state that the last call left. An open breaker stays so until somebody calls, however much
    /// time has passed.
    pub fn state(&self) -> BreakerState {
        self.state
    }

    /// Failures in a row; 0 after a success.
    pub fn failure_count(&self) -> u32 {
        self.failures
    }

    /// When a call failed last, on the clock of the calls. A success does not clear it.
    pub fn last_failure(&self) -> Option<Duration> {
        self.last_failure
    }

    /// Whether an error with this code says nothing about health.
    pub fn excludes(&self, code: &str) -> bool {
        self.config.excluded.iter().any(|excluded| excluded == code)
    }

    /// Leave to call at `now`.
    ///
    /// # Errors
    ///
    /// `circuit_breaker_open`: the call must not be made.
    pub fn try_call(&mut self, now: Duration) -> Result<Permit> {
        if self.state == BreakerState::Open {
            let spent = now.saturating_sub(self.last_failure.unwrap_or_default());
            if spent < self.config.timeout {
                return Err(self.refusal(self.config.timeout - spent));
            }
            self.turn(BreakerState::HalfOpen);
        }
        let probe = self.state == BreakerState::HalfOpen;
        if probe && self.probing {
            return Err(self.refusal(self.config.timeout.min(BESIDE_PROBE)));
        }
        self.probing = probe;
        Ok(Permit { generation: self.generation, probe })
    }

    /// The call was good.
    pub fn succeeded(&mut self, permit: Permit) {
        if !self.is_current(&permit) {
            return;
        }
        if permit.probe {
            self.probing = false;
            self.successes += 1;
            if self.successes < self.config.success_threshold {
                return;
            }
            self.turn(BreakerState::Closed);
        }
        self.failures = 0;
    }

    /// The call failed at `now`.
    pub fn failed(&mut self, permit: Permit, now: Duration) {
        if !self.is_current(&permit) {
            return;
        }
        self.failures = self.failures.saturating_add(1);
        self.last_failure = Some(now);
        if permit.probe || self.failures >= self.config.failure_threshold {
            self.turn(BreakerState::Open);
        }
    }

    /// The call ended without telling anything: it was given up, or its error is excluded.
    pub fn released(&mut self, permit: Permit) {
        if self.is_current(&permit) && permit.probe {
            self.probing = false;
        }
    }

    fn is_current(&self, permit: &Permit) -> bool {
        permit.generation == self.generation
    }

    fn turn(&mut self, state: BreakerState) {
        self.state = state;
        self.generation += 1;
        self.successes = 0;
        self.probing = false;
    }

    fn refusal(&self, retry_after: Duration) -> Error {
        Error::CircuitBreakerOpen { name: self.name.clone(), retry_after }
    }
}

#[cfg(test)]
mod tests;

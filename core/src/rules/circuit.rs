//! A breaker that many callers share.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use crate::error::{Error, Result};
use crate::rules::breaker::{Breaker, Permit};

/// A [`Breaker`] for many callers at once, on any thread. Clones share it. Time is an argument, as there.
#[derive(Debug, Clone)]
pub struct Circuit {
    /// Never held while anything is called.
    breaker: Arc<Mutex<Breaker>>,
}

impl Circuit {
    /// Shares `breaker`.
    pub fn new(breaker: Breaker) -> Self {
        Self { breaker: Arc::new(Mutex::new(breaker)) }
    }

    /// The machine, to look at.
    pub fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Leave to call at `now`; see [`Breaker::try_call`].
    ///
    /// # Errors
    ///
    /// `circuit_breaker_open`: the call must not be made.
    pub fn enter(&self, now: Duration) -> Result<Pass> {
        let permit = self.breaker().try_call(now)?;
        Ok(Pass { circuit: self.clone(), permit: Some(permit) })
    }
}

/// Leave for one call. Dropped without a word, as when the call is given up, it counts as nothing.
#[derive(Debug)]
#[must_use = "a pass that is dropped counts as nothing"]
pub struct Pass {
    circuit: Circuit,
    /// Taken when the call ends.
    permit: Option<Permit>,
}

impl Pass {
    /// Whether others are refused while this call lasts.
    pub fn is_probe(&self) -> bool {
        self.permit.as_ref().is_some_and(Permit::is_probe)
    }

    /// The call was good.
    pub fn succeeded(mut self) {
        if let Some(permit) = self.permit.take() {
            self.circuit.breaker().succeeded(permit);
        }
    }

    /// The call failed at `now`.
    pub fn failed(mut self, now: Duration) {
        if let Some(permit) = self.permit.take() {
            self.circuit.breaker().failed(permit, now);
        }
    }

    /// The call ended so at `now`; an error that is excluded counts as nothing.
    pub fn ended<T>(self, result: &Result<T>, now: Duration) {
        match result {
            Ok(_) => self.succeeded(),
            Err(error) => self.refused(error, now),
        }
    }

    /// The call failed with `error` at `now`; one that is excluded counts as nothing.
    pub fn refused(self, error: &Error, now: Duration) {
        if !self.circuit.breaker().excludes(error.code()) {
            self.failed(now);
        }
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        if let Some(permit) = self.permit.take() {
            self.circuit.breaker().released(permit);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::breaker::{BreakerConfig, BreakerState};

    const NOW: Duration = Duration::from_secs(100);

    // CB-06, CB-11
    #[test]
    fn a_call_that_is_given_up_or_excluded_leaves_no_trace() {
        let config = BreakerConfig {
            failure_threshold: 1,
            success_threshold: 1,
            timeout: Duration::ZERO,
            excluded: vec!["client_closed".to_owned()],
        };
        let circuit = Circuit::new(Breaker::new("x", config).unwrap());
        circuit.enter(NOW).unwrap().ended::<()>(&Err(Error::ClientClosed), NOW);
        assert_eq!(circuit.breaker().state(), BreakerState::Closed);
        circuit.enter(NOW).unwrap().ended::<()>(&Err(Error::internal("x")), NOW);
        assert_eq!(circuit.breaker().state(), BreakerState::Open);
        let probe = circuit.enter(NOW).unwrap();
        assert!(probe.is_probe() && circuit.enter(NOW).is_err());
        drop(probe);
        circuit.enter(NOW).unwrap().ended(&Ok(()), NOW);
        assert_eq!(circuit.breaker().state(), BreakerState::Closed);
    }

    // CB-05 [X35]
    #[test]
    fn of_many_threads_one_probes() {
        let circuit = Circuit::new(Breaker::simple("x", 1, Duration::ZERO).unwrap());
        circuit.enter(NOW).unwrap().failed(NOW);
        let passes: Vec<_> = std::thread::scope(|scope| {
            let enter = || scope.spawn(|| circuit.enter(NOW));
            let threads: Vec<_> = (0..16).map(|_| enter()).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(passes.iter().filter(|pass| pass.is_ok()).count(), 1);
    }
}

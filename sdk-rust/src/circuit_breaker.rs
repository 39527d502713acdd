//! A circuit breaker around any function.

use std::any::Any;
use std::future::Future;
use std::time::{Duration, Instant, SystemTime};

use windlass_core::{Breaker, BreakerConfig, BreakerState, Circuit, Error, Result};

/// Keeps calls away from what keeps failing, and tries again after a while. Clones share it, on any
/// thread.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use std::time::Duration;
/// use windlass::{BreakerState, CircuitBreaker, Error};
///
/// let breaker = CircuitBreaker::simple("mail", 2, Duration::from_secs(60))?;
/// for _ in 0..2 {
///     let sent = breaker.call(|| async { Err::<(), _>(Error::internal("no route")) }).await;
///     assert_eq!(sent.unwrap_err().code(), "internal");
/// }
/// assert_eq!(breaker.state(), BreakerState::Open);
/// let refused = breaker.call(|| async { Ok::<_, Error>(()) }).await;
/// assert_eq!(refused.unwrap_err().code(), "circuit_breaker_open");
/// # Ok::<(), Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct CircuitBreaker {
    circuit: Circuit,
    start: Instant,
}

impl CircuitBreaker {
    /// A closed breaker.
    ///
    /// # Errors
    ///
    /// `invalid_argument` for a threshold of 0.
    pub fn new(name: impl Into<String>, config: BreakerConfig) -> Result<Self> {
        Ok(Self { circuit: Circuit::new(Breaker::new(name, config)?), start: Instant::now() })
    }

    /// A closed breaker that opens after `failure_threshold` failures in a row, and that the first good
    /// call `recovery_timeout` later closes again. Errors as [`CircuitBreaker::new`].
    pub fn simple(
        name: impl Into<String>,
        failure_threshold: u32,
        recovery_timeout: Duration,
    ) -> Result<Self> {
        let breaker = Breaker::simple(name, failure_threshold, recovery_timeout)?;
        Ok(Self { circuit: Circuit::new(breaker), start: Instant::now() })
    }

    /// Calls `f` and hands on what it answers. Every error counts, but those of Windlass that the config
    /// excludes. A call that is dropped, or panics, counts as nothing.
    ///
    /// # Errors
    ///
    /// What `f` answers; `circuit_breaker_open`, and then `f` was not called.
    pub async fn call<T, E, F, Fut>(&self, f: F) -> Result<T, E>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, E>>,
        E: From<Error> + 'static,
    {
        let excluded = |error: &E| {
            let error = (error as &dyn Any).downcast_ref::<Error>();
            error.is_some_and(|error| self.circuit.breaker().excludes(error.code()))
        };
        self.call_counting(|error| !excluded(error), f).await
    }

    /// The same, where only the errors count that `counts` says. Errors as [`CircuitBreaker::call`].
    pub async fn call_counting<T, E, F, Fut>(
        &self,
        counts: impl Fn(&E) -> bool,
        f: F,
    ) -> Result<T, E>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, E>>,
        E: From<Error>,
    {
        let pass = self.circuit.enter(self.start.elapsed())?;
        let answer = f().await;
        match &answer {
            Ok(_) => pass.succeeded(),
            Err(error) if counts(error) => pass.failed(self.start.elapsed()),
            Err(_) => drop(pass),
        }
        answer
    }

    /// What it guards.
    pub fn name(&self) -> String {
        self.circuit.breaker().name().to_owned()
    }

    /// The state that the last call left.
    pub fn state(&self) -> BreakerState {
        self.circuit.breaker().state()
    }

    /// Failures in a row; 0 after a success.
    pub fn failure_count(&self) -> u32 {
        self.circuit.breaker().failure_count()
    }

    /// When a call failed last. A success does not clear it.
    pub fn last_failure_time(&self) -> Option<SystemTime> {
        let at = self.circuit.breaker().last_failure()?;
        SystemTime::now().checked_sub(self.start.elapsed().saturating_sub(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An error of somebody else.
    #[derive(Debug, PartialEq)]
    enum Mail {
        Refused,
        Unreachable,
        Open,
    }

    impl From<Error> for Mail {
        fn from(_: Error) -> Self {
            Self::Open
        }
    }

    const ZERO: Duration = Duration::ZERO;

    // CB-03, CB-04, CB-12
    #[tokio::test]
    async fn it_calls_until_it_opens_and_then_does_not() {
        let breaker = CircuitBreaker::simple("mail", 2, Duration::from_secs(3600)).unwrap();
        let mut calls = 0;
        for _ in 0..5 {
            calls += 1;
            let answer = breaker.call(|| async { Err::<(), _>(Mail::Unreachable) }).await;
            if answer == Err(Mail::Open) {
                break;
            }
        }
        assert_eq!((calls, breaker.failure_count()), (3, 2));
        assert_eq!((breaker.name().as_str(), breaker.state().as_str()), ("mail", "open"));
        let since = breaker.last_failure_time().unwrap().elapsed().unwrap();
        assert!(since < Duration::from_secs(600));
    }

    // CB-06, CB-11
    #[tokio::test]
    async fn only_what_counts_opens_it() {
        let breaker = CircuitBreaker::simple("mail", 1, ZERO).unwrap();
        let counts = |error: &Mail| *error == Mail::Unreachable;
        let refused = breaker.call_counting(counts, || async { Err::<(), _>(Mail::Refused) }).await;
        assert_eq!(refused, Err(Mail::Refused));
        assert_eq!((breaker.failure_count(), breaker.state()), (0, BreakerState::Closed));
        let excluded = vec!["task_not_found".to_owned()];
        let config = BreakerConfig { failure_threshold: 1, excluded, ..BreakerConfig::default() };
        let breaker = CircuitBreaker::new("tasks", config).unwrap();
        let missing = || async { Err::<(), _>(Error::TaskNotFound { task_id: "x".to_owned() }) };
        assert_eq!(breaker.call(missing).await.unwrap_err().code(), "task_not_found");
        assert_eq!(breaker.state(), BreakerState::Closed);
    }

    // CB-05 [X35]
    #[tokio::test]
    async fn a_probe_that_is_dropped_leaves_room_for_the_next() {
        let breaker = CircuitBreaker::simple("mail", 1, ZERO).unwrap();
        let _ = breaker.call(|| async { Err::<(), _>(Mail::Unreachable) }).await;
        let (begun, wait) = tokio::sync::oneshot::channel::<()>();
        let probing = tokio::spawn({
            let breaker = breaker.clone();
            async move {
                let probe = async move {
                    let _ = begun.send(());
                    std::future::pending::<Result<(), Mail>>().await
                };
                breaker.call(|| probe).await
            }
        });
        wait.await.unwrap();
        let beside = breaker.call(|| async { Ok::<_, Mail>(()) }).await;
        assert_eq!(beside, Err(Mail::Open));
        probing.abort();
        assert!(probing.await.is_err());
        assert_eq!(breaker.call(|| async { Ok::<_, Mail>(7) }).await, Ok(7));
        assert_eq!(breaker.state(), BreakerState::Closed);
    }
}

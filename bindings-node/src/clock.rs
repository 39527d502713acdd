//! A clock that tests move.

use std::sync::Arc;

use napi_derive::napi;
use windlass::Clock;
use windlass::words::duration_from_seconds;

use crate::failure::raised;

/// Stands still until it is moved. Clients that share it have nothing that runs by itself.
#[napi]
pub(crate) struct ManualClock(pub(crate) Arc<windlass::ManualClock>);

#[napi]
impl ManualClock {
    /// Starts at an instant in milliseconds since 1970, else at 2030-01-01.
    #[napi(constructor)]
    pub fn new(start_millis: Option<i64>) -> Self {
        let clock = match start_millis {
            Some(millis) => windlass::ManualClock::new(windlass::Timestamp::from_millis(millis)),
            None => windlass::ManualClock::default(),
        };
        Self(Arc::new(clock))
    }

    /// Moves time forward by a number of seconds.
    #[napi]
    pub fn advance(&self, seconds: f64) -> napi::Result<()> {
        self.0.advance(raised(duration_from_seconds("seconds", seconds))?);
        Ok(())
    }

    /// Milliseconds since 1970.
    #[napi]
    pub fn millis(&self) -> i64 {
        self.0.now().as_millis()
    }
}

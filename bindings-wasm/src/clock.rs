//! A clock that tests move.

use std::sync::Arc;

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use windlass_core::words::duration_from_seconds;
use windlass_core::{Clock, Timestamp};

use crate::failure::raised;

/// Stands still until it is moved. Clients that share it have nothing that runs by itself.
#[wasm_bindgen]
pub struct ManualClock(pub(crate) Arc<windlass_core::ManualClock>);

#[wasm_bindgen]
impl ManualClock {
    /// Starts at an instant in milliseconds since 1970, else at 2030-01-01.
    #[wasm_bindgen(constructor)]
    pub fn new(start_millis: Option<f64>) -> Self {
        let start = start_millis.map(|millis| Timestamp::from_millis(millis as i64));
        Self(Arc::new(start.map_or_else(Default::default, windlass_core::ManualClock::new)))
    }

    /// Moves time forward by a number of seconds.
    pub fn advance(&self, seconds: f64) -> Result<(), JsValue> {
        self.0.advance(raised(duration_from_seconds("seconds", seconds))?);
        Ok(())
    }

    /// Milliseconds since 1970.
    pub fn millis(&self) -> f64 {
        self.0.now().as_millis() as f64
    }

    /// Another handle on the same: an argument that may be left out cannot be borrowed.
    pub fn share(&self) -> Self {
        Self(self.0.clone())
    }
}

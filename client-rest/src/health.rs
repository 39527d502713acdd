//! What a server says about itself.

use serde::Deserialize;
use windlass_core::{Result, Timestamp};

use crate::service::RestService;
use crate::verb;

/// A server, as it tells of itself.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ServerHealth {
    /// The server's version.
    pub version: String,
    /// The version of its interface.
    pub api: String,
    /// The time by its store's clock.
    pub time: Timestamp,
    /// What and where its store is; the kind alone when the server has a key.
    pub location: String,
}

/// That a server is ready; it says no more.
#[derive(Deserialize)]
struct Ready {}

impl RestService {
    /// What answers at the URL. Needs no key.
    ///
    /// # Errors
    ///
    /// What every call may meet; `api_error` when no Windlass server answers there.
    pub async fn health(&self) -> Result<ServerHealth> {
        self.calls.ask(&verb::HEALTH.call()).await
    }

    /// Returns when the server could give a worker a task now. Needs no key.
    ///
    /// # Errors
    ///
    /// `service_unavailable`, `store_unavailable`, and what every call may meet.
    pub async fn ready(&self) -> Result<()> {
        let Ready {} = self.calls.ask(&verb::READY.call()).await?;
        Ok(())
    }
}

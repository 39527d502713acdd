//! How everything stands.

use crate::client::Client;
use crate::error::Result;
use crate::words::ClusterHealth;

impl Client {
    /// Store, queues and workers at a glance. What was counted need not be of one moment.
    ///
    /// # Errors
    ///
    /// `store_unavailable`, `client_closed`: a store that does not answer is not healthy.
    pub async fn cluster_health(&self) -> Result<ClusterHealth> {
        let queues = self.service.queues(&self.tenant).await?;
        let workers = self.service.workers(&self.tenant).await?;
        Ok(ClusterHealth::of(&queues, &workers, self.service.now()))
    }
}

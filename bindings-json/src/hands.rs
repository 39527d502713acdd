//! Leases taken by hand: the verbs of a worker, one by one, with bodies and answers of `/leases`.

use serde::Serialize;
use windlass_core::words::{Settle, SettledRecord};
use windlass_core::{LeaseRequest, Renewal, Result};

use crate::client::Client;
use crate::fields::record;
use crate::text::text;

/// What a sweep did.
#[derive(Serialize)]
struct Swept {
    promoted: u64,
    rescued: u64,
    pruned: u64,
}

impl Client {
    /// Leases tasks; see `Service::lease`.
    pub async fn lease(&self, request: &str) -> Result<String> {
        let request: LeaseRequest = record("request", request)?;
        text(&self.client.lease(request).await?)
    }

    /// Keeps leases; a word for each: `held`, `cancel_requested` or `lost`.
    pub async fn renew(&self, renewals: &str) -> Result<String> {
        let renewals: Vec<Renewal> = record("renewals", renewals)?;
        text(&self.client.renew(renewals).await?)
    }

    /// Records outcomes; for each its task's status, or the error.
    pub async fn settle(&self, settles: &str) -> Result<String> {
        let settles: Vec<Settle> = record("settles", settles)?;
        let ids: Vec<_> = settles.iter().map(|settle| settle.task_id).collect();
        let now = self.client.now();
        let settled = self.client.settle(settles, None).await?.settled;
        let answers = ids.iter().zip(&settled);
        let answers: Vec<_> =
            answers.map(|(id, settled)| SettledRecord::of(*id, settled, now)).collect();
        text(&answers)
    }

    /// Sweeps once; what it did, by name.
    pub async fn sweep(&self) -> Result<String> {
        let swept = self.client.sweep().await?;
        text(&Swept { promoted: swept.promoted, rescued: swept.rescued, pruned: swept.pruned })
    }
}

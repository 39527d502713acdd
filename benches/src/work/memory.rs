//! One Rust worker runs a queue in memory: what the engine costs when no disk is in the way.

use super::drain::{drain, fill};
use super::runtime;
use crate::Result;
use crate::rounds::{Unit, Workload};

/// The workload. There is nothing raw beside it.
pub(super) fn workload(tasks: u32) -> Workload {
    Workload {
        name: "drain by one worker, in memory".to_owned(),
        parts: &[],
        unit: Unit::TasksPerSecond,
        ours: Box::new(move |_| ours(tasks)),
        beside: None,
        target: None,
    }
}

fn ours(tasks: u32) -> Result<Vec<f64>> {
    runtime()?.block_on(async {
        let client = windlass::connect("memory:").await?;
        fill(&client, tasks).await?;
        let rate = drain(&client, tasks).await?;
        client.close().await?;
        Ok(vec![rate])
    })
}

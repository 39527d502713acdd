//! Queues: what waits where, and pausing.

use std::collections::BTreeMap;

use crate::error::Result;
use crate::rules::limits;
use crate::runtime::engine::Engine;
use crate::words::QueueInfo;

impl Engine {
    pub(super) async fn all_queues(&self, tenant: &str) -> Result<Vec<QueueInfo>> {
        let mut queues: BTreeMap<String, QueueInfo> = BTreeMap::new();
        for count in self.store.counts(tenant).await? {
            let info = queues.entry(count.queue.clone()).or_insert_with(|| empty(&count.queue));
            info.counts.insert(count.status, count.count);
            info.depth += if count.status.is_waiting() { count.count } else { 0 };
        }
        for queue in self.store.paused(tenant).await? {
            queues.entry(queue.clone()).or_insert_with(|| empty(&queue)).paused = true;
        }
        for (queue, at) in self.store.oldest(tenant).await? {
            if let Some(info) = queues.get_mut(&queue) {
                info.oldest_pending_at = Some(at);
            }
        }
        Ok(queues.into_values().collect())
    }

    pub(super) async fn pause_queue(
        &self,
        tenant: &str,
        queue: &str,
        paused: bool,
    ) -> Result<QueueInfo> {
        limits::name("queue", queue)?;
        self.store.pause(tenant, queue, paused).await?;
        if !paused {
            self.bells.work.ring();
        }
        let queues = self.all_queues(tenant).await?;
        Ok(queues.into_iter().find(|info| info.queue == queue).unwrap_or_else(|| empty(queue)))
    }
}

fn empty(queue: &str) -> QueueInfo {
    QueueInfo {
        queue: queue.to_owned(),
        paused: false,
        counts: BTreeMap::new(),
        depth: 0,
        oldest_pending_at: None,
    }
}

//! Queues and batches: what waits where, pausing, and all tasks of a batch at once.

use std::collections::BTreeMap;

use crate::engine::cancel;
use crate::error::{Error, Result};
use crate::rules::limits;
use crate::runtime::engine::Engine;
use crate::store::Applied;
use crate::words::{Batch, BatchId, Filter, QueueInfo, Task, TaskStatus};

/// Tasks of a batch that one look takes.
const LOOK: u32 = 500;

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

    pub(super) async fn find_batch(&self, tenant: &str, batch_id: BatchId) -> Result<Batch> {
        let counts = self.store.batch(tenant, batch_id).await?;
        if counts.is_empty() {
            return Err(Error::BatchNotFound { batch_id: batch_id.to_string() });
        }
        Ok(Batch::of(batch_id, counts))
    }

    pub(super) async fn cancel_tasks_of(&self, tenant: &str, batch_id: BatchId) -> Result<Batch> {
        let batch = self.find_batch(tenant, batch_id).await?;
        let open: Vec<TaskStatus> =
            TaskStatus::ALL.into_iter().filter(|status| !status.is_final()).collect();
        let filter = Filter { status: open, batch_id: Some(batch_id), ..Filter::default() };
        let mut cursor = None;
        loop {
            let page = self.list_tasks(tenant, filter.clone(), cursor, LOOK).await?;
            self.cancel_some(tenant, &page.tasks).await?;
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        match self.find_batch(tenant, batch_id).await {
            // All of it was pruned meanwhile: this is how it stood.
            Err(Error::BatchNotFound { .. }) => Ok(batch),
            other => other,
        }
    }

    /// Cancels tasks as they were just read; those that moved on meanwhile, one by one.
    async fn cancel_some(&self, tenant: &str, tasks: &[Task]) -> Result<()> {
        let transitions: Vec<_> = tasks.iter().filter_map(cancel::decide).collect();
        if transitions.is_empty() {
            return Ok(());
        }
        let mut is_asked = false;
        for applied in self.store.settle(transitions, None).await?.0 {
            match applied? {
                Applied::Done(done) => {
                    is_asked |= done.status == TaskStatus::Running;
                    self.ring_for(&done);
                }
                Applied::Stale(task) => match self.cancel_task(tenant, task.task_id).await {
                    // Pruned meanwhile: it had ended.
                    Ok(_) | Err(Error::TaskNotFound { .. }) => {}
                    Err(error) => return Err(error),
                },
                Applied::Missing => {}
            }
        }
        if is_asked {
            self.bells.cancel.ring();
        }
        Ok(())
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

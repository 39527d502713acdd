//! How everything stands.

use crate::client::Client;
use crate::error::Result;
use crate::runtime::engine::WORKER_LIVES;
use crate::runtime::service::Service;
use crate::words::{
    ClusterHealth, Cursor, Filter, QueueInfo, Task, TaskId, TaskStatus, Timestamp, WorkerInfo,
};

/// Queues of which a waiting task is read, at most: those whose tasks wait longest.
const LOOK: usize = 64;

impl Client {
    /// Store, queues and workers at a glance. What was counted need not be of one moment.
    ///
    /// # Errors
    ///
    /// `store_unavailable`, `client_closed`: a store that does not answer is not healthy.
    pub async fn cluster_health(&self) -> Result<ClusterHealth> {
        let queues = self.service.queues(&self.tenant).await?;
        let workers = self.service.workers(&self.tenant).await?;
        health_of(&*self.service, &self.tenant, &queues, &workers).await
    }
}

/// The health that these queues and workers of a tenant amount to: for who has asked for them already.
///
/// # Errors
///
/// `store_unavailable`, `client_closed`.
pub async fn health_of(
    service: &dyn Service,
    tenant: &str,
    queues: &[QueueInfo],
    workers: &[WorkerInfo],
) -> Result<ClusterHealth> {
    let untaken = untaken(service, tenant, queues, workers).await?;
    Ok(ClusterHealth::of(queues, workers, untaken, service.now()))
}

/// Queues with a pending task that no live worker has taken for long, those that wait longest first.
async fn untaken(
    service: &dyn Service,
    tenant: &str,
    queues: &[QueueInfo],
    workers: &[WorkerInfo],
) -> Result<Vec<String>> {
    let now = service.now();
    // As long as a silent worker lives: one that is started again meanwhile is known by then.
    let due = |queue: &QueueInfo| {
        queue.oldest_pending_at.filter(|due| !queue.paused && now.since(*due) >= WORKER_LIVES)
    };
    let mut waiting: Vec<_> =
        queues.iter().filter_map(|queue| Some((due(queue)?, queue))).collect();
    waiting.sort_by_key(|(due, _)| *due);
    let mut looks = LOOK;
    let mut found = Vec::new();
    for (due, QueueInfo { queue, .. }) in waiting {
        // What is taken by nobody stays, and has waited long in the end: one task tells.
        let is_untaken = if !workers.iter().any(|worker| worker.queues.contains(queue)) {
            true
        } else if looks > 0 {
            looks -= 1;
            let task = waits_long(service, tenant, queue, due).await?;
            task.is_some_and(|task| !workers.iter().any(|w| w.takes(queue, &task.handler)))
        } else {
            false
        };
        if is_untaken {
            found.push(queue.clone());
        }
    }
    Ok(found)
}

/// A pending task of the queue that has been due for long: the newest of those submitted by the time that
/// the first was due, which is the first itself unless it was submitted to be run later.
async fn waits_long(
    service: &dyn Service,
    tenant: &str,
    queue: &str,
    due: Timestamp,
) -> Result<Option<Task>> {
    let filter = Filter {
        status: vec![TaskStatus::Pending],
        queue: Some(queue.to_owned()),
        ..Filter::default()
    };
    let now = service.now();
    let by = |time: Timestamp| {
        Some(Cursor { after: TaskId::least_at(Timestamp::from_millis(time.as_millis() + 1)) })
    };
    // Ids follow the clock of who submits, which may be before the store's. And what became due but now was
    // seen by no worker yet, while older tasks of the queue are taken.
    for submitted in [by(due), by(now.before(WORKER_LIVES)), None] {
        let page = service.list(tenant, filter.clone(), submitted, 1).await?;
        let task = page.tasks.into_iter().next();
        if let Some(task) = task.filter(|task| now.since(task.run_at) >= WORKER_LIVES) {
            return Ok(Some(task));
        }
    }
    Ok(None)
}

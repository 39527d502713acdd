//! How everything stands, in a few numbers.

use serde::{Deserialize, Serialize};

use crate::words::{QueueInfo, TaskStatus, Timestamp, WorkerInfo};

/// Store, queues and workers of one tenant at a glance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ClusterHealth {
    /// Whether the store answers.
    pub healthy: bool,
    /// `ok`, or `degraded` when a worker is deaf or a queue is untaken.
    pub status: String,
    /// Live workers.
    pub nodes: NodeHealth,
    /// All queues together.
    pub queue: QueueHealth,
    /// Live workers, by whether they ask for work.
    pub workers: WorkerHealth,
}

/// Live workers, counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NodeHealth {
    /// Those that ask for work when they have room.
    pub active: u64,
    /// All of them.
    pub total: u64,
}

/// Tasks of all queues, counted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct QueueHealth {
    /// Tasks that wait: blocked, scheduled and pending.
    pub depth: u64,
    /// Tasks that may be leased now.
    pub pending: u64,
    /// Tasks under a lease.
    pub running: u64,
    /// How long the pending task that is due longest has been due; 0 when none is.
    pub oldest_age_seconds: f64,
    /// Queues, not paused, with a task that has been due for 15 s and that no live worker takes. Of a
    /// queue that some worker takes from, one of the tasks that wait longest is looked at; of 64 such
    /// queues at most.
    #[serde(default)]
    pub untaken: Vec<String>,
}

/// Live workers by how they behave; their sum is `nodes.total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WorkerHealth {
    /// Those that are not deaf.
    pub live: u64,
    /// Those that are heard of, but ask for no work although they have room and work waits.
    pub deaf: u64,
}

impl ClusterHealth {
    /// The health that queues and live workers amount to at `now`, when these queues are untaken.
    pub fn of(
        queues: &[QueueInfo],
        workers: &[WorkerInfo],
        untaken: Vec<String>,
        now: Timestamp,
    ) -> Self {
        let tasks = |status| -> u64 { queues.iter().filter_map(|q| q.counts.get(&status)).sum() };
        let oldest = queues.iter().filter_map(|queue| queue.oldest_pending_at).min();
        let total = workers.len() as u64;
        let deaf = workers.iter().filter(|worker| worker.deaf).count() as u64;
        Self {
            healthy: true,
            status: if deaf == 0 && untaken.is_empty() { "ok" } else { "degraded" }.to_owned(),
            nodes: NodeHealth { active: total - deaf, total },
            queue: QueueHealth {
                depth: queues.iter().map(|queue| queue.depth).sum(),
                pending: tasks(TaskStatus::Pending),
                running: tasks(TaskStatus::Running),
                oldest_age_seconds: oldest.map_or(0.0, |at| now.since(at).as_secs_f64()),
                untaken,
            },
            workers: WorkerHealth { live: total - deaf, deaf },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queues_are_added_up_and_deaf_workers_told_apart() {
        // GPY-07, GPY-08, GPY-09
        let queues: Vec<QueueInfo> = serde_json::from_value(serde_json::json!([
            {"queue": "a", "paused": false, "depth": 7, "oldest_pending_at": "2030-01-01T00:00:09Z",
             "counts": {"blocked": 1, "scheduled": 2, "pending": 4, "running": 3, "failed": 9}},
            {"queue": "b", "paused": true, "depth": 5, "oldest_pending_at": "2030-01-01T00:00:07.5Z",
             "counts": {"pending": 5, "completed": 100}},
            {"queue": "c", "paused": false, "depth": 0, "counts": {"running": 1}},
        ]))
        .unwrap();
        let worker = |id, deaf| -> WorkerInfo {
            serde_json::from_value(serde_json::json!({
                "worker_id": id, "queues": ["a"], "handlers": ["x"], "concurrency": 1,
                "host": "h", "deaf": deaf,
            }))
            .unwrap()
        };
        let workers = [worker("1", false), worker("2", true), worker("3", false)];
        let now: Timestamp = "2030-01-01T00:00:10Z".parse().unwrap();
        let health = ClusterHealth::of(&queues, &workers, Vec::new(), now);
        let wire = serde_json::to_value(&health).unwrap();
        assert_eq!(
            wire,
            serde_json::json!({
                "healthy": true,
                "status": "degraded",
                "nodes": {"active": 2, "total": 3},
                "queue": {"depth": 12, "pending": 9, "running": 4, "oldest_age_seconds": 2.5,
                          "untaken": []},
                "workers": {"live": 2, "deaf": 1},
            })
        );
        let empty = ClusterHealth::of(&[], &workers[..1], Vec::new(), now);
        assert_eq!((empty.status.as_str(), empty.queue.oldest_age_seconds), ("ok", 0.0));
        let untaken = ClusterHealth::of(&queues, &workers[..1], vec!["a".to_owned()], now);
        assert_eq!((untaken.status.as_str(), untaken.workers.deaf), ("degraded", 0));
    }
}

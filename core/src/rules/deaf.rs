//! Whether a worker is deaf: heard of, with room, but asking for no work that waits for it.

use std::time::Duration;

use crate::words::{Task, TaskStatus, Timestamp, WorkerInfo};

/// A worker that did not ask for work for this long may be deaf. The worker machine pauses its asking for
/// no longer than a few seconds, whatever it does.
pub const SILENCE: Duration = Duration::from_secs(30);

/// Whether it is worth looking for work that the worker neglects: it has room, and did not ask for
/// `quiet`.
pub fn may_be(worker: &WorkerInfo, quiet: Duration) -> bool {
    quiet >= SILENCE && worker.holds < worker.concurrency
}

/// Whether a worker that did not ask for `quiet` is deaf, at `now` by the store's clock.
///
/// `waiting` are pending tasks of its queues; one that it takes must be among them. `recent` are tasks
/// that ran lately, as `Service::recent` tells them: a worker that holds as many as it can run, or that
/// began one within [`SILENCE`], asks somewhere else.
pub fn decide(
    worker: &WorkerInfo,
    quiet: Duration,
    now: Timestamp,
    waiting: &[Task],
    recent: &[Task],
) -> bool {
    let takes = |task: &Task| {
        task.status == TaskStatus::Pending && worker.takes(&task.queue, &task.handler)
    };
    let began = |task: &&Task| {
        task.executed_on.as_ref() == Some(&worker.worker_id)
            && task.attempt_started_at.is_some_and(|at| at > now.before(SILENCE))
    };
    let holds =
        |task: &&Task| task.lease.as_ref().is_some_and(|lease| lease.worker == worker.worker_id);
    may_be(worker, quiet)
        && waiting.iter().any(takes)
        && !recent.iter().any(|task| began(&task))
        && recent.iter().filter(holds).count() < worker.concurrency as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::submit;
    use crate::words::{Lease, Payload, TaskId, TaskSpec};

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    fn worker(holds: u32) -> WorkerInfo {
        serde_json::from_value(serde_json::json!({
            "worker_id": "w", "queues": ["mail"], "handlers": ["send"], "concurrency": 2,
            "host": "h:1", "holds": holds,
        }))
        .unwrap()
    }

    fn waiting(queue: &str, task_type: &str) -> Task {
        let spec =
            TaskSpec { queue: queue.to_owned(), ..TaskSpec::new(task_type, Payload::null()) };
        let id = TaskId::least_at(NOW);
        submit::decide(spec, "default", id, None).unwrap().into_task(NOW)
    }

    fn running(began: Timestamp) -> Task {
        let mut task = waiting("mail", "send");
        task.status = TaskStatus::Running;
        task.lease = Some(Lease { worker: "w".to_owned(), expires_at: NOW, counted: true });
        task.executed_on = Some("w".to_owned());
        task.attempt_started_at = Some(began);
        task
    }

    #[test]
    fn silence_with_room_and_work_is_deafness() {
        let work = [waiting("mail", "send")];
        let long_ago = running(NOW.before(Duration::from_secs(60)));
        let lately = running(NOW.before(Duration::from_secs(29)));
        let secs = Duration::from_secs;
        for (case, worker, quiet, work, recent, deaf) in [
            ("silent with room and work", worker(0), secs(30), &work[..], vec![], true),
            ("asked lately", worker(0), Duration::from_millis(29_999), &work, vec![], false),
            ("full, as it says", worker(2), secs(60), &work, vec![], false),
            ("room for one more", worker(1), secs(60), &work, vec![long_ago.clone()], true),
            ("full", worker(0), secs(60), &work, vec![long_ago.clone(), long_ago], false),
            ("leases elsewhere", worker(0), secs(60), &work, vec![lately], false),
            ("nothing waits", worker(0), secs(60), &[], vec![], false),
            ("not its queue", worker(0), secs(60), &[waiting("bulk", "send")], vec![], false),
            ("not its handler", worker(0), secs(60), &[waiting("mail", "read")], vec![], false),
        ] {
            assert_eq!(decide(&worker, quiet, NOW, work, &recent), deaf, "{case}");
        }
    }
}

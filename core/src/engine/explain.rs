//! Why a task does not run now.

use crate::engine::composite;
use crate::engine::rescue::LEASE_EXPIRED;
use crate::words::{Task, TaskKind, TaskStatus, Timestamp, Waiting, Why, WorkerInfo};

/// Explains from the row, the live workers of its tenant, whether its queue is paused, and how many tasks
/// go before it.
pub fn decide(
    task: &Task,
    workers: &[WorkerInfo],
    paused: bool,
    ahead: Option<u64>,
    now: Timestamp,
) -> Why {
    let worker = task.lease.as_ref().map(|lease| lease.worker.clone());
    let expires = task.lease.as_ref().map(|lease| lease.expires_at);
    let (reason, text, until) = match task.status {
        status if status.is_final() => (Waiting::Finished, finished(task), task.finished_at),
        TaskStatus::Running if !task.kind.is_task() => {
            (Waiting::Running, members(task), composite::deadline(task))
        }
        TaskStatus::Running if expires.is_some_and(|at| at < now) => (
            Waiting::LeaseExpired,
            "its worker stopped renewing; the next sweep takes it back".to_owned(),
            expires,
        ),
        TaskStatus::Running if task.cancel_requested => {
            (Waiting::Cancelling, "its worker has been asked to stop it".to_owned(), expires)
        }
        TaskStatus::Running => {
            let name = worker.as_deref().unwrap_or("a worker");
            (Waiting::Running, format!("{name} runs attempt {}", task.attempt.max(1)), expires)
        }
        TaskStatus::Scheduled => match &task.error {
            Some(error) => (
                Waiting::BackingOff,
                format!(
                    "attempt {} failed: {}; the next is due at {}",
                    task.attempt, error.message, task.run_at
                ),
                Some(task.run_at),
            ),
            None => (Waiting::Delayed, format!("due at {}", task.run_at), Some(task.run_at)),
        },
        TaskStatus::Blocked => (Waiting::Blocked, blocked(task), None),
        // Before the workers: one that is started now would not be given the task either.
        _ if paused => (Waiting::Paused, paused_queue(task), None),
        _ if !workers.iter().any(|w| w.takes(&task.queue, &task.handler)) => {
            (Waiting::NoWorker, no_worker(task), None)
        }
        _ if task.suspect => {
            let error = task.error.as_ref().map_or(LEASE_EXPIRED, |e| e.code.as_str());
            let text = format!(
                "a worker was lost with it ({error}); it waits for one that holds nothing else"
            );
            (Waiting::Suspect, text, None)
        }
        _ => match ahead.unwrap_or(0) {
            0 => (Waiting::Next, "nothing is before it; a worker will take it".to_owned(), None),
            n => (Waiting::Behind, format!("{n} tasks go first"), None),
        },
    };
    let ahead = ahead.filter(|_| task.status == TaskStatus::Pending);
    Why { task_id: task.task_id, status: task.status, reason, text, ahead, until, worker }
}

fn finished(task: &Task) -> String {
    match &task.error {
        Some(error) => format!("{}: {}", task.status, error.message),
        None => task.status.to_string(),
    }
}

fn members(task: &Task) -> String {
    let tally = task.members.unwrap_or_default();
    let (open, total) = (tally.open(), tally.total);
    match task.kind {
        TaskKind::Pipeline => format!("{open} of its {total} stages have not ended"),
        TaskKind::Block => format!("{open} of its {total} steps have not ended"),
        _ => format!("{open} of its {total} tasks have not ended"),
    }
}

fn blocked(task: &Task) -> String {
    let others = |noun: &str| match task.waits {
        1 => format!("1 {noun}"),
        count => format!("{count} {noun}s"),
    };
    match (&task.state_key, task.parent().map(|parent| (parent.kind, parent.task_id))) {
        (Some(key), _) if task.waits == 0 => {
            format!("waits for its turn on state key {key:?}: one task at a time has it")
        }
        (_, Some((TaskKind::Pipeline, id))) => {
            format!("waits for {} of pipeline {id}", others("stage"))
        }
        (_, Some((TaskKind::Block, id))) => {
            format!("waits for its turn: block {id} runs so many steps at once")
        }
        _ => format!("waits for {}", others("other task")),
    }
}

fn paused_queue(task: &Task) -> String {
    format!(
        "queue {:?} is paused: no worker is given its tasks; to resume it: windlass queues resume {}",
        task.queue,
        word(&task.queue),
    )
}

/// A name as a shell reads it back.
fn word(name: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:@%+=,".contains(c);
    match name.chars().all(plain) {
        true => name.to_owned(),
        false => format!("'{}'", name.replace('\'', "'\\''")),
    }
}

fn no_worker(task: &Task) -> String {
    format!(
        "no live worker takes {:?} from queue {:?}; start one, for example: windlass worker MODULE:APP --queues {}",
        if task.handler.is_empty() { "(default handler)" } else { &task.handler },
        task.queue,
        task.queue,
    )
}

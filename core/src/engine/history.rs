//! A task's history: what the row tells, put together with the entries kept as rows.

use crate::words::{Task, TaskStatus, Update, UpdateKind};

/// The finish of a finished task, as its row tells it.
pub fn finish(task: &Task) -> Update {
    Update {
        task_id: task.task_id,
        seq: task.last_seq,
        at: task.finished_at.unwrap_or(task.created_at),
        kind: UpdateKind::Status {
            status: task.status,
            attempt: task.attempt,
            message: None,
            error: task.error.clone().filter(|_| task.status != TaskStatus::Completed),
            result: task.result.clone(),
        },
    }
}

/// Entries after `after`, in order, at most `limit`.
///
/// `rows` are the stored entries with `seq` above `after`, in order, at least `limit` of them if
/// there are so many. Entries that were pruned are told by one resync in their place.
pub fn assemble(task: &Task, rows: Vec<Update>, after: u64, limit: usize) -> Vec<Update> {
    let mut entries = Vec::with_capacity(rows.len() + 3);
    let mut after = after;
    if after + 1 < task.first_seq {
        after = task.first_seq - 1;
        entries.push(Update {
            task_id: task.task_id,
            seq: after,
            at: task.created_at,
            kind: UpdateKind::Resync { status: task.status, progress: task.progress },
        });
    }
    if after < 1 {
        entries.push(status(task, 1, task.created_at, task.submitted_as, 0));
    }
    let mut start = task
        .started_at
        .and_then(|at| Some(status(task, task.start_seq?, at, TaskStatus::Running, 1)))
        .filter(|start| start.seq > after);
    for row in rows.into_iter().filter(|row| row.seq > after) {
        entries.extend(start.take_if(|start| start.seq <= row.seq));
        entries.push(row);
    }
    entries.extend(start);
    if task.status.is_final() && after < task.last_seq {
        entries.push(finish(task));
    }
    entries.truncate(limit);
    entries
}

fn status(
    task: &Task,
    seq: u64,
    at: crate::words::Timestamp,
    status: TaskStatus,
    attempt: u32,
) -> Update {
    let kind = UpdateKind::Status { status, attempt, message: None, error: None, result: None };
    Update { task_id: task.task_id, seq, at, kind }
}

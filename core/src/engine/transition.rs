//! A guarded write to one task, and what it does to the row.
//!
//! Every change of status after submission and lease is a [`Transition`]. The engine decides it from
//! a copy of the row; the store applies it only while the guard holds, so that a decision made from an
//! old copy changes nothing.

use std::time::Duration;

use crate::words::{
    LeaseToken, NewUpdate, Payload, Task, TaskError, TaskId, TaskStatus, Timestamp, Update,
    UpdateKind, When,
};

/// What must still be true for a transition to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// The task is running under the lease with this token.
    Lease(LeaseToken),
    /// Nobody wrote to the row since it had this version.
    Version(u64),
    /// The task has not ended, whatever else happened to it. Such a transition only asks: the row stays as
    /// it is.
    Open,
}

impl Guard {
    /// Whether the row still is as the decision took it.
    pub fn holds(self, task: &Task) -> bool {
        match self {
            Self::Lease(token) => task.status == TaskStatus::Running && task.token == Some(token),
            Self::Version(version) => task.version == version,
            Self::Open => !task.status.is_final(),
        }
    }
}

/// A decided write to one task.
#[derive(Debug, Clone, PartialEq)]
pub struct Transition {
    /// The task.
    pub task_id: TaskId,
    /// Its tenant.
    pub tenant: String,
    /// What must still be true.
    pub guard: Guard,
    /// The attempt began this long ago: counted unless it was already.
    pub started: Option<Duration>,
    /// Entries for the history, before the status.
    pub updates: Vec<NewUpdate>,
    /// The next status; the present one leaves status and lease as they are.
    pub status: TaskStatus,
    /// When it is due; `None` leaves it.
    pub run_at: Option<When>,
    /// The attempt is not to count: snoozed or handed back.
    pub uncount: bool,
    /// An explicit retry: attempts, progress, error and result start over.
    pub start_over: bool,
    /// JSON text of the answer.
    pub result: Option<Payload>,
    /// State to store under the task's `state_key`, with a completion.
    pub state: Option<Payload>,
    /// How many tasks it waits for from now on; `None` leaves it.
    pub waits: Option<u32>,
    /// The error to keep; `None` leaves the last one.
    pub error: Option<TaskError>,
    /// Text for the history's entry.
    pub message: Option<String>,
    /// Marks or unmarks the task as suspect.
    pub suspect: Option<bool>,
    /// Sets or clears the request to cancel.
    pub cancel_requested: Option<bool>,
}

impl Transition {
    /// A transition to `status` and nothing else.
    pub fn new(task: &Task, guard: Guard, status: TaskStatus) -> Self {
        Self::to(task.task_id, task.tenant.clone(), guard, status)
    }

    /// The same, from the ids alone.
    pub fn to(task_id: TaskId, tenant: String, guard: Guard, status: TaskStatus) -> Self {
        Self {
            task_id,
            tenant,
            guard,
            started: None,
            updates: Vec::new(),
            status,
            run_at: None,
            uncount: false,
            start_over: false,
            result: None,
            state: None,
            waits: None,
            error: None,
            message: None,
            suspect: None,
            cancel_requested: None,
        }
    }

    /// Applies this to a row whose guard holds; returns the history entries to store as rows.
    ///
    /// Submission, first start and finish are read from the row and are not among them. The row's
    /// `version` grows by one, unless the guard is [`Guard::Open`].
    pub fn apply(&self, task: &mut Task, now: Timestamp) -> Vec<Update> {
        if self.guard == Guard::Open {
            return Vec::new();
        }
        debug_assert!(
            self.updates.is_empty() || !task.status.is_final(),
            "a finished task reports"
        );
        let mut rows = Vec::new();
        if let Some(ago) = self.started {
            count_attempt(task, now.before(ago), &mut rows);
        }
        append(task, &self.updates, now, &mut rows);
        if self.uncount {
            uncount_attempt(task);
        }
        if let Some(suspect) = self.suspect {
            task.suspect = suspect;
        }
        if let Some(requested) = self.cancel_requested {
            task.cancel_requested = requested;
        }
        if let Some(waits) = self.waits {
            task.waits = waits;
        }
        if let Some(when) = self.run_at {
            task.run_at = when.resolve(now);
        }
        if self.status != task.status {
            self.change_status(task, now, &mut rows);
        }
        task.version += 1;
        rows
    }

    fn change_status(&self, task: &mut Task, now: Timestamp, rows: &mut Vec<Update>) {
        if task.status.is_final() {
            // The finish was read from the row until now; the row is about to forget it.
            rows.push(super::history::finish(task));
        }
        if self.start_over {
            task.attempt = 0;
            (task.progress, task.message) = (None, None);
            (task.result, task.error) = (None, None);
        }
        if let Some(error) = &self.error {
            task.error = Some(TaskError { at: Some(now), ..error.clone() });
        }
        task.status = self.status;
        task.lease = None;
        task.token = None;
        task.last_seq += 1;
        if self.status.is_final() {
            task.finished_at = Some(now);
            task.result = self.result.clone();
            if self.status == TaskStatus::Completed {
                task.progress = Some(100.0);
                task.error = None;
            }
        } else {
            task.finished_at = None;
            rows.push(Update {
                task_id: task.task_id,
                seq: task.last_seq,
                at: now,
                kind: UpdateKind::Status {
                    status: self.status,
                    attempt: task.attempt,
                    message: self.message.clone(),
                    error: self.error.as_ref().and(task.error.clone()),
                    result: None,
                },
            });
        }
    }
}

/// Counts the attempt of a running task from `at`, unless it counts already.
pub fn count_attempt(task: &mut Task, at: Timestamp, rows: &mut Vec<Update>) {
    let Some(lease) = task.lease.as_mut().filter(|lease| !lease.counted) else { return };
    lease.counted = true;
    task.executed_on = Some(lease.worker.clone());
    task.attempt += 1;
    task.attempt_started_at = Some(at);
    task.last_seq += 1;
    if task.start_seq.is_none() {
        task.start_seq = Some(task.last_seq);
        task.started_at = Some(at);
    } else {
        rows.push(Update {
            task_id: task.task_id,
            seq: task.last_seq,
            at,
            kind: UpdateKind::Status {
                status: TaskStatus::Running,
                attempt: task.attempt,
                message: None,
                error: None,
                result: None,
            },
        });
    }
}

/// Takes back the attempt of a running task, if it counts.
fn uncount_attempt(task: &mut Task) {
    if task.lease.as_ref().is_some_and(|lease| lease.counted) {
        task.attempt = task.attempt.saturating_sub(1);
    }
}

/// Appends progress and logs to the history, and the last progress to the row.
pub fn append(task: &mut Task, updates: &[NewUpdate], now: Timestamp, rows: &mut Vec<Update>) {
    for update in updates {
        task.last_seq += 1;
        if let NewUpdate::Progress { progress, message } = update {
            task.progress = Some(*progress);
            if message.is_some() {
                task.message.clone_from(message);
            }
        }
        let kind = UpdateKind::from(update.clone());
        rows.push(Update { task_id: task.task_id, seq: task.last_seq, at: now, kind });
    }
}

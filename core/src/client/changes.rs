//! What the history of a pipeline tells of its stages.

use std::collections::HashSet;

use serde::Serialize;

use crate::words::{TaskError, TaskId, TaskStatus, Timestamp, Update, UpdateKind};

/// A change that a monitor tells: of a stage, or the pipeline's end.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StageChange {
    /// Its number in the pipeline's history: a monitor may go on behind it.
    pub seq: u64,
    /// The stage's task; with the end, the pipeline's.
    pub task_id: TaskId,
    /// The stage; `None` for the pipeline itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// Its status now.
    pub status: TaskStatus,
    /// Whether this is the pipeline's end: the last item, and the only one of its kind.
    pub is_terminal: bool,
    /// Attempts of the stage that counted so far; 0 for the pipeline.
    pub attempt: u32,
    /// Why it failed or was cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<TaskError>,
    /// How much of the pipeline has ended, 0 to 100.
    pub progress: f64,
    /// When, by the store's clock.
    pub at: Timestamp,
}

/// A pipeline's history as it is read, from its first entry on.
///
/// It is read whole also by who wants a part: how much had ended stands in what came before.
pub struct Changes {
    total: u32,
    after: u64,
    /// Tasks of the stages that have ended.
    ended: HashSet<TaskId>,
    /// An end of the pipeline. What follows it says that a retry made it none.
    end: Option<StageChange>,
}

impl Changes {
    /// The changes behind entry `after` of a pipeline with so many stages.
    pub fn new(total: u32, after: u64) -> Self {
        Self { total, after, ended: HashSet::new(), end: None }
    }

    /// Takes an entry in; what it tells, if it is a change of a stage.
    pub fn take(&mut self, update: Update) -> Option<StageChange> {
        self.end = None;
        let Update { task_id, seq, at, kind } = update;
        let change = match kind {
            UpdateKind::Member { member_id, stage: Some(stage), status, attempt, error } => {
                if status.is_final() {
                    self.ended.insert(member_id);
                } else {
                    self.ended.remove(&member_id);
                }
                let progress = self.ended.len() as f64 * 100.0 / f64::from(self.total.max(1));
                StageChange {
                    seq,
                    task_id: member_id,
                    stage: Some(stage),
                    status,
                    is_terminal: false,
                    attempt,
                    error,
                    progress,
                    at,
                }
            }
            UpdateKind::Status { status, error, .. } if status.is_final() => StageChange {
                seq,
                task_id,
                stage: None,
                status,
                is_terminal: true,
                attempt: 0,
                error,
                progress: 100.0,
                at,
            },
            _ => return None,
        };
        if seq <= self.after {
            return None;
        }
        if change.is_terminal {
            self.end = Some(change);
            return None;
        }
        Some(change)
    }

    /// The pipeline's end, once, when the history has no more to tell.
    pub fn end(&mut self) -> Option<StageChange> {
        self.end.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u8) -> TaskId {
        TaskId::from_bytes([number; 16])
    }

    fn entry(seq: u64, kind: UpdateKind) -> Update {
        Update { task_id: id(9), seq, at: Timestamp::from_millis(0), kind }
    }

    fn stage(seq: u64, member: u8, status: TaskStatus) -> Update {
        let (member_id, stage) = (id(member), Some(format!("s{member}")));
        entry(seq, UpdateKind::Member { member_id, stage, status, attempt: 1, error: None })
    }

    fn whole(seq: u64, status: TaskStatus) -> Update {
        let kind =
            UpdateKind::Status { status, attempt: 0, message: None, error: None, result: None };
        entry(seq, kind)
    }

    /// Two stages; the second fails, is run again and completes.
    fn retried() -> Vec<Update> {
        use TaskStatus::*;
        vec![
            whole(1, Running),
            stage(2, 1, Completed),
            stage(3, 2, Failed),
            whole(4, Failed),
            whole(5, Running),
            stage(6, 2, Pending),
            stage(7, 2, Completed),
            whole(8, Completed),
        ]
    }

    fn told(after: u64) -> Vec<(u64, f64, bool)> {
        let mut changes = Changes::new(2, after);
        let mut told: Vec<_> =
            retried().into_iter().filter_map(|update| changes.take(update)).collect();
        told.extend(changes.end());
        assert_eq!(changes.end(), None);
        told.iter().map(|change| (change.seq, change.progress, change.is_terminal)).collect()
    }

    #[test]
    fn an_end_that_was_undone_is_not_told() {
        let expected = [
            (2, 50.0, false),
            (3, 100.0, false),
            (6, 50.0, false),
            (7, 100.0, false),
            (8, 100.0, true),
        ];
        assert_eq!(told(0), expected);
    }

    #[test]
    fn who_goes_on_is_told_what_the_whole_would_tell() {
        for after in 0..=8 {
            let rest: Vec<_> = told(0).into_iter().filter(|change| change.0 > after).collect();
            assert_eq!(told(after), rest, "after {after}");
        }
    }
}

//! The submissions of many tasks in one text.

use serde::Serialize;
use windlass_core::{BatchId, Result, Submission, TaskId, TaskStatus};

use crate::text::text;

/// Submissions next to each other that differ in their ids only, as most do.
#[derive(Serialize)]
struct Run {
    task_ids: Vec<TaskId>,
    status: TaskStatus,
    deduplicated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    batch_id: Option<BatchId>,
}

/// JSON text of submissions as runs, in order.
///
/// # Errors
///
/// `internal_error`.
pub fn told(submissions: &[Submission]) -> Result<String> {
    let same = |a: &Submission, b: &Submission| {
        (a.status, a.deduplicated, a.batch_id) == (b.status, b.deduplicated, b.batch_id)
    };
    let runs = submissions.chunk_by(same).map(|run| Run {
        task_ids: run.iter().map(|one| one.task_id).collect(),
        status: run[0].status,
        deduplicated: run[0].deduplicated,
        batch_id: run[0].batch_id,
    });
    text(&runs.collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn every_submission_is_told_once_and_in_order() {
        let id = |number: u8| TaskId::from_bytes([number; 16]);
        let all = [(1, false), (2, false), (3, true), (4, false)].map(|(number, deduplicated)| {
            let (status, batch_id) = (TaskStatus::Pending, None);
            Submission { task_id: id(number), status, deduplicated, batch_id }
        });
        let runs: Value = serde_json::from_str(&told(&all).unwrap()).unwrap();
        let run = |ids: &[u8], deduplicated: bool| {
            let ids: Vec<_> = ids.iter().map(|number| id(*number)).collect();
            json!({"task_ids": ids, "status": "pending", "deduplicated": deduplicated})
        };
        assert_eq!(runs, json!([run(&[1, 2], false), run(&[3], true), run(&[4], false)]));
    }
}

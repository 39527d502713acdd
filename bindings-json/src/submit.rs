//! Many tasks in one text, and their submissions in one.

use serde::Serialize;
use serde_json::value::RawValue;
use windlass_core::rules::limits;
use windlass_core::{BatchId, Result, Submission, TaskId, TaskSpec, TaskStatus};

use crate::fields::record;
use crate::text::text;

/// The tasks of a JSON list of records.
///
/// # Errors
///
/// `invalid_argument` with the name of the field, `invalid_payload`.
pub fn specs(records: &str) -> Result<Vec<TaskSpec>> {
    let records: Vec<&RawValue> = record("tasks", records)?;
    records.iter().map(|record| TaskSpec::from_wire(record.get())).collect()
}

/// Checks tasks as a submit does before anything travels.
///
/// # Errors
///
/// `invalid_argument`, `invalid_payload`, `payload_too_large`.
pub fn check(records: &str) -> Result<()> {
    specs(records)?.iter().try_for_each(limits::check_spec)
}

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

//! The submissions of many tasks in one text.

use windlass_core::words::members::quoted_list;
use windlass_core::{Result, Submission};

/// JSON text of submissions as runs, in order: those next to each other that differ in their ids only, as
/// most do.
///
/// # Errors
///
/// `internal_error`.
pub fn told(submissions: &[Submission]) -> Result<String> {
    let same = |a: &Submission, b: &Submission| {
        (a.status, a.deduplicated, a.batch_id) == (b.status, b.deduplicated, b.batch_id)
    };
    let mut runs = "[".to_owned();
    for run in submissions.chunk_by(same) {
        let ids = quoted_list(run.iter().map(|one| one.task_id.to_string()));
        let known = if run[0].deduplicated { "true" } else { "false" };
        let batch = run[0].batch_id.map(|id| [",\"batch_id\":\"", &*id.to_string(), "\""].concat());
        let parts = [
            if runs.len() > 1 { "," } else { "" },
            "{\"task_ids\":",
            &ids,
            ",\"status\":\"",
            run[0].status.as_str(),
            "\",\"deduplicated\":",
            known,
            &batch.unwrap_or_default(),
            "}",
        ];
        runs.push_str(&parts.concat());
    }
    Ok(runs + "]")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use windlass_core::{TaskId, TaskStatus};

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

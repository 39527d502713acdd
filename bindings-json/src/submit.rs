//! The submissions of many tasks in one text.

use windlass_core::words::members::quoted_list;
use windlass_core::{BatchSubmission, PipelineSubmission, Result, Submission};

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
        let batch = run[0].batch_id.map(|id| [",\"batch_id\":\"", &*id.to_string(), "\""].concat());
        let parts = [
            if runs.len() > 1 { "," } else { "" },
            "{\"task_ids\":",
            &ids,
            ",\"status\":\"",
            run[0].status.as_str(),
            "\",\"deduplicated\":",
            boolean(run[0].deduplicated),
            &batch.unwrap_or_default(),
            "}",
        ];
        runs.push_str(&parts.concat());
    }
    Ok(runs + "]")
}

/// JSON text of a batch that is stored: `{"batch_id", "deduplicated", "runs"}`, its submissions as `told` says
/// them.
///
/// # Errors
///
/// `internal_error`.
pub fn batch(stored: &BatchSubmission) -> Result<String> {
    let (id, runs) = (stored.batch_id.to_string(), told(&stored.submissions)?);
    let known = boolean(stored.deduplicated);
    Ok(["{\"batch_id\":\"", &id, "\",\"deduplicated\":", known, ",\"runs\":", &runs, "}"].concat())
}

/// JSON text of a pipeline that is stored: `{"pipeline_id", "task_ids", "status", "deduplicated"}`.
pub fn pipeline(stored: &PipelineSubmission) -> String {
    let ids = quoted_list(stored.task_ids.iter().map(ToString::to_string));
    let parts = [
        "{\"pipeline_id\":\"",
        &*stored.pipeline_id.to_string(),
        "\",\"task_ids\":",
        &ids,
        ",\"status\":\"",
        stored.status.as_str(),
        "\",\"deduplicated\":",
        boolean(stored.deduplicated),
        "}",
    ];
    parts.concat()
}

const fn boolean(yes: bool) -> &'static str {
    if yes { "true" } else { "false" }
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
        let all_runs = json!([run(&[1, 2], false), run(&[3], true), run(&[4], false)]);
        assert_eq!(runs, all_runs);
        let stored =
            BatchSubmission { batch_id: id(9).into(), deduplicated: true, submissions: all.into() };
        let stored: Value = serde_json::from_str(&batch(&stored).unwrap()).unwrap();
        assert_eq!(stored, json!({"batch_id": id(9), "deduplicated": true, "runs": all_runs}));
    }

    #[test]
    fn a_pipeline_is_told_as_core_writes_it() {
        let stored = PipelineSubmission {
            pipeline_id: TaskId::from_bytes([7; 16]),
            task_ids: [1, 2].map(|number| TaskId::from_bytes([number; 16])).into(),
            status: TaskStatus::Running,
            deduplicated: true,
        };
        let told: Value = serde_json::from_str(&pipeline(&stored)).unwrap();
        assert_eq!(told, serde_json::to_value(&stored).unwrap());
    }
}

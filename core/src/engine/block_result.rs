//! What a durable block came to, read from its row and its steps.

use serde::Serialize;

use crate::engine::composite::{self, Plan};
use crate::rules::strategy::Overall;
use crate::words::{BlockResult, Payload, StepResult, Task, TaskStatus, Timestamp};

/// The result of `block`, whose steps are `steps`, in their order; as far as it is when it still runs.
///
/// What a step came to after the verdict does not count: it is told as `cancelled`.
pub fn of(block: &Task, steps: Vec<Task>, now: Timestamp) -> BlockResult {
    let results: Vec<StepResult> = steps.into_iter().map(|step| told(block, step)).collect();
    let count = |word: TaskStatus| {
        results.iter().filter(|step| step.status == word.as_str()).count() as u32
    };
    let plan = Plan::of(block).unwrap_or_default();
    let ended = block.finished_at.unwrap_or(now);
    BlockResult {
        block_name: block.task_type.clone(),
        strategy: plan.strategy.unwrap_or_default(),
        total_tasks: results.len() as u32,
        completed_tasks: count(TaskStatus::Completed),
        failed_tasks: count(TaskStatus::Failed),
        cancelled_tasks: count(TaskStatus::Cancelled),
        overall_status: composite::overall(block).map_or("running", Overall::as_str).to_owned(),
        execution_time: ended.since(block.created_at).as_secs_f64(),
        results,
        metadata: block.metadata.clone().unwrap_or_else(empty),
    }
}

fn empty() -> Payload {
    Payload::trusted("{}")
}

fn told(block: &Task, step: Task) -> StepResult {
    #[derive(Serialize)]
    struct Where<'a> {
        executed_on: &'a str,
    }
    let in_time = match (step.finished_at, block.finished_at) {
        // Of two ends in one millisecond the request to stop tells which came first.
        (Some(ended), Some(verdict)) if ended == verdict => !step.cancel_requested,
        (Some(ended), Some(verdict)) => ended < verdict,
        (_, block) => block.is_none(),
    };
    let status = match step.status {
        _ if !in_time => TaskStatus::Cancelled,
        TaskStatus::Blocked | TaskStatus::Scheduled => TaskStatus::Pending,
        status => status,
    };
    let failed = matches!(status, TaskStatus::Failed | TaskStatus::Cancelled);
    let error = step.error.as_ref().filter(|_| in_time).map(|error| error.message.clone());
    let metadata = step.executed_on.as_deref().map(|executed_on| Where { executed_on });
    let metadata = metadata.and_then(|at| Payload::of("metadata", &at).ok()).unwrap_or_else(empty);
    let late = || "cancelled: its block has ended".to_owned();
    StepResult {
        task_id: step.task_id,
        status: status.as_str().to_owned(),
        error_message: failed.then(|| error.unwrap_or_else(late)),
        execution_time: if in_time {
            step.duration().unwrap_or_default().as_secs_f64()
        } else {
            0.0
        },
        result: step.result.filter(|_| status == TaskStatus::Completed),
        metadata,
    }
}

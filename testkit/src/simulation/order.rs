//! What a lease must have given.

use windlass_core::store::LeaseOrder;
use windlass_core::{Leased, Task, TaskId, TaskStatus};

use super::monitor::short;

/// What was leased is what comes first.
pub(super) fn lease_is_in_order(
    rows: &[&Task],
    order: &LeaseOrder,
    leased: &Leased,
) -> Result<(), String> {
    let request = &order.request;
    let mut can: Vec<&&Task> = rows
        .iter()
        .filter(|row| {
            row.status == TaskStatus::Pending
                && request.queues.contains(&row.queue)
                && request.handlers.contains(&row.handler)
        })
        .collect();
    can.sort_by_key(|row| (row.priority, row.run_at, row.task_id));
    let first_is_suspect = can.first().is_some_and(|row| row.suspect);
    let expected: Vec<TaskId> = match (first_is_suspect, request.suspects) {
        (true, true) => vec![can[0].task_id],
        (_, true) => can.iter().take_while(|row| !row.suspect).map(|row| row.task_id).collect(),
        (_, false) => can.iter().filter(|row| !row.suspect).map(|row| row.task_id).collect(),
    };
    let expected: Vec<TaskId> = expected.into_iter().take(request.limit as usize).collect();
    let got: Vec<TaskId> = leased.tasks.iter().map(|task| task.task.task_id).collect();
    if got != expected {
        let names = |ids: &[TaskId]| ids.iter().map(|id| short(*id)).collect::<Vec<_>>().join(" ");
        return Err(format!(
            "leased {}, and first in order were {}",
            names(&got),
            names(&expected)
        ));
    }
    Ok(())
}

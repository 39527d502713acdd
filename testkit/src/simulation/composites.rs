//! What holds for batches, blocks, pipelines and lines of state at every moment.

use std::collections::BTreeMap;

use windlass_core::engine::composite;
use windlass_core::{Members, Task, TaskId, TaskKind, TaskStatus};

use super::composers::Known;
use super::monitor::short;

/// The statuses of a task that may have begun: what it waits for has completed then.
const BEGUN: [TaskStatus; 5] = [
    TaskStatus::Scheduled,
    TaskStatus::Pending,
    TaskStatus::Running,
    TaskStatus::Completed,
    TaskStatus::Failed,
];

/// Whether a composite agrees with its members.
pub(super) fn composite_is_sound(
    task: &Task,
    rows: &BTreeMap<TaskId, Task>,
    known: Option<&Known>,
) -> Result<(), String> {
    let name = format!("{} {}", task.kind.as_str(), short(task.task_id));
    let members: Vec<&Task> = rows
        .values()
        .filter(|row| row.parent().is_some_and(|parent| parent.task_id == task.task_id))
        .collect();
    let told = task.members.ok_or_else(|| format!("{name} counts no members"))?;
    if told.total as usize != members.len() {
        return Err(format!("{name} has {} members of {}", members.len(), told.total));
    }
    if task.lease.is_some() || task.token.is_some() {
        return Err(format!("{name} is leased"));
    }
    if task.status.is_final() {
        let going = members.iter().find(|row| match row.status {
            TaskStatus::Running => !row.cancel_requested,
            status => !status.is_final(),
        });
        if let Some(going) = going {
            return Err(format!("{name} ended, and {} is {}", short(going.task_id), going.status));
        }
        if told.ended() != told.total {
            return Err(format!("{name} ended with {told:?}"));
        }
    } else {
        let real = recounted(&members);
        if real != (Members { first: None, ..told }) {
            return Err(format!("{name} counts {told:?}, and its members are {real:?}"));
        }
        if composite::judge(task).is_some() {
            return Err(format!("{name} is decided by {told:?} and goes on"));
        }
    }
    let status = |id: &TaskId| rows.get(id).map(|row| row.status);
    for (id, upstream) in known.map(|known| &known.upstream).into_iter().flatten() {
        let Some(row) = rows.get(id) else {
            return Err(format!("{name} lost its stage {}", short(*id)));
        };
        let open = upstream.iter().filter(|id| status(id) != Some(TaskStatus::Completed)).count();
        if open > 0 && BEGUN.contains(&row.status) {
            let stage = short(*id);
            return Err(format!("{stage} is {}, and waits for {open} of {name}", row.status));
        }
        if row.status == TaskStatus::Blocked && row.waits as usize != open {
            return Err(format!("{} waits for {} and not for {open}", short(*id), row.waits));
        }
    }
    Ok(())
}

fn recounted(members: &[&Task]) -> Members {
    let count = |status| members.iter().filter(|row| row.status == status).count() as u32;
    Members {
        total: members.len() as u32,
        completed: count(TaskStatus::Completed),
        failed: count(TaskStatus::Failed),
        cancelled: count(TaskStatus::Cancelled),
        first: None,
    }
}

/// Whether one task of each state key may run, and one only; answers how many of each key completed.
pub(super) fn lines_are_sound(
    rows: &BTreeMap<TaskId, Task>,
) -> Result<BTreeMap<String, u64>, String> {
    let mut lines: BTreeMap<&str, Vec<&Task>> = BTreeMap::new();
    for row in rows.values().filter(|row| row.kind == TaskKind::Task) {
        if let Some(key) = &row.state_key {
            lines.entry(key).or_default().push(row);
        }
    }
    let mut completed = BTreeMap::new();
    for (key, tasks) in lines {
        let done = tasks.iter().filter(|row| row.status == TaskStatus::Completed).count();
        completed.insert(key.to_owned(), done as u64);
        let in_line = tasks.iter().filter(|row| !row.status.is_final() && row.waits == 0);
        let (waits, may_run): (Vec<&&Task>, Vec<&&Task>) =
            in_line.partition(|row| row.status == TaskStatus::Blocked);
        if may_run.len() > 1 || (may_run.is_empty() && !waits.is_empty()) {
            let names: Vec<String> = may_run.iter().map(|row| short(row.task_id)).collect();
            let waiting = waits.len();
            return Err(format!("of {key:?} may run: {names:?}, and {waiting} wait"));
        }
    }
    Ok(completed)
}

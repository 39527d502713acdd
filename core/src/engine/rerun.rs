//! How the stages of a pipeline that failed or were cancelled are run again on request.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::retry;
use crate::engine::transition::{Guard, Transition};
use crate::error::{Error, Result};
use crate::words::{Task, TaskId, TaskStatus};

/// The writes, to be applied together: the stage called `stage` and what depends on it, or every stage that
/// failed or was cancelled, start over. One that depends on others waits for those that have not completed.
/// A stage stays as it is while one that it depends on has ended badly and is not run again.
///
/// # Errors
///
/// `invalid_argument` with the field `stage` for a name that is not there; `invalid_transition` when the
/// stage, or none at all, can be run again.
pub fn decide(
    pipeline: &Task,
    stages: &[Task],
    edges: &[(TaskId, TaskId)],
    stage: Option<&str>,
) -> Result<Vec<Transition>> {
    let rows: BTreeMap<TaskId, &Task> = stages.iter().map(|task| (task.task_id, task)).collect();
    let (mut before, mut after): (Ties, Ties) = (Ties::new(), Ties::new());
    for (from, to) in edges {
        before.entry(*to).or_default().push(*from);
        after.entry(*from).or_default().push(*to);
    }
    let is_candidate = |id: &TaskId| retry::TAKES.contains(&rows[id].status);
    let (begin, of) = match stage {
        None => (rows.keys().copied().filter(is_candidate).collect(), pipeline),
        Some(name) => {
            let found = stages.iter().find(|task| task.stage.as_deref() == Some(name));
            let reason = || format!("{name:?} is no stage of this pipeline");
            let task = found.ok_or_else(|| Error::invalid("stage", reason()))?;
            (vec![task.task_id], task)
        }
    };
    let mut again: BTreeSet<TaskId> = BTreeSet::new();
    let mut look = begin;
    while let Some(id) = look.pop() {
        if is_candidate(&id) && again.insert(id) {
            look.extend(after.get(&id).into_iter().flatten());
        }
    }
    // What would wait for something that never comes stays as it is, and so does what depends on that.
    let mut look: Vec<TaskId> = again.iter().copied().collect();
    while let Some(id) = look.pop() {
        let waits_in_vain = before.get(&id).into_iter().flatten().any(|from| {
            let status = rows[from].status;
            status.is_final() && status != TaskStatus::Completed && !again.contains(from)
        });
        if waits_in_vain && again.remove(&id) {
            look.extend(after.get(&id).into_iter().flatten());
        }
    }
    if again.is_empty() || (stage.is_some() && !again.contains(&of.task_id)) {
        let needs = match stage {
            Some(_) => "a stage that failed or was cancelled, after stages that did not",
            None => "a stage that failed or was cancelled",
        };
        return Err(Error::InvalidTransition {
            task_id: of.task_id,
            status: of.status,
            verb: "retry".into(),
            needs: needs.into(),
        });
    }
    let mut transitions = Vec::with_capacity(again.len());
    let mut open: BTreeSet<TaskId> = BTreeSet::new();
    for id in &again {
        let mut to = retry::decide(rows[id])?;
        let mut waits = 0;
        for from in before.get(id).into_iter().flatten() {
            let status = rows[from].status;
            waits += u32::from(status != TaskStatus::Completed);
            if !status.is_final() {
                open.insert(*from);
            }
        }
        if waits > 0 {
            (to.status, to.waits) = (TaskStatus::Blocked, Some(waits));
        }
        transitions.push(to);
    }
    // What is waited for must not complete between the look and the write: nobody would count it.
    transitions.extend(open.iter().map(|id| {
        let task = rows[id];
        Transition::new(task, Guard::Version(task.version), task.status)
    }));
    Ok(transitions)
}

type Ties = BTreeMap<TaskId, Vec<TaskId>>;

//! How the stages of a pipeline that failed or were cancelled are run again on request.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::retry;
use crate::engine::transition::{Guard, Transition};
use crate::error::{Error, Result};
use crate::words::{Task, TaskId, TaskStatus};

/// Which stages are asked to run again; what depends on them goes with them.
#[derive(Debug, Clone, Copy)]
pub enum Which<'a> {
    /// Every one that failed or was cancelled.
    All,
    /// The one of this name.
    Named(&'a str),
    /// Those of these, as far as they can.
    These(&'a BTreeSet<TaskId>),
}

/// The writes, to be applied together: the stages that are asked for, and what depends on them, start over,
/// by id. One that depends on others waits for those that have not completed.
/// A stage stays as it is while one that it depends on has ended badly and is not run again.
///
/// # Errors
///
/// `invalid_argument` with the field `stage` for a name that is not there; `invalid_transition` when the
/// stage cannot be run again, or none at all can.
pub fn decide(
    pipeline: &Task,
    stages: &[Task],
    edges: &[(TaskId, TaskId)],
    which: Which<'_>,
) -> Result<Vec<Transition>> {
    let rows: BTreeMap<TaskId, &Task> = stages.iter().map(|task| (task.task_id, task)).collect();
    let (mut before, mut after): (Ties, Ties) = (Ties::new(), Ties::new());
    for (from, to) in edges {
        before.entry(*to).or_default().push(*from);
        after.entry(*from).or_default().push(*to);
    }
    let is_candidate = |id: &TaskId| retry::TAKES.contains(&rows[id].status);
    let (begin, of) = match which {
        Which::All => (rows.keys().copied().filter(is_candidate).collect(), pipeline),
        Which::These(ids) => {
            (ids.iter().filter(|id| rows.contains_key(id)).copied().collect(), pipeline)
        }
        Which::Named(name) => {
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
    let is_one = matches!(which, Which::Named(_));
    if again.is_empty() || (is_one && !again.contains(&of.task_id)) {
        let needs = if is_one {
            "a stage that failed or was cancelled, after stages that did not"
        } else {
            "a stage that failed or was cancelled"
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
    // What is waited for must not complete between the look and the write: nobody would count it. It may
    // report meanwhile, as often as it likes.
    transitions.extend(open.iter().map(|id| {
        let task = rows[id];
        Transition::new(task, Guard::Open, task.status)
    }));
    Ok(transitions)
}

type Ties = BTreeMap<TaskId, Vec<TaskId>>;

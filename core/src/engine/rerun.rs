//! How the stages of a pipeline that failed or were cancelled are run again on request.

use std::collections::BTreeSet;

use crate::engine::retry;
use crate::engine::transition::{Guard, Transition};
use crate::error::{Error, Result};
use crate::rules::graph::{Edge, dependents, upstream};
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
/// by id. `stages` come by id, too. One that depends on others waits for those that have not completed.
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
    let place = |id: TaskId| stages.binary_search_by_key(&id, |task| task.task_id).ok();
    let edges: Vec<Edge> = edges
        .iter()
        .filter_map(|(from, to)| Some(Edge { from: place(*from)? as u32, to: place(*to)? as u32 }))
        .collect();
    let before = upstream(stages.len(), &edges);
    let after = dependents(stages.len(), &edges);
    let is_candidate = |at: usize| retry::TAKES.contains(&stages[at].status);
    let (mut look, of) = match which {
        Which::All => ((0..stages.len()).collect(), pipeline),
        Which::These(ids) => (ids.iter().filter_map(|id| place(*id)).collect(), pipeline),
        Which::Named(name) => {
            let found = stages.iter().position(|task| task.stage.as_deref() == Some(name));
            let reason = || format!("{name:?} is no stage of this pipeline");
            let at = found.ok_or_else(|| Error::invalid("stage", reason()))?;
            (vec![at], &stages[at])
        }
    };
    let mut again = vec![false; stages.len()];
    while let Some(at) = look.pop() {
        if is_candidate(at) && !again[at] {
            again[at] = true;
            look.extend(after[at].iter().map(|at| *at as usize));
        }
    }
    // What would wait for something that never comes stays as it is, and so does what depends on that.
    look.extend((0..stages.len()).filter(|at| again[*at]));
    while let Some(at) = look.pop() {
        let waits_in_vain = before[at].iter().any(|from| {
            let status = stages[*from as usize].status;
            status.is_final() && status != TaskStatus::Completed && !again[*from as usize]
        });
        if waits_in_vain && again[at] {
            again[at] = false;
            look.extend(after[at].iter().map(|at| *at as usize));
        }
    }
    let is_one = matches!(which, Which::Named(_));
    let is_asked = |at: usize| again[at] && (!is_one || stages[at].task_id == of.task_id);
    if !(0..stages.len()).any(is_asked) {
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
    let mut transitions = Vec::new();
    let mut open = vec![false; stages.len()];
    for at in (0..stages.len()).filter(|at| again[*at]) {
        let mut to = retry::decide(&stages[at])?;
        let mut waits = 0;
        for from in &before[at] {
            let status = stages[*from as usize].status;
            waits += u32::from(status != TaskStatus::Completed);
            open[*from as usize] |= !status.is_final();
        }
        if waits > 0 {
            (to.status, to.waits) = (TaskStatus::Blocked, Some(waits));
        }
        transitions.push(to);
    }
    // What is waited for must not complete between the look and the write: nobody would count it. It may
    // report meanwhile, as often as it likes.
    for (task, _) in stages.iter().zip(open).filter(|(_, open)| *open) {
        transitions.push(Transition::new(task, Guard::Open, task.status));
    }
    Ok(transitions)
}

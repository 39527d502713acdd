//! How transitions are written.

use rusqlite::Result;
use windlass_core::engine::transition::Transition;
use windlass_core::store::{Applied, LeaseOrder};
use windlass_core::{Leased, Settled, Task, TaskStatus};

use crate::complete::Completions;
use crate::follow::Following;
use crate::hot::HotRows;
use crate::lease::lease;
use crate::row::{self, Num};
use crate::tx::Tx;
use crate::{line, updates};

/// Applies transitions in order, then writes what follows from them, then leases if asked.
#[allow(clippy::type_complexity)]
pub(crate) fn settle<'c>(
    tx: &mut Tx<'c>,
    transitions: &[Transition],
    then: Option<&LeaseOrder>,
) -> Result<(Vec<windlass_core::Result<Applied>>, Leased)> {
    let mut applied = Vec::with_capacity(transitions.len());
    let mut completions = Completions::new(tx.connection)?;
    let mut rows = HotRows::new(tx.connection)?;
    let mut following = Following::new();
    for transition in transitions {
        applied.push(tx.part("settling a task", |tx| {
            if !tx.is_careful() {
                return one(tx, &mut completions, &mut rows, &mut following, transition);
            }
            // What follows is of the same part, so that nothing is left of one that fails.
            let mut following = Following::new();
            let answer = one(tx, &mut completions, &mut rows, &mut following, transition)?;
            following.finish(tx)?;
            Ok(answer)
        })?);
    }
    following.finish(tx)?;
    let leased = then.map(|order| lease(tx, order)).transpose()?.unwrap_or_default();
    Ok((applied, leased))
}

fn one<'c>(
    tx: &mut Tx<'c>,
    completions: &mut Completions<'c>,
    rows: &mut HotRows<'c>,
    following: &mut Following<'c>,
    transition: &Transition,
) -> Result<Applied> {
    if let Some(settled) = completions.write(tx, following, transition)? {
        return Ok(Applied::Done(settled));
    }
    match read(tx, rows, transition)? {
        Ok((num, task)) => apply(tx, rows, following, transition, num, task).map(Applied::Done),
        Err(refused) => Ok(refused),
    }
}

/// Applies transitions in order, all or none, and writes what follows from them.
pub(crate) fn settle_together(
    tx: &mut Tx<'_>,
    transitions: &[Transition],
) -> Result<windlass_core::Result<Applied>> {
    tx.part("settling tasks together", |tx| {
        let mut rows = HotRows::new(tx.connection)?;
        let mut found = Vec::with_capacity(transitions.len());
        for transition in transitions {
            match read(tx, &mut rows, transition)? {
                Ok(row) => found.push(row),
                Err(refused) => return Ok(refused),
            }
        }
        let (mut following, mut first) = (Following::new(), None);
        for (transition, (num, task)) in transitions.iter().zip(found) {
            let settled = apply(tx, &mut rows, &mut following, transition, num, task)?;
            first.get_or_insert(settled);
        }
        following.finish(tx)?;
        Ok(first.map_or(Applied::Missing, Applied::Done))
    })
}

/// The row of a transition whose guard holds; else the answer.
fn read(
    tx: &Tx<'_>,
    rows: &mut HotRows<'_>,
    transition: &Transition,
) -> Result<std::result::Result<(Num, Task), Applied>> {
    let found = rows.read(&transition.tenant, transition.task_id)?;
    let Some((num, task)) = found else { return Ok(Err(Applied::Missing)) };
    if transition.guard.holds(&task) {
        return Ok(Ok((num, task)));
    }
    let task = row::by_num(&mut row::select_by_num(tx.connection)?, num)?;
    Ok(Err(Applied::Stale(Box::new(task))))
}

fn apply<'c>(
    tx: &mut Tx<'c>,
    rows: &mut HotRows<'c>,
    following: &mut Following<'c>,
    transition: &Transition,
    num: Num,
    mut task: Task,
) -> Result<Settled> {
    let (before, attempt) = (task.status, task.attempt);
    let entries = transition.apply(&mut task, tx.now());
    rows.write(num, &task)?;
    if transition.waits.is_some() {
        HotRows::write_waits(tx.connection, num, &task)?;
    }
    updates::insert(tx.connection, num, &entries)?;
    if let (Some(state), Some(state_key), TaskStatus::Completed) =
        (&transition.state, &task.state_key, task.status)
    {
        line::store(tx.connection, &task.tenant, state_key, state)?;
    }
    tx.moved(&task, before);
    tx.ring = true;
    following.note(tx, num, &task, before, attempt)?;
    Ok(Settled { task_id: task.task_id, status: task.status })
}

//! How transitions are written.

use rusqlite::Result;
use windlass_core::engine::transition::Transition;
use windlass_core::store::{Applied, LeaseOrder};
use windlass_core::{Leased, Settled};

use crate::complete::Completions;
use crate::lease::lease;
use crate::row::{self, HotRows};
use crate::tx::Tx;
use crate::updates;

/// Applies transitions in order, then leases if asked.
#[allow(clippy::type_complexity)]
pub(crate) fn settle(
    tx: &mut Tx<'_>,
    transitions: &[Transition],
    then: Option<&LeaseOrder>,
) -> Result<(Vec<windlass_core::Result<Applied>>, Leased)> {
    let mut applied = Vec::with_capacity(transitions.len());
    let mut completions = Completions::new(tx.connection)?;
    let mut rows = HotRows::new(tx.connection)?;
    for transition in transitions {
        applied.push(tx.part(
            "settling a task",
            |tx| match completions.write(tx, transition)? {
                Some(settled) => Ok(Applied::Done(settled)),
                None => apply(tx, &mut rows, transition),
            },
        )?);
    }
    let leased = then.map(|order| lease(tx, order)).transpose()?.unwrap_or_default();
    Ok((applied, leased))
}

fn apply(tx: &mut Tx<'_>, rows: &mut HotRows<'_>, transition: &Transition) -> Result<Applied> {
    let found = rows.read(&transition.tenant, transition.task_id)?;
    let Some((num, mut task)) = found else { return Ok(Applied::Missing) };
    if !transition.guard.holds(&task) {
        let task = row::by_num(&mut row::select_by_num(tx.connection)?, num)?;
        return Ok(Applied::Stale(Box::new(task)));
    }
    let before = task.status;
    let entries = transition.apply(&mut task, tx.now());
    rows.write(num, &task)?;
    updates::insert(tx.connection, num, &entries)?;
    tx.counts.moved(&task.tenant, &task.queue, before, task.status);
    tx.ring = true;
    Ok(Applied::Done(Settled { task_id: task.task_id, status: task.status }))
}

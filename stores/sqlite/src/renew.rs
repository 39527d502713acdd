//! How heartbeats are recorded.

use rusqlite::{Connection, Result};
use windlass_core::engine::lease;
use windlass_core::{Renewal, Renewed, TaskStatus, Timestamp};

use crate::follow::Following;
use crate::hot::HotRows;
use crate::tx::Tx;
use crate::updates;

/// Whether a heartbeat only asks how its task stands.
pub(crate) fn only_asks(renewal: &Renewal) -> bool {
    renewal.extend.is_none() && renewal.started.is_none() && renewal.updates.is_empty()
}

/// Records heartbeats; answers in order.
pub(crate) fn renew(tx: &mut Tx<'_>, tenant: &str, renewals: &[Renewal]) -> Result<Vec<Renewed>> {
    let now = tx.now();
    let mut answers = Vec::with_capacity(renewals.len());
    let mut rows = HotRows::new(tx.connection)?;
    let mut following = Following::new();
    for renewal in renewals {
        let Some((num, mut task)) = rows.read(tenant, renewal.task_id)? else {
            answers.push(Renewed::Lost);
            continue;
        };
        let attempt = task.attempt;
        let (answer, entries, changed) = lease::renew(&mut task, renewal, now);
        if changed {
            rows.write(num, &task)?;
            updates::insert(tx.connection, num, &entries)?;
            // A mere extension is no news to anybody.
            tx.ring |= renewal.started.is_some() || !renewal.updates.is_empty();
            if task.attempt > attempt {
                following.note(tx, num, &task, TaskStatus::Running, attempt)?;
            }
        }
        answers.push(answer);
    }
    following.finish(tx)?;
    Ok(answers)
}

/// Answers heartbeats that only ask.
pub(crate) fn ask(
    connection: &Connection,
    tenant: &str,
    renewals: &[Renewal],
    now: Timestamp,
) -> Result<Vec<Renewed>> {
    let mut rows = HotRows::new(connection)?;
    let answer = |renewal: &Renewal| {
        let found = rows.read(tenant, renewal.task_id)?;
        Ok(found.map_or(Renewed::Lost, |(_, mut task)| lease::renew(&mut task, renewal, now).0))
    };
    renewals.iter().map(answer).collect()
}

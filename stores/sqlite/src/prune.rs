//! Removing what is old: finished tasks, long histories, workers that are gone.
//!
//! Candidates are found by a reader, and removed in small transactions that look again.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Result, params};
use windlass_core::rules::keys;
use windlass_core::store::Prune;
use windlass_core::{Labels, Timestamp};

use crate::chunks;
use crate::counts;
use crate::row::{Cells, Num};
use crate::tx::Tx;
use crate::updates;

/// Finished tasks that one call looks at.
const LOOK: usize = 10_000;

/// Histories that one call looks at.
const HISTORIES: usize = 2_000;

/// Entries of one history that one call removes.
const ENTRIES: u64 = 10_000;

/// Workers not heard of for this long are forgotten.
const GONE: Duration = Duration::from_secs(7 * 24 * 3600);

/// Where the next call goes on when a walk did not come to its end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Place {
    finished: (i64, Num),
    history: Num,
}

/// What one call removes, and where the next one starts.
pub(crate) struct Found {
    /// Finished tasks by row and finish, oldest first.
    pub(crate) tasks: Vec<(Num, i64)>,
    /// Rows with more history entries than are kept.
    pub(crate) histories: Vec<Num>,
    /// Where to go on.
    pub(crate) next: Place,
}

/// Finds what can be removed.
pub(crate) fn find(
    connection: &Connection,
    prune: &Prune,
    now: Timestamp,
    place: Place,
) -> Result<Found> {
    let (tasks, finished) = finished(connection, prune, now, place.finished)?;
    let (histories, history) = histories(connection, prune, place.history)?;
    Ok(Found { tasks, histories, next: Place { finished, history } })
}

#[allow(clippy::type_complexity)]
fn finished(
    connection: &Connection,
    prune: &Prune,
    now: Timestamp,
    from: (i64, Num),
) -> Result<(Vec<(Num, i64)>, (i64, Num))> {
    let old = now.before(prune.older_than).as_millis();
    let young = now.before(prune.keep_keys).as_millis();
    let mut over = match prune.keep {
        None => 0,
        Some(keep) => {
            let finished = counts::between(connection, 4, 6)? + composites(connection)?;
            finished.saturating_sub(keep)
        }
    };
    let mut select = connection.prepare_cached(
        "SELECT t.num, t.finished_at, t.created_at, t.idempotency_key, \
         t.batch_id IS NOT NULL AND EXISTS (SELECT 1 FROM tasks p \
            WHERE p.tenant = t.tenant AND p.id = t.batch_id), \
         t.kind > 0 \
         FROM tasks t INDEXED BY tasks_finished \
         WHERE t.finished_at IS NOT NULL AND (t.finished_at, t.num) > (?1, ?2) \
         ORDER BY t.finished_at, t.num LIMIT ?3",
    )?;
    let mut rows = select.query(params![from.0, from.1, LOOK as i64])?;
    let (mut gone, mut looked, mut last) = (Vec::new(), 0, from);
    while let Some(row) = rows.next()? {
        let mut cells = Cells::new(row);
        let (num, finished_at): (Num, i64) = (cells.take()?, cells.take()?);
        let created_at: i64 = cells.take()?;
        let kept = keys::keeps_task(cells.text()?);
        let (is_member, is_composite): (bool, bool) = (cells.take()?, cells.take()?);
        if gone.len() >= prune.limit as usize {
            // What was passed over before may be due by the next call.
            return Ok((gone, from));
        }
        if finished_at > old && over == 0 {
            return Ok((gone, Place::default().finished));
        }
        looked += 1;
        last = (finished_at, num);
        if is_member || (kept && created_at > young) {
            continue;
        }
        let before = gone.len();
        if is_composite {
            // With what it leaves, or nobody would find that again.
            members(connection, num, young, prune.limit as usize, &mut gone)?;
            if gone.len() >= prune.limit as usize {
                return Ok((gone, from));
            }
        }
        gone.push((num, finished_at));
        over = over.saturating_sub((gone.len() - before) as u64);
    }
    Ok((gone, if looked == LOOK { last } else { Place::default().finished }))
}

/// Adds the members of a composite that have ended and whose keys do not keep them, until there are `limit`.
fn members(
    connection: &Connection,
    composite: Num,
    young: i64,
    limit: usize,
    gone: &mut Vec<(Num, i64)>,
) -> Result<()> {
    let mut select = connection.prepare_cached(
        "SELECT t.num, t.finished_at, t.created_at, t.idempotency_key \
         FROM tasks p JOIN tasks t INDEXED BY tasks_batch ON t.batch_id = p.id \
         WHERE p.num = ?1 AND t.tenant = p.tenant AND t.finished_at IS NOT NULL ORDER BY t.id",
    )?;
    let mut rows = select.query([composite])?;
    while let Some(row) = rows.next()?.filter(|_| gone.len() < limit) {
        let mut cells = Cells::new(row);
        let (num, finished_at, created_at): (Num, i64, i64) =
            (cells.take()?, cells.take()?, cells.take()?);
        if created_at <= young || !keys::keeps_task(cells.text()?) {
            gone.push((num, finished_at));
        }
    }
    Ok(())
}

/// Composites that have ended: they are in no queue's counts.
fn composites(connection: &Connection) -> Result<u64> {
    let mut count = connection.prepare_cached(
        "SELECT count(*) FROM tasks INDEXED BY tasks_composite \
         WHERE kind > 0 AND finished_at IS NOT NULL",
    )?;
    count.query_row([], |row| Cells::new(row).number())
}

fn histories(connection: &Connection, prune: &Prune, from: Num) -> Result<(Vec<Num>, Num)> {
    let mut next =
        connection.prepare_cached("SELECT num FROM updates WHERE num > ?1 ORDER BY num LIMIT 1")?;
    let mut span =
        connection.prepare_cached("SELECT last_seq - first_seq + 1 FROM tasks WHERE num = ?1")?;
    let (mut long, mut at) = (Vec::new(), from);
    for _ in 0..HISTORIES {
        let Some(num) = next.query_row([at], |row| row.get(0)).optional()? else {
            return Ok((long, 0));
        };
        at = num;
        let span: Option<i64> = span.query_row([num], |row| row.get(0)).optional()?;
        if span.is_some_and(|span| span.cast_unsigned() > prune.updates_per_task) {
            long.push(num);
        }
    }
    Ok((long, at))
}

/// Removes tasks that still are as they were found; answers how many.
pub(crate) fn remove(tx: &mut Tx<'_>, tasks: &[(Num, i64)]) -> Result<u64> {
    let mut gone = 0;
    for (num, finished_at) in tasks {
        let mut delete = tx.connection.prepare_cached(
            "DELETE FROM tasks WHERE num = ?1 AND finished_at = ?2 AND NOT EXISTS \
             (SELECT 1 FROM tasks p WHERE p.tenant = tasks.tenant AND p.id = tasks.batch_id \
             AND p.finished_at IS NULL) \
             RETURNING tenant, queue, status, id, labels, payload IS NULL, kind > 0",
        )?;
        let mut rows = delete.query(params![num, finished_at])?;
        let Some(row) = rows.next()? else { continue };
        let mut cells = Cells::new(row);
        let (tenant, queue): (String, String) = (cells.take()?, cells.take()?);
        let (status, id): (_, [u8; 16]) = (cells.status()?, cells.take()?);
        let labels: Labels = match cells.text()? {
            None => Labels::new(),
            Some(text) => serde_json::from_str(text).map_err(|e| cells.damaged(e))?,
        };
        let (long_payload, is_composite): (bool, bool) = (cells.take()?, cells.take()?);
        drop(rows);
        for (key, value) in &labels {
            tx.connection
                .prepare_cached(
                    "DELETE FROM task_labels \
                     WHERE tenant = ?1 AND key = ?2 AND value = ?3 AND id = ?4",
                )?
                .execute(params![tenant, key, value, id])?;
        }
        if long_payload {
            tx.connection
                .prepare_cached("DELETE FROM long_payloads WHERE num = ?1")?
                .execute([num])?;
        }
        tx.connection.prepare_cached("DELETE FROM updates WHERE num = ?1")?.execute([num])?;
        // Numbers of rows come again: nothing may be left that waits for this one.
        tx.connection.prepare_cached("DELETE FROM edges WHERE from_num = ?1")?.execute([num])?;
        tx.connection.prepare_cached("DELETE FROM edges WHERE to_num = ?1")?.execute([num])?;
        if is_composite {
            tx.connection
                .prepare_cached("DELETE FROM composites WHERE num = ?1")?
                .execute([num])?;
            tx.connection.prepare_cached("DELETE FROM answers WHERE num = ?1")?.execute([num])?;
        } else {
            tx.counts.add(&tenant, &queue, status, -1);
        }
        gone += 1;
    }
    Ok(gone)
}

/// Cuts histories down to their newest entries, and forgets workers long gone and batches never sealed.
pub(crate) fn tidy(tx: &mut Tx<'_>, histories: &[Num], prune: &Prune) -> Result<()> {
    let most = prune.updates_per_task;
    for num in histories {
        let Some(last) = updates::last_of_excess(tx.connection, *num, most, ENTRIES)? else {
            continue;
        };
        tx.connection
            .prepare_cached("DELETE FROM updates WHERE num = ?1 AND seq <= ?2")?
            .execute([*num, last])?;
        tx.connection
            .prepare_cached("UPDATE tasks SET first_seq = ?2 WHERE num = ?1")?
            .execute([*num, last + 1])?;
    }
    let gone = tx.now().before(GONE).as_millis();
    tx.connection.prepare_cached("DELETE FROM workers WHERE seen_at < ?1")?.execute([gone])?;
    tx.connection.prepare_cached("DELETE FROM queue_counts WHERE n = 0")?.execute([])?;
    chunks::forget(tx, prune.older_than)?;
    Ok(())
}

//! What changed lately, for those who follow all tasks.

use std::cmp::Reverse;

use rusqlite::{Connection, Result, params};
use windlass_core::{Task, TaskId, Timestamp};

use crate::row::{self, Cells, Num};

/// Rows that one call may look at, twice.
const BUDGET: usize = 200_000;

/// A task and when it last changed, as `Task::changed_at` says.
type Change = (Timestamp, TaskId, Num);

/// The tenant's tasks that were stored or finished at or after `since`, and those that run; the latest
/// change first, at most `limit`, without what may be large. The caller holds one transaction around it.
pub(crate) fn recent(
    connection: &Connection,
    tenant: &str,
    since: Timestamp,
    limit: usize,
) -> Result<Vec<Task>> {
    let mut changes = stored(connection, tenant, since, limit)?;
    changes.extend(finished(connection, tenant, since, limit)?);
    changes.extend(running(connection, tenant)?);
    changes.sort_unstable_by_key(|change| Reverse(*change));
    changes.dedup();
    changes.truncate(limit);
    let mut light = row::select_light_by_num(connection)?;
    changes.into_iter().map(|(_, _, num)| row::by_num(&mut light, num)).collect()
}

/// Rows from the newest back to `since`: they are numbered in the order in which they were stored. Those
/// that finished or run are found by the others, but each of them leaves one place less for older ones.
fn stored(
    connection: &Connection,
    tenant: &str,
    since: Timestamp,
    limit: usize,
) -> Result<Vec<Change>> {
    let mut select = connection.prepare_cached(
        "SELECT created_at, id, num, tenant = ?1 AND kind = 0, status <= 2 FROM tasks ORDER BY num DESC",
    )?;
    let mut rows = select.query([tenant])?;
    let (mut changes, mut left) = (Vec::new(), limit);
    for _ in 0..BUDGET {
        let Some(row) = rows.next()? else { break };
        let mut cells = Cells::new(row);
        let change = change(&mut cells)?;
        let (own, waits): (bool, bool) = (cells.take()?, cells.take()?);
        if change.0 < since || left == 0 {
            break;
        }
        left -= usize::from(own);
        if own && waits {
            changes.push(change);
        }
    }
    Ok(changes)
}

/// Rows by their finish, the latest first.
fn finished(
    connection: &Connection,
    tenant: &str,
    since: Timestamp,
    limit: usize,
) -> Result<Vec<Change>> {
    let mut select = connection.prepare_cached(
        "SELECT finished_at, id, num, tenant = ?1 AND kind = 0 FROM tasks INDEXED BY tasks_finished \
         WHERE finished_at IS NOT NULL AND finished_at >= ?2 ORDER BY finished_at DESC, num DESC",
    )?;
    let mut rows = select.query(params![tenant, since.as_millis()])?;
    let mut changes: Vec<Change> = Vec::new();
    for _ in 0..BUDGET {
        let Some(row) = rows.next()? else { break };
        let mut cells = Cells::new(row);
        let change = change(&mut cells)?;
        // Of those that finished in one millisecond the caller takes the latest ids.
        if changes.len() >= limit && changes.last().is_some_and(|last| change.0 < last.0) {
            break;
        }
        if cells.take()? {
            changes.push(change);
        }
    }
    Ok(changes)
}

fn running(connection: &Connection, tenant: &str) -> Result<Vec<Change>> {
    let mut select = connection.prepare_cached(
        "SELECT max(created_at, coalesce(attempt_started_at, 0)), id, num FROM tasks \
         INDEXED BY tasks_leased WHERE status = 3 AND tenant = ?1 AND kind = 0",
    )?;
    select.query_map([tenant], |row| change(&mut Cells::new(row)))?.collect()
}

fn change(cells: &mut Cells<'_, '_>) -> Result<Change> {
    Ok((cells.instant()?, TaskId::from_bytes(cells.take()?), cells.take()?))
}

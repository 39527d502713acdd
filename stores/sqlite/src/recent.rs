//! What changed lately, for those who follow all tasks.

use std::cmp::Reverse;

use rusqlite::{Connection, Result, params};
use windlass_core::{Task, TaskId, Timestamp};

use crate::row::{self, Cells, Num};

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
        "SELECT num, id, created_at, tenant = ?1, status <= 2 FROM tasks ORDER BY num DESC",
    )?;
    let mut rows = select.query([tenant])?;
    let (mut changes, mut left) = (Vec::new(), limit);
    while left > 0
        && let Some(row) = rows.next()?
    {
        let mut cells = Cells::new(row);
        let num: Num = cells.take()?;
        let id = TaskId::from_bytes(cells.take()?);
        let created_at = cells.instant()?;
        if created_at < since {
            break;
        }
        let (own, waits): (bool, bool) = (cells.take()?, cells.take()?);
        left -= usize::from(own);
        if own && waits {
            changes.push((created_at, id, num));
        }
    }
    Ok(changes)
}

fn finished(
    connection: &Connection,
    tenant: &str,
    since: Timestamp,
    limit: usize,
) -> Result<Vec<Change>> {
    let mut select = connection.prepare_cached(
        "SELECT finished_at, id, num FROM tasks INDEXED BY tasks_finished \
         WHERE finished_at IS NOT NULL AND finished_at >= ?2 AND tenant = ?1 \
         ORDER BY finished_at DESC, id DESC LIMIT ?3",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    select.query_map(params![tenant, since.as_millis(), limit], change)?.collect()
}

fn running(connection: &Connection, tenant: &str) -> Result<Vec<Change>> {
    let mut select = connection.prepare_cached(
        "SELECT coalesce(attempt_started_at, created_at), id, num FROM tasks \
         INDEXED BY tasks_leased WHERE status = 3 AND tenant = ?1",
    )?;
    select.query_map([tenant], change)?.collect()
}

fn change(row: &rusqlite::Row<'_>) -> Result<Change> {
    let mut cells = Cells::new(row);
    Ok((cells.instant()?, TaskId::from_bytes(cells.take()?), cells.take()?))
}

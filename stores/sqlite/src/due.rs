//! What a sweep must look at, and what waits before a task.

use rusqlite::{Connection, Result, params};
use windlass_core::store::Due;
use windlass_core::{Task, Timestamp};

use crate::row::{self, Cells};

/// Tasks to promote and to rescue at `now`, at most `limit` of each, and when the next is due.
pub(crate) fn due(connection: &Connection, now: Timestamp, limit: u32) -> Result<Due> {
    let tasks = |sql: &str| -> Result<Vec<Task>> {
        let mut select = connection.prepare_cached(sql)?;
        let rows = select.query_map(params![now.as_millis(), limit], |row| {
            row::read_all(&mut Cells::new(row)).map(|(_, task)| task)
        })?;
        rows.collect()
    };
    let next = |sql: &str| -> Result<Option<Timestamp>> {
        let mut select = connection.prepare_cached(sql)?;
        let at: Option<i64> = select.query_row([now.as_millis()], |row| row.get(0))?;
        Ok(at.map(Timestamp::from_millis))
    };
    let scheduled = tasks(concat!(
        "SELECT ",
        row::all_columns!(),
        " FROM tasks t INDEXED BY tasks_scheduled \
         WHERE t.status = 1 AND t.run_at <= ?1 ORDER BY t.run_at, t.id LIMIT ?2"
    ))?;
    let expired = tasks(concat!(
        "SELECT ",
        row::all_columns!(),
        " FROM tasks t INDEXED BY tasks_leased \
         WHERE t.status = 3 AND t.lease_expires_at <= ?1 ORDER BY t.lease_expires_at LIMIT ?2"
    ))?;
    let later = [
        next(
            "SELECT min(run_at) FROM tasks INDEXED BY tasks_scheduled \
             WHERE status = 1 AND run_at > ?1",
        )?,
        next(
            "SELECT min(lease_expires_at) FROM tasks INDEXED BY tasks_leased \
             WHERE status = 3 AND lease_expires_at > ?1",
        )?,
    ];
    Ok(Due { scheduled, expired, next: later.into_iter().flatten().min() })
}

/// Pending tasks of the same queue and handler that come before `task`, counted up to `most`.
pub(crate) fn ahead(connection: &Connection, task: &Task, most: u64) -> Result<u64> {
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let mut select = connection.prepare_cached(
        "SELECT count(*) FROM (SELECT 1 FROM tasks INDEXED BY tasks_pending WHERE status = 2 \
         AND tenant = ?1 AND queue = ?2 AND handler = ?3 AND suspect = ?4 \
         AND (priority, run_at, id) < (?5, ?6, ?7) LIMIT ?8)",
    )?;
    let mut before = |suspect: bool| -> Result<u64> {
        let id = task.task_id;
        let place = (task.priority.number(), task.run_at.as_millis());
        let row = params![
            task.tenant,
            task.queue,
            task.handler,
            suspect,
            place.0,
            place.1,
            id.as_bytes(),
            most
        ];
        select.query_row(row, |row| Cells::new(row).number())
    };
    Ok((before(false)? + before(true)?).min(most.cast_unsigned()))
}

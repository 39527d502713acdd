//! Lines of state keys, and the states.
//!
//! A task stands in line from when it waits for nothing else until it has ended; the first one runs.

use rusqlite::{Connection, OptionalExtension, Result, params};
use windlass_core::{Payload, Task};

use crate::row::{Cells, Num};

/// The place at the end of a line; 1 when it is empty.
pub(crate) fn end(connection: &Connection, tenant: &str, state_key: &str) -> Result<i64> {
    let mut select = connection.prepare_cached(
        "SELECT line FROM tasks INDEXED BY tasks_line WHERE line IS NOT NULL \
         AND tenant = ?1 AND state_key = ?2 AND status < 4 ORDER BY line DESC LIMIT 1",
    )?;
    let last: Option<i64> =
        select.query_row(params![tenant, state_key], |row| row.get(0)).optional()?;
    Ok(last.map_or(1, |last| last + 1))
}

/// The first in a line.
pub(crate) fn first(connection: &Connection, tenant: &str, state_key: &str) -> Result<Option<Num>> {
    let mut select = connection.prepare_cached(
        "SELECT num FROM tasks INDEXED BY tasks_line WHERE line IS NOT NULL \
         AND tenant = ?1 AND state_key = ?2 AND status < 4 ORDER BY line LIMIT 1",
    )?;
    select.query_row(params![tenant, state_key], |row| row.get(0)).optional()
}

/// Puts a task at the end of its line, unless it stands in it; whether it is the first.
pub(crate) fn join(connection: &Connection, num: Num, task: &Task) -> Result<bool> {
    let Some(state_key) = &task.state_key else { return Ok(true) };
    let place = end(connection, &task.tenant, state_key)?;
    connection
        .prepare_cached("UPDATE tasks SET line = ?2 WHERE num = ?1 AND line IS NULL")?
        .execute([num, place])?;
    Ok(first(connection, &task.tenant, state_key)? == Some(num))
}

/// Takes a task that has ended out of its line.
pub(crate) fn leave(connection: &Connection, num: Num) -> Result<()> {
    connection.prepare_cached("UPDATE tasks SET line = NULL WHERE num = ?1")?.execute([num])?;
    Ok(())
}

/// Stores what a task left under its state key.
pub(crate) fn store(
    connection: &Connection,
    tenant: &str,
    state_key: &str,
    state: &Payload,
) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO states (tenant, state_key, state) VALUES (?1, ?2, ?3) \
             ON CONFLICT DO UPDATE SET state = excluded.state",
        )?
        .execute(params![tenant, state_key, state.as_str()])?;
    Ok(())
}

/// What was stored last under a state key.
pub(crate) fn state(
    connection: &Connection,
    tenant: &str,
    state_key: &str,
) -> Result<Option<Payload>> {
    let mut select = connection
        .prepare_cached("SELECT state FROM states WHERE tenant = ?1 AND state_key = ?2")?;
    let state =
        select.query_row(params![tenant, state_key], |row| Cells::new(row).payload()).optional()?;
    Ok(state.flatten())
}

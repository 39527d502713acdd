//! What came and what went within some time, for those who draw it.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Result, params};
use windlass_core::Timestamp;
use windlass_core::words::Flows;

use crate::row::{Cells, Num};

/// Rows that one call may look at, twice.
const BUDGET: i64 = 500_000;

/// How far the order in which rows were stored may differ from that of their instants: writers that share
/// the file take the time before their turn comes.
const SLACK_MILLIS: i64 = 1000;

/// What was stored and what ended from `from` until before `until`; `None` when that is too much. The
/// caller holds one transaction around it.
pub(crate) fn flow(
    connection: &Connection,
    from: Timestamp,
    until: Timestamp,
) -> Result<Option<Flows>> {
    let mut flows = Flows::new();
    let within = from < until
        && stored(connection, from.as_millis(), until.as_millis(), &mut flows)?
        && ended(connection, from.as_millis(), until.as_millis(), &mut flows)?;
    Ok((within || from >= until).then_some(flows))
}

/// Whether all rows stored within the time were counted. They are numbered in the order in which they
/// were stored, so the first of them is found by halving.
fn stored(connection: &Connection, from: i64, until: i64, flows: &mut Flows) -> Result<bool> {
    let first = first_stored(connection, from - SLACK_MILLIS)?;
    let mut select = connection.prepare_cached(
        "SELECT tenant, created_at, kind FROM tasks WHERE num >= ?1 ORDER BY num",
    )?;
    let mut rows = select.query([first])?;
    let mut looked = 0;
    while let Some(row) = rows.next()? {
        let at: i64 = row.get(1)?;
        if at >= until + SLACK_MILLIS {
            break;
        }
        if looked == BUDGET {
            return Ok(false);
        }
        looked += 1;
        if (from..until).contains(&at) && row.get::<_, u8>(2)? == 0 {
            flows.entry(row.get(0)?).or_default().submitted += 1;
        }
    }
    Ok(true)
}

/// The number from which on rows were stored at `since` or later.
fn first_stored(connection: &Connection, since: i64) -> Result<Num> {
    // Each by itself is one step in the tree; both in one SELECT would walk all rows.
    let ends = "SELECT coalesce((SELECT min(num) FROM tasks), 0), \
                coalesce((SELECT max(num) FROM tasks), 0) + 1";
    let (mut low, mut high): (Num, Num) =
        connection.prepare_cached(ends)?.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut next = connection
        .prepare_cached("SELECT num, created_at FROM tasks WHERE num >= ?1 ORDER BY num LIMIT 1")?;
    while low < high {
        let middle = low + (high - low) / 2;
        // Numbers of rows that are gone stand for the next one that is there.
        let found: Option<(Num, i64)> =
            next.query_row([middle], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        match found {
            Some((num, at)) if at < since => low = num + 1,
            _ => high = middle,
        }
    }
    Ok(low)
}

/// Whether all rows that ended within the time were counted.
fn ended(connection: &Connection, from: i64, until: i64, flows: &mut Flows) -> Result<bool> {
    let mut select = connection.prepare_cached(
        "SELECT status, tenant, max(finished_at - created_at, 0), kind FROM tasks \
         INDEXED BY tasks_finished \
         WHERE finished_at IS NOT NULL AND finished_at >= ?1 AND finished_at < ?2 \
         ORDER BY finished_at LIMIT ?3",
    )?;
    let mut rows = select.query(params![from, until, BUDGET + 1])?;
    let mut looked = 0;
    while let Some(row) = rows.next()? {
        looked += 1;
        let mut cells = Cells::new(row);
        let (status, tenant) = (cells.status()?, cells.take()?);
        let took = Duration::from_millis(cells.number()?);
        if cells.take::<u8>()? == 0 {
            flows.entry(tenant).or_default().ended(status, took);
        }
    }
    Ok(looked <= BUDGET)
}

//! Queues: which are paused, and what waits longest in each.

use rusqlite::{Connection, OptionalExtension, Result, params};
use windlass_core::Timestamp;

use crate::row::Cells;
use crate::tx::Tx;

/// Pauses a queue, or lets it go on.
pub(crate) fn pause(tx: &mut Tx<'_>, tenant: &str, queue: &str, paused: bool) -> Result<()> {
    let sql = if paused {
        "INSERT INTO paused_queues (tenant, queue) VALUES (?1, ?2) ON CONFLICT DO NOTHING"
    } else {
        "DELETE FROM paused_queues WHERE tenant = ?1 AND queue = ?2"
    };
    tx.connection.prepare_cached(sql)?.execute([tenant, queue])?;
    // Workers of other processes that wait for work look again.
    tx.ring |= !paused;
    Ok(())
}

/// The tenant's paused queues, by name.
pub(crate) fn paused(connection: &Connection, tenant: &str) -> Result<Vec<String>> {
    // Each lease asks. Where nothing is paused, which is nearly always, this look at an empty table is all
    // it costs; the question with a name would take a fifth of an idle worker's lease.
    let mut some = connection.prepare_cached("SELECT 1 FROM paused_queues LIMIT 1")?;
    if !some.exists([])? {
        return Ok(Vec::new());
    }
    let mut select = connection
        .prepare_cached("SELECT queue FROM paused_queues WHERE tenant = ?1 ORDER BY queue")?;
    let rows = select.query_map([tenant], |row| row.get(0))?;
    rows.collect()
}

/// The earliest `run_at` of the pending tasks of each queue, by name.
///
/// Leaps from one line of tasks to the next: the first of a line that shares queue, handler, suspicion
/// and priority is its earliest. A leap goes past all times of a line, so that it lands on the next one
/// rather than on this one's beginning.
pub(crate) fn oldest(connection: &Connection, tenant: &str) -> Result<Vec<(String, Timestamp)>> {
    let mut leap = connection.prepare_cached(
        "SELECT queue, handler, suspect, priority, run_at FROM tasks INDEXED BY tasks_pending \
         WHERE status = 2 AND tenant = ?1 AND (queue, handler, suspect, priority, run_at) \
         > (?2, ?3, ?4, ?5, 9223372036854775807) \
         ORDER BY queue, handler, suspect, priority, run_at LIMIT 1",
    )?;
    let mut oldest: Vec<(String, Timestamp)> = Vec::new();
    let mut at = (String::new(), String::new(), 0i64, 0i64);
    loop {
        let values = params![tenant, at.0, at.1, at.2, at.3];
        let next = leap.query_row(values, |row| {
            let mut cells = Cells::new(row);
            let line = (cells.take()?, cells.take()?, cells.take()?, cells.take()?);
            Ok((line, cells.instant()?))
        });
        let Some((line, run_at)) = next.optional()? else { return Ok(oldest) };
        at = line;
        match oldest.last_mut() {
            Some((queue, least)) if *queue == at.0 => *least = run_at.min(*least),
            _ => oldest.push((at.0.clone(), run_at)),
        }
    }
}

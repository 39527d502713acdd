//! Workers that announced themselves.

use rusqlite::{Connection, Result, params};
use windlass_core::{Timestamp, WorkerInfo};

use crate::row::Cells;
use crate::tx::Tx;

/// Stores or replaces a worker, seen now.
pub(crate) fn announce(tx: &mut Tx<'_>, tenant: &str, worker: &WorkerInfo) -> Result<()> {
    let worker = WorkerInfo { seen_at: tx.now(), ..worker.clone() };
    let info = serde_json::to_string(&worker)
        .map_err(|e| rusqlite::Error::ToSqlConversionFailure(Box::new(e)))?;
    tx.connection
        .prepare_cached(
            "INSERT INTO workers (tenant, worker_id, seen_at, info) VALUES (?1, ?2, ?3, ?4) \
             ON CONFLICT DO UPDATE SET seen_at = excluded.seen_at, info = excluded.info",
        )?
        .execute(params![tenant, worker.worker_id, worker.seen_at.as_millis(), info])?;
    Ok(())
}

/// Removes a worker, if it is there.
pub(crate) fn forget(tx: &mut Tx<'_>, tenant: &str, worker_id: &str) -> Result<()> {
    tx.connection
        .prepare_cached("DELETE FROM workers WHERE tenant = ?1 AND worker_id = ?2")?
        .execute(params![tenant, worker_id])?;
    Ok(())
}

/// Workers seen since an instant, by id.
pub(crate) fn seen_since(
    connection: &Connection,
    tenant: &str,
    since: Timestamp,
) -> Result<Vec<WorkerInfo>> {
    let mut select = connection.prepare_cached(
        "SELECT info FROM workers WHERE tenant = ?1 AND seen_at >= ?2 ORDER BY worker_id",
    )?;
    let rows = select.query_map(params![tenant, since.as_millis()], |row| {
        let mut cells = Cells::new(row);
        let info: String = cells.take()?;
        serde_json::from_str(&info).map_err(|e| cells.damaged(e))
    })?;
    rows.collect()
}

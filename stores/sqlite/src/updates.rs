//! History entries that are kept as rows.

use rusqlite::{Connection, Result, params};
use windlass_core::{LogLevel, Payload, Task, TaskId, Update, UpdateKind};

use crate::row::{self, Cells, Num};

const STATUS: u8 = 0;
const PROGRESS: u8 = 1;
const LOG: u8 = 2;
/// The id of the member is in `result`, its stage in `message`.
const MEMBER: u8 = 3;

/// Stores entries of a task.
pub(crate) fn insert(connection: &Connection, num: Num, entries: &[Update]) -> Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let mut insert = connection.prepare_cached(
        "INSERT INTO updates (num, seq, at, kind, status, attempt, progress, level, message, error, \
         result) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?;
    for entry in entries {
        let (seq, at) = (entry.seq.cast_signed(), entry.at.as_millis());
        match &entry.kind {
            UpdateKind::Status { status, attempt, message, error, result } => {
                let error = error.as_ref().map(row::error_text);
                let result = result.as_ref().map(Payload::as_str);
                insert.execute(params![
                    num,
                    seq,
                    at,
                    STATUS,
                    *status as u8,
                    attempt,
                    None::<f64>,
                    None::<&str>,
                    message,
                    error,
                    result
                ])?
            }
            UpdateKind::Progress { progress, message } => insert.execute(params![
                num,
                seq,
                at,
                PROGRESS,
                None::<u8>,
                None::<u32>,
                progress,
                None::<&str>,
                message,
                None::<&str>,
                None::<&str>
            ])?,
            UpdateKind::Log { level, message } => insert.execute(params![
                num,
                seq,
                at,
                LOG,
                None::<u8>,
                None::<u32>,
                None::<f64>,
                level.as_str(),
                message,
                None::<&str>,
                None::<&str>
            ])?,
            UpdateKind::Member { member_id, stage, status, attempt, error } => {
                insert.execute(params![
                    num,
                    seq,
                    at,
                    MEMBER,
                    *status as u8,
                    attempt,
                    None::<f64>,
                    None::<&str>,
                    stage,
                    error.as_ref().map(row::error_text),
                    member_id.to_string()
                ])?
            }
            // Made for a reader whose history was pruned; never stored.
            UpdateKind::Resync { .. } => 0,
        };
    }
    Ok(())
}

/// A task and its stored entries above `after`, at most `limit`. The caller holds one transaction
/// around both reads.
pub(crate) fn read(
    connection: &Connection,
    tenant: &str,
    task_id: TaskId,
    after: u64,
    limit: u32,
) -> Result<Option<(Task, Vec<Update>)>> {
    let Some((num, task)) = row::full(connection, tenant, task_id)? else { return Ok(None) };
    let mut select = connection.prepare_cached(
        "SELECT seq, at, kind, status, attempt, progress, level, message, error, result \
         FROM updates WHERE num = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3",
    )?;
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    let rows = select.query_map(params![num, after, limit], |row| {
        let mut cells = Cells::new(row);
        let (seq, at, kind) = (cells.number()?, cells.instant()?, cells.take()?);
        Ok(Update { task_id, seq, at, kind: read_kind(&mut cells, kind)? })
    })?;
    Ok(Some((task, rows.collect::<Result<_>>()?)))
}

fn read_kind(cells: &mut Cells<'_, '_>, kind: u8) -> Result<UpdateKind> {
    if kind == STATUS {
        let (status, attempt) = (cells.status()?, cells.take()?);
        let (_, _) = (cells.take::<Option<f64>>()?, cells.take::<Option<String>>()?);
        let message = cells.take()?;
        let (error, result) = (cells.error()?, cells.payload()?);
        return Ok(UpdateKind::Status { status, attempt, message, error, result });
    }
    if kind == MEMBER {
        let (status, attempt) = (cells.status()?, cells.take()?);
        let (_, _) = (cells.take::<Option<f64>>()?, cells.take::<Option<String>>()?);
        let (stage, error) = (cells.take()?, cells.error()?);
        let member_id = cells.take::<String>()?.parse();
        let member_id = member_id.map_err(|e: windlass_core::Error| cells.damaged(e))?;
        return Ok(UpdateKind::Member { member_id, stage, status, attempt, error });
    }
    let (_, _) = (cells.take::<Option<u8>>()?, cells.take::<Option<u32>>()?);
    if kind == PROGRESS {
        let progress = cells.take()?;
        cells.take::<Option<String>>()?;
        return Ok(UpdateKind::Progress { progress, message: cells.take()? });
    }
    cells.take::<Option<f64>>()?;
    let level: LogLevel =
        cells.take::<String>()?.parse().map_err(|e: windlass_core::Error| cells.damaged(e))?;
    Ok(UpdateKind::Log { level, message: cells.take()? })
}

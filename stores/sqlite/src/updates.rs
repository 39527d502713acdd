//! History entries that are kept as rows.

use rusqlite::types::Null;
use rusqlite::{Connection, Result, Statement, ToSql, params};
use windlass_core::{LogLevel, Payload, Task, TaskId, Update, UpdateKind};

use crate::packs;
use crate::row::{self, Cells, Num};

const STATUS: u8 = 0;
const PROGRESS: u8 = 1;
const LOG: u8 = 2;
/// The id of the member is in `result`, its stage in `message`.
const MEMBER: u8 = 3;
/// Many entries about members; see `packs`.
const PACK: u8 = 4;

/// Stores entries of a task.
pub(crate) fn insert(connection: &Connection, num: Num, entries: &[Update]) -> Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let mut insert = connection.prepare_cached(
        "INSERT INTO updates (num, seq, at, kind, status, attempt, progress, level, message, error, \
         result) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?;
    let mut left = entries;
    while !left.is_empty() {
        let (some, rest) = left.split_at(packs::run(left));
        bind(&mut insert, num, some)?;
        insert.raw_execute()?;
        left = rest;
    }
    Ok(())
}

/// Binds the values of an entry, or of a pack of many.
fn bind(insert: &mut Statement<'_>, num: Num, entries: &[Update]) -> Result<()> {
    let Some(entry) = entries.last() else { return Ok(()) };
    let mut place = 0;
    let mut next = |value: &dyn ToSql| {
        place += 1;
        insert.raw_bind_parameter(place, value)
    };
    next(&num)?;
    next(&entry.seq.cast_signed())?;
    next(&entry.at.as_millis())?;
    let nothing = &Null;
    let mut rest = |values: [&dyn ToSql; 8]| values.into_iter().try_for_each(&mut next);
    if entries.len() > 1 {
        let (count, text) = (entries.len() as i64, packs::text(entries));
        return rest([&PACK, nothing, &count, nothing, nothing, nothing, nothing, &text]);
    }
    match &entry.kind {
        UpdateKind::Status { status, attempt, message, error, result } => {
            let error = error.as_ref().map(row::error_text);
            let result = result.as_ref().map(Payload::as_str);
            let status = *status as u8;
            rest([&STATUS, &status, attempt, nothing, nothing, message, &error, &result])
        }
        UpdateKind::Progress { progress, message } => {
            rest([&PROGRESS, nothing, nothing, progress, nothing, message, nothing, nothing])
        }
        UpdateKind::Log { level, message } => {
            let level = level.as_str();
            rest([&LOG, nothing, nothing, nothing, &level, message, nothing, nothing])
        }
        UpdateKind::Member { member_id, stage, status, attempt, error } => {
            let error = error.as_ref().map(row::error_text);
            let (status, member) = (*status as u8, member_id.to_string());
            rest([&MEMBER, &status, attempt, nothing, nothing, stage, &error, &member])
        }
        // Made for a reader whose history was pruned.
        UpdateKind::Resync { .. } => {
            let reason = "a resync is no entry to store";
            Err(rusqlite::Error::ToSqlConversionFailure(reason.into()))
        }
    }
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
    // A row has one entry at least.
    let after = after.max(task.first_seq.saturating_sub(1));
    let mut rows = select.query(params![num, i64::try_from(after).unwrap_or(i64::MAX), limit])?;
    let mut entries = Vec::new();
    while entries.len() < limit as usize
        && let Some(row) = rows.next()?
    {
        let mut cells = Cells::new(row);
        let (seq, at, kind) = (cells.number()?, cells.instant()?, cells.take()?);
        if kind == PACK {
            let text = cells.skip(6).text()?.unwrap_or_default();
            packs::read(&cells, text, (task_id, seq, at), after, &mut entries)?;
        } else {
            entries.push(Update { task_id, seq, at, kind: read_kind(&mut cells, kind)? });
        }
    }
    drop(rows);
    entries.truncate(limit as usize);
    Ok(Some((task, entries)))
}

/// The number of the last entry to go when a history is to keep its newest `most`, of which one call removes
/// `at_once`; `None` when it has no more than that.
pub(crate) fn last_of_excess(
    connection: &Connection,
    num: Num,
    most: u64,
    at_once: u64,
) -> Result<Option<i64>> {
    // A pack that was cut through stays until its last entry goes.
    let mut lengths = connection.prepare_cached(
        "SELECT u.seq, iif(u.kind = ?2, min(u.attempt, u.seq - t.first_seq + 1), 1) \
         FROM updates u, tasks t WHERE u.num = ?1 AND t.num = ?1 ORDER BY u.seq",
    )?;
    let length = |row: &rusqlite::Row<'_>| Cells::new(row).skip(1).number();
    let kept: u64 = lengths.query_map((num, PACK), length)?.sum::<Result<u64>>()?;
    let excess = kept.saturating_sub(most).min(at_once);
    if excess == 0 {
        return Ok(None);
    }
    let (mut gone, mut rows) = (0, lengths.query((num, PACK))?);
    while let Some(row) = rows.next()? {
        let mut cells = Cells::new(row);
        let (seq, length) = (cells.take::<i64>()?, cells.number()?);
        gone += length;
        if gone >= excess {
            return Ok(Some(seq - (gone - excess).cast_signed()));
        }
    }
    Ok(None)
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

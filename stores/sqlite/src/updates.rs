//! History entries that are kept as rows.

use std::sync::LazyLock;

use rusqlite::types::Null;
use rusqlite::{Connection, Result, Statement, ToSql, params};
use windlass_core::{LogLevel, Payload, Task, TaskId, Update, UpdateKind};

use crate::row::{self, Cells, Num};

const STATUS: u8 = 0;
const PROGRESS: u8 = 1;
const LOG: u8 = 2;
/// The id of the member is in `result`, its stage in `message`.
const MEMBER: u8 = 3;

/// Entries that one statement stores: it places each beside the one before, where a statement for each
/// would look for the place anew. A composite whose members end many at a time has many.
const MANY: usize = 20;

/// Values of an entry.
const VALUES: usize = 11;

macro_rules! into {
    () => {
        "INSERT INTO updates (num, seq, at, kind, status, attempt, progress, level, message, error, \
         result) VALUES "
    };
}

static MANY_ROWS: LazyLock<String> = LazyLock::new(|| {
    let row = |n: usize| {
        let values = (n * VALUES + 1..=(n + 1) * VALUES).map(|place| format!("?{place}"));
        format!("({})", values.collect::<Vec<_>>().join(", "))
    };
    format!("{}{}", into!(), (0..MANY).map(row).collect::<Vec<_>>().join(", "))
});

/// Stores entries of a task.
pub(crate) fn insert(connection: &Connection, num: Num, entries: &[Update]) -> Result<()> {
    let (many, few) = entries.split_at(entries.len() / MANY * MANY);
    if !many.is_empty() {
        let mut insert = connection.prepare_cached(&MANY_ROWS)?;
        for rows in many.chunks_exact(MANY) {
            for (row, entry) in rows.iter().enumerate() {
                bind(&mut insert, row * VALUES, num, entry)?;
            }
            insert.raw_execute()?;
        }
    }
    if !few.is_empty() {
        let mut insert = connection
            .prepare_cached(concat!(into!(), "(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"))?;
        for entry in few {
            bind(&mut insert, 0, num, entry)?;
            insert.raw_execute()?;
        }
    }
    Ok(())
}

/// Binds the values of an entry to the places after `before`.
fn bind(insert: &mut Statement<'_>, before: usize, num: Num, entry: &Update) -> Result<()> {
    let mut place = before;
    let mut next = |value: &dyn ToSql| {
        place += 1;
        insert.raw_bind_parameter(place, value)
    };
    next(&num)?;
    next(&entry.seq.cast_signed())?;
    next(&entry.at.as_millis())?;
    let nothing = &Null;
    let mut rest = |values: [&dyn ToSql; 8]| values.into_iter().try_for_each(&mut next);
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

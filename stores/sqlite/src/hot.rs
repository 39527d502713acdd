//! Rows without their cold columns: what a change of status reads and writes.

use rusqlite::{CachedStatement, Connection, OptionalExtension, Result, params};
use windlass_core::engine::composite;
use windlass_core::{LeaseToken, Payload, Task, TaskId, Timestamp};

use crate::row::{self, Cells, Num};

/// Tasks without their cold columns, read and written back by statements that are looked up once.
pub(crate) struct HotRows<'c> {
    select: CachedStatement<'c>,
    update: CachedStatement<'c>,
}

impl<'c> HotRows<'c> {
    /// The rows of a connection.
    pub(crate) fn new(connection: &'c Connection) -> Result<Self> {
        let select = connection.prepare_cached(concat!(
            "SELECT ",
            row::hot_columns!(),
            " FROM tasks t WHERE t.id = ?1 AND t.tenant = ?2"
        ))?;
        let update = connection.prepare_cached(
            "UPDATE tasks SET status = ?2, version = ?3, suspect = ?4, run_at = ?5, \
             started_at = ?6, finished_at = ?7, attempt_started_at = ?8, attempt = ?9, \
             last_seq = ?10, start_seq = ?11, cancel_requested = ?12, token = ?13, \
             lease_worker = ?14, lease_expires_at = ?15, lease_counted = ?16, executed_on = ?17, \
             progress = ?18, message = ?19, error = ?20, result = ?21 WHERE num = ?1",
        )?;
        Ok(Self { select, update })
    }

    /// The tenant's task, if there is one.
    pub(crate) fn read(&mut self, tenant: &str, id: TaskId) -> Result<Option<(Num, Task)>> {
        let values = params![id.as_bytes(), tenant];
        self.select.query_row(values, |row| row::read_hot(&mut Cells::new(row))).optional()
    }

    /// Writes back every column that may have changed.
    pub(crate) fn write(&mut self, num: Num, task: &Task) -> Result<()> {
        let lease = task.lease.as_ref();
        self.update.execute(params![
            num,
            task.status as u8,
            task.version.cast_signed(),
            task.suspect,
            task.run_at.as_millis(),
            task.started_at.map(Timestamp::as_millis),
            task.finished_at.map(Timestamp::as_millis),
            task.attempt_started_at.map(Timestamp::as_millis),
            task.attempt,
            task.last_seq.cast_signed(),
            task.start_seq.map(u64::cast_signed),
            task.cancel_requested,
            task.token.as_ref().map(LeaseToken::as_bytes),
            lease.map(|lease| lease.worker.as_str()),
            lease
                .map(|lease| lease.expires_at)
                .or_else(|| composite::deadline(task))
                .map(Timestamp::as_millis),
            lease.is_some_and(|lease| lease.counted),
            task.executed_on,
            task.progress,
            task.message,
            task.error.as_ref().map(row::error_text),
            task.result.as_ref().map(Payload::as_str),
        ])?;
        Ok(())
    }

    /// Writes how many tasks it waits for: what no plain task's change writes.
    pub(crate) fn write_waits(tx: &Connection, num: Num, task: &Task) -> Result<()> {
        tx.prepare_cached("UPDATE tasks SET waits = ?2 WHERE num = ?1")?
            .execute(params![num, task.waits])?;
        Ok(())
    }
}

//! A task as a row: which columns there are, and how they are read and written.
//!
//! The hot columns are all that a transition, a lease or a heartbeat reads and changes. The cold ones,
//! the payload above all, never change and are read only for callers.

use std::time::Duration;

use rusqlite::types::{FromSql, FromSqlError, Type};
use rusqlite::{CachedStatement, Connection, OptionalExtension, Result, Row, params};
use windlass_core::{
    Labels, Lease, LeaseToken, Members, Need, Parent, Payload, Priority, RetryOptions, Task,
    TaskError, TaskId, TaskKind, TaskStatus, Timestamp,
};

/// Columns that change, but for the result, and those that say whom a change concerns.
macro_rules! changing_columns {
    () => {
        "t.num, t.id, t.tenant, t.queue, t.status, t.version, t.suspect, t.priority, t.run_at, \
         t.created_at, t.started_at, t.finished_at, t.attempt_started_at, t.attempt, \
         t.submitted_as, t.last_seq, t.start_seq, t.first_seq, t.cancel_requested, t.token, \
         t.lease_worker, t.lease_expires_at, t.lease_counted, t.executed_on, t.progress, t.message, \
         t.error, t.timeout, t.batch_id, t.state_key, t.kind, t.parent_kind, t.stage, t.waits"
    };
}

/// Columns that never change, but for those that may be large.
macro_rules! fixed_columns {
    () => {
        "t.handler, t.task_type, t.retry, t.idempotency_key, t.fingerprint, t.traceparent, \
         t.labels, t.metadata"
    };
}

/// Columns that change, and those that are needed to change them.
macro_rules! hot_columns {
    () => {
        concat!($crate::row::changing_columns!(), ", t.result")
    };
}

/// How the members of a composite stand, as one text; NULL of a plain task.
macro_rules! members_column {
    () => {
        "iif(t.kind > 0, (SELECT concat_ws(' ', c.total, c.completed, c.failed, c.cancelled, \
         c.first) FROM composites c WHERE c.num = t.num), NULL)"
    };
}

/// The payload, wherever it lies.
macro_rules! payload_column {
    () => {
        "coalesce(t.payload, (SELECT l.payload FROM long_payloads l WHERE l.num = t.num))"
    };
}

/// Hot columns, then those that never change.
macro_rules! all_columns {
    () => {
        concat!(
            $crate::row::hot_columns!(),
            ", ",
            $crate::row::fixed_columns!(),
            ", ",
            $crate::row::members_column!(),
            ", t.initial_state, ",
            $crate::row::payload_column!()
        )
    };
}

/// The places of all columns, with nothing in those that may be large.
macro_rules! light_columns {
    () => {
        concat!(
            $crate::row::changing_columns!(),
            ", NULL, ",
            $crate::row::fixed_columns!(),
            ", ",
            $crate::row::members_column!(),
            ", NULL, NULL"
        )
    };
}

pub(crate) use {
    all_columns, changing_columns, fixed_columns, hot_columns, light_columns, members_column,
    payload_column,
};

/// Number of a row: what other tables and statements refer to.
pub(crate) type Num = i64;

/// Reads the columns of a row in their order.
pub(crate) struct Cells<'a, 'stmt> {
    row: &'a Row<'stmt>,
    next: usize,
}

impl<'a, 'stmt> Cells<'a, 'stmt> {
    /// From the first column.
    pub(crate) fn new(row: &'a Row<'stmt>) -> Self {
        Self { row, next: 0 }
    }

    /// The next column.
    pub(crate) fn take<T: FromSql>(&mut self) -> Result<T> {
        self.next += 1;
        self.row.get(self.next - 1)
    }

    /// Passes over columns.
    pub(crate) fn skip(&mut self, columns: usize) -> &mut Self {
        self.next += columns;
        self
    }

    /// The next column as a number that is never negative.
    pub(crate) fn number(&mut self) -> Result<u64> {
        self.take::<i64>().map(i64::cast_unsigned)
    }

    /// The next column as an instant.
    pub(crate) fn instant(&mut self) -> Result<Timestamp> {
        self.take().map(Timestamp::from_millis)
    }

    fn opt_instant(&mut self) -> Result<Option<Timestamp>> {
        Ok(self.take::<Option<i64>>()?.map(Timestamp::from_millis))
    }

    /// The next column as a status.
    pub(crate) fn status(&mut self) -> Result<TaskStatus> {
        let number = self.take::<u8>()?;
        TaskStatus::from_number(number)
            .ok_or_else(|| self.damaged(FromSqlError::OutOfRange(number.into())))
    }

    /// The next column as text, not copied.
    pub(crate) fn text(&mut self) -> Result<Option<&'a str>> {
        self.next += 1;
        let column = self.row.get_ref(self.next - 1)?;
        column.as_str_or_null().map_err(|e| self.damaged(e))
    }

    /// The next column as JSON text that was checked when it was written.
    pub(crate) fn payload(&mut self) -> Result<Option<Payload>> {
        Ok(self.text()?.map(Payload::trusted))
    }

    /// The next column as an error's record.
    pub(crate) fn error(&mut self) -> Result<Option<TaskError>> {
        match self.text()? {
            None => Ok(None),
            Some(text) => serde_json::from_str(text).map(Some).map_err(|e| self.damaged(e)),
        }
    }

    /// The next column as the members of a composite.
    pub(crate) fn members(&mut self) -> Result<Option<Members>> {
        let Some(text) = self.text()? else { return Ok(None) };
        let mut words = text.split(' ').map(str::parse::<u32>);
        let mut word = || words.next().and_then(std::result::Result::ok);
        let (total, completed, failed, cancelled) = (word(), word(), word(), word());
        let first = word().map(|completed| completed == 1);
        match (total, completed, failed, cancelled) {
            (Some(total), Some(completed), Some(failed), Some(cancelled)) => {
                Ok(Some(Members { total, completed, failed, cancelled, first }))
            }
            _ => Err(self.damaged(FromSqlError::Other("no members".into()))),
        }
    }

    /// The next column as what a task needs of another.
    pub(crate) fn need(&mut self) -> Result<Need> {
        let number = self.take::<u8>()?;
        Need::from_number(number)
            .ok_or_else(|| self.damaged(FromSqlError::OutOfRange(number.into())))
    }

    /// The next columns as what a task waits for and stands for.
    pub(crate) fn place(&mut self, task: &mut Task) -> Result<()> {
        let parent = self.take::<Option<[u8; 16]>>()?.map(TaskId::from_bytes);
        task.state_key = self.take()?;
        task.kind = self.kind()?.unwrap_or_default();
        // Members of a batch name no kind.
        let kind = self.kind()?.unwrap_or(TaskKind::Batch);
        task.set_parent(parent.map(|task_id| Parent { task_id, kind }));
        task.stage = self.take()?;
        task.waits = self.take()?;
        Ok(())
    }

    /// The next column as a kind of task.
    pub(crate) fn kind(&mut self) -> Result<Option<TaskKind>> {
        let Some(number) = self.take::<Option<u8>>()? else { return Ok(None) };
        let kind = TaskKind::from_number(number);
        kind.map(Some).ok_or_else(|| self.damaged(FromSqlError::OutOfRange(number.into())))
    }

    /// That the last column read is not as this build writes it.
    pub(crate) fn damaged(
        &self,
        error: impl std::error::Error + Send + Sync + 'static,
    ) -> rusqlite::Error {
        rusqlite::Error::FromSqlConversionFailure(self.next - 1, Type::Null, Box::new(error))
    }
}

/// A pending task with a name of its own and nothing else: what a row says is put into it.
pub(crate) fn blank(task_id: TaskId, tenant: String, queue: String) -> Task {
    Task {
        task_id,
        tenant,
        queue,
        status: TaskStatus::Pending,
        version: 0,
        suspect: false,
        priority: Priority::default(),
        run_at: Timestamp::default(),
        created_at: Timestamp::default(),
        started_at: None,
        finished_at: None,
        attempt_started_at: None,
        attempt: 0,
        submitted_as: TaskStatus::Pending,
        last_seq: 0,
        start_seq: None,
        first_seq: 0,
        cancel_requested: false,
        token: None,
        lease: None,
        executed_on: None,
        progress: None,
        message: None,
        error: None,
        result: None,
        handler: String::new(),
        task_type: String::new(),
        timeout: None,
        retry: RetryOptions::default(),
        kind: TaskKind::Task,
        batch_id: None,
        block_id: None,
        pipeline_id: None,
        stage: None,
        waits: 0,
        members: None,
        idempotency_key: None,
        fingerprint: None,
        traceparent: None,
        state_key: None,
        labels: Labels::new(),
        metadata: None,
        initial_state: None,
        payload: Payload::trusted(""),
    }
}

/// A row's number and its task without the cold columns: they are empty.
pub(crate) fn read_hot(cells: &mut Cells<'_, '_>) -> Result<(Num, Task)> {
    let num = cells.take()?;
    let mut task = blank(TaskId::from_bytes(cells.take()?), cells.take()?, cells.take()?);
    task.status = cells.status()?;
    task.version = cells.number()?;
    task.suspect = cells.take()?;
    let priority = cells.take()?;
    task.priority = Priority::from_number(priority).map_err(|e| cells.damaged(e))?;
    task.run_at = cells.instant()?;
    task.created_at = cells.instant()?;
    task.started_at = cells.opt_instant()?;
    task.finished_at = cells.opt_instant()?;
    task.attempt_started_at = cells.opt_instant()?;
    task.attempt = cells.take()?;
    task.submitted_as = cells.status()?;
    task.last_seq = cells.number()?;
    task.start_seq = cells.take::<Option<i64>>()?.map(i64::cast_unsigned);
    task.first_seq = cells.number()?;
    task.cancel_requested = cells.take()?;
    task.token = cells.take::<Option<[u8; 16]>>()?.map(LeaseToken::from_bytes);
    let (worker, expires_at, counted) =
        (cells.take::<Option<String>>()?, cells.opt_instant()?, cells.take()?);
    task.lease =
        worker.zip(expires_at).map(|(worker, expires_at)| Lease { worker, expires_at, counted });
    task.executed_on = cells.take()?;
    task.progress = cells.take()?;
    task.message = cells.take()?;
    task.error = cells.error()?;
    task.timeout =
        cells.take::<Option<i64>>()?.map(|nanos| Duration::from_nanos(nanos.cast_unsigned()));
    cells.place(&mut task)?;
    task.result = cells.payload()?;
    Ok((num, task))
}

/// A row's number and its task.
pub(crate) fn read_all(cells: &mut Cells<'_, '_>) -> Result<(Num, Task)> {
    let (num, mut task) = read_hot(cells)?;
    task.handler = cells.take()?;
    task.task_type = cells.take()?;
    if let Some(text) = cells.text()? {
        task.retry = read_retry(text)
            .ok_or_else(|| cells.damaged(FromSqlError::Other("no retry options".into())))?;
    }
    task.idempotency_key = cells.take()?;
    task.fingerprint = cells.take()?;
    task.traceparent = cells.take()?;
    if let Some(text) = cells.text()? {
        task.labels = serde_json::from_str(text).map_err(|e| cells.damaged(e))?;
    }
    task.metadata = cells.payload()?;
    task.members = cells.members()?;
    task.initial_state = cells.payload()?;
    task.payload = cells.payload()?.unwrap_or_default();
    Ok((num, task))
}

/// The tenant's task, if there is one.
pub(crate) fn full(
    connection: &Connection,
    tenant: &str,
    id: TaskId,
) -> Result<Option<(Num, Task)>> {
    let mut select = connection.prepare_cached(concat!(
        "SELECT ",
        all_columns!(),
        " FROM tasks t WHERE t.id = ?1 AND t.tenant = ?2"
    ))?;
    select
        .query_row(params![id.as_bytes(), tenant], |row| read_all(&mut Cells::new(row)))
        .optional()
}

/// A statement that reads one task by its row's number, for [`by_num`].
pub(crate) fn select_by_num(connection: &Connection) -> Result<CachedStatement<'_>> {
    connection.prepare_cached(concat!("SELECT ", all_columns!(), " FROM tasks t WHERE t.num = ?1"))
}

/// The same, without what may be large: payload, initial state and result.
pub(crate) fn select_light_by_num(connection: &Connection) -> Result<CachedStatement<'_>> {
    connection.prepare_cached(concat!(
        "SELECT ",
        light_columns!(),
        " FROM tasks t WHERE t.num = ?1"
    ))
}

/// The task of a row that is there.
pub(crate) fn by_num(select: &mut CachedStatement<'_>, num: Num) -> Result<Task> {
    select.query_row([num], |row| read_all(&mut Cells::new(row))).map(|(_, task)| task)
}

/// An error's record as it is kept: JSON text.
pub(crate) fn error_text(error: &TaskError) -> String {
    serde_json::to_string(error).expect("an error's record is plain text and flags")
}

/// Retry options as they are kept: a JSON array of six, null for what is not given. Durations are
/// whole nanoseconds, so that every value comes back exactly.
pub(crate) fn retry_text(retry: &RetryOptions) -> Option<String> {
    fn word<T>(value: Option<T>, text: impl FnOnce(T) -> String) -> String {
        value.map_or_else(|| "null".to_owned(), text)
    }
    let nanos = |d: Duration| d.as_nanos().to_string();
    (!retry.is_empty()).then(|| {
        let words = [
            word(retry.max_retries, |n| n.to_string()),
            word(retry.initial_delay, nanos),
            word(retry.exponential_base, |n| n.to_string()),
            word(retry.max_delay, nanos),
            word(retry.jitter, |n| n.to_string()),
            word(retry.retry_on_timeout, |b| b.to_string()),
        ];
        format!("[{}]", words.join(","))
    })
}

/// Retry options from their text.
pub(crate) fn read_retry(text: &str) -> Option<RetryOptions> {
    fn word<T: std::str::FromStr>(text: &str) -> Option<Option<T>> {
        if text == "null" { Some(None) } else { text.parse().ok().map(Some) }
    }
    let mut words = text.strip_prefix('[')?.strip_suffix(']')?.split(',');
    Some(RetryOptions {
        max_retries: word(words.next()?)?,
        initial_delay: word(words.next()?)?.map(Duration::from_nanos),
        exponential_base: word(words.next()?)?,
        max_delay: word(words.next()?)?.map(Duration::from_nanos),
        jitter: word(words.next()?)?,
        retry_on_timeout: word(words.next()?)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_options_come_back_exactly() {
        let some = RetryOptions {
            max_retries: Some(0),
            initial_delay: Some(Duration::new(1, 1)),
            exponential_base: Some(0.1 + 0.2),
            max_delay: None,
            jitter: Some(1e-300),
            retry_on_timeout: Some(false),
        };
        assert_eq!(read_retry(&retry_text(&some).unwrap()), Some(some));
        assert_eq!(retry_text(&RetryOptions::default()), None);
        assert_eq!(read_retry("[1,2]"), None);
    }
}

//! What was answered for a batch, kept where the rows do not tell it: tasks that were known before, and
//! members in another order than that of their ids.

use rusqlite::{Connection, OptionalExtension, Result, params};
use windlass_core::{Submission, TaskId, TaskStatus};

use crate::row::{Cells, Num};

/// Bytes of a task: its id and its status.
const ENTRY: usize = 17;

/// Keeps the answer for the batch of this row.
pub(crate) fn write(connection: &Connection, num: Num, members: &[Submission]) -> Result<()> {
    let mut tasks = Vec::with_capacity(members.len() * ENTRY);
    for member in members {
        tasks.extend_from_slice(member.task_id.as_bytes());
        tasks.push(member.status as u8);
    }
    connection
        .prepare_cached("INSERT INTO answers (num, tasks) VALUES (?1, ?2)")?
        .execute(params![num, tasks])?;
    Ok(())
}

/// The tasks that were answered, with their status of that time; `None` when they are the members by id.
pub(crate) fn read(
    connection: &Connection,
    tenant: &str,
    batch: TaskId,
) -> Result<Option<Vec<(TaskId, TaskStatus)>>> {
    let mut select = connection.prepare_cached(
        "SELECT a.tasks FROM tasks t JOIN answers a ON a.num = t.num \
         WHERE t.tenant = ?1 AND t.id = ?2",
    )?;
    let answer = select.query_row(params![tenant, batch.as_bytes()], |row| {
        let mut cells = Cells::new(row);
        let bytes: Vec<u8> = cells.take()?;
        let entry = |entry: &[u8]| {
            let (id, status) = entry.split_first_chunk::<16>()?;
            Some((TaskId::from_bytes(*id), TaskStatus::from_number(*status.first()?)?))
        };
        let entries: Option<Vec<_>> = bytes.chunks(ENTRY).map(entry).collect();
        entries.ok_or_else(|| cells.damaged(std::io::Error::other("an answer that is cut")))
    });
    answer.optional()
}

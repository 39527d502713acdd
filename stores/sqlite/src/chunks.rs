//! Batches that come in chunks, kept aside until they are sealed.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Result, params};
use windlass_core::engine::submit::NewTask;
use windlass_core::rules::fingerprint::Print;
use windlass_core::rules::limits;
use windlass_core::store::{Composed, Composition};
use windlass_core::words::{Need, TaskKind};
use windlass_core::{BatchId, Error};

use crate::enqueue::{self, Check};
use crate::row::Cells;
use crate::tx::Tx;
use crate::{aside, compose};

/// The number of the chunk that holds the batch itself and its hooks.
const ITSELF: i64 = -1;

/// Begins a batch.
pub(crate) fn open(
    tx: &mut Tx<'_>,
    composition: &Composition,
) -> Result<windlass_core::Result<()>> {
    let task = &composition.task;
    let mut count = tx
        .connection
        .prepare_cached("SELECT count(*) FROM chunks WHERE chunk = -1 AND tenant = ?1")?;
    let open = count.query_row([&task.tenant], |row| Cells::new(row).number())?;
    if let Err(refused) = limits::check_open_batches(open) {
        return Ok(Err(refused));
    }
    let text = aside::batch_text(task, &composition.hooks);
    write(tx, &task.tenant, task.task_id.into(), ITSELF, 0, &text).map(Ok)
}

/// Adds or replaces a chunk; answers how many tasks there are.
pub(crate) fn extend(
    tx: &mut Tx<'_>,
    tenant: &str,
    batch_id: BatchId,
    chunk: u32,
    tasks: &[NewTask],
) -> Result<windlass_core::Result<u64>> {
    // The first chunk after the one before all.
    if after(tx.connection, tenant, batch_id, ITSELF - 1)? != Some(ITSELF) {
        return Ok(Err(no_batch(batch_id)));
    }
    write(tx, tenant, batch_id, chunk.into(), tasks.len(), &aside::text(tasks))?;
    let mut count = tx.connection.prepare_cached(
        "SELECT coalesce(sum(n), 0) FROM chunks WHERE tenant = ?1 AND batch_id = ?2",
    )?;
    count
        .query_row(params![tenant, batch_id.as_bytes()], |row| row.get::<_, i64>(0))
        .map(|total| Ok(total.cast_unsigned()))
}

/// Stores a batch with all its chunks, one after the other, in one transaction.
pub(crate) fn seal(
    tx: &mut Tx<'_>,
    tenant: &str,
    batch_id: BatchId,
    depth_limit: Option<u64>,
) -> Result<windlass_core::Result<Composed>> {
    let Some(text) = text(tx.connection, tenant, batch_id, ITSELF)? else {
        let sealed = enqueue::found(tx, tenant, batch_id.into())?;
        return match sealed.filter(|task| task.kind == TaskKind::Batch) {
            Some(known) => compose::composed(tx, tenant, &known).map(Ok),
            None => Ok(Err(no_batch(batch_id))),
        };
    };
    let (mut task, hooks) = aside::read_batch(tenant, &text)?;
    if let Err(refused) = stand_for(tx, tenant, batch_id, &mut task)? {
        return Ok(Err(refused));
    }
    let (counts, ring) = (tx.counts.clone(), tx.ring);
    // A chunk may be refused when others are written already.
    tx.connection.execute_batch("SAVEPOINT seal")?;
    let answer = match compose::known(tx, &task)? {
        Some(known) => known,
        None => store(tx, batch_id, &task, &hooks, depth_limit)?,
    };
    if answer.is_ok() {
        tx.connection
            .prepare_cached("DELETE FROM chunks WHERE tenant = ?1 AND batch_id = ?2")?
            .execute(params![tenant, batch_id.as_bytes()])?;
    } else {
        tx.connection.execute_batch("ROLLBACK TO seal")?;
        (tx.counts, tx.ring) = (counts, ring);
    }
    tx.connection.execute_batch("RELEASE seal")?;
    Ok(answer)
}

fn store(
    tx: &mut Tx<'_>,
    batch_id: BatchId,
    task: &NewTask,
    hooks: &[(Need, NewTask)],
    depth_limit: Option<u64>,
) -> Result<windlass_core::Result<Composed>> {
    let tenant = &task.tenant;
    let num = compose::begin(tx, task)?;
    let (mut members, mut at) = (Vec::new(), ITSELF);
    while let Some((chunk, tasks)) = next(tx.connection, tenant, batch_id, at)? {
        at = chunk;
        // Keys of earlier chunks are found in the table.
        let mut submissions =
            match Check::new(tenant, depth_limit, None).submissions(tx, tasks.iter())? {
                Ok(submissions) => submissions,
                Err(refused) => return Ok(Err(refused)),
            };
        enqueue::store(tx, &tasks, &mut submissions, |_| ())?;
        members.append(&mut submissions);
    }
    let mut check = Check::new(tenant, depth_limit, None);
    let of_hooks: Vec<&NewTask> = hooks.iter().map(|(_, hook)| hook).collect();
    match check.submissions(tx, of_hooks.into_iter())? {
        Ok(of_hooks) => compose::finish(tx, task, num, members, hooks, of_hooks).map(Ok),
        Err(refused) => Ok(Err(refused)),
    }
}

/// Makes the key of a batch stand for the tasks of its chunks, one chunk in memory at a time.
fn stand_for(
    tx: &Tx<'_>,
    tenant: &str,
    batch_id: BatchId,
    task: &mut NewTask,
) -> Result<windlass_core::Result<()>> {
    let Some(head) = task.fingerprint else { return Ok(Ok(())) };
    let (mut print, mut at) = (Print::after(head), ITSELF);
    while let Some((chunk, tasks)) = next(tx.connection, tenant, batch_id, at)? {
        at = chunk;
        if let Err(refused) = tasks.iter().try_for_each(|new| new.tell(&mut print)) {
            return Ok(Err(refused));
        }
    }
    task.fingerprint = Some(print.finish());
    Ok(Ok(()))
}

/// Forgets batches that were begun long ago and never sealed.
pub(crate) fn forget(tx: &mut Tx<'_>, older_than: Duration) -> Result<()> {
    let before = tx.now().before(older_than.min(limits::OPEN_FOR)).as_millis();
    tx.connection
        .prepare_cached(
            "DELETE FROM chunks WHERE (tenant, batch_id) IN \
             (SELECT tenant, batch_id FROM chunks WHERE chunk = -1 AND at <= ?1)",
        )?
        .execute([before])?;
    Ok(())
}

fn write(
    tx: &Tx<'_>,
    tenant: &str,
    batch_id: BatchId,
    chunk: i64,
    n: usize,
    text: &str,
) -> Result<()> {
    tx.connection
        .prepare_cached(
            "INSERT INTO chunks (tenant, batch_id, chunk, at, n, tasks) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
             ON CONFLICT DO UPDATE SET at = excluded.at, n = excluded.n, tasks = excluded.tasks",
        )?
        .execute(params![
            tenant,
            batch_id.as_bytes(),
            chunk,
            tx.now().as_millis(),
            n as i64,
            text
        ])?;
    Ok(())
}

fn text(
    connection: &Connection,
    tenant: &str,
    batch_id: BatchId,
    chunk: i64,
) -> Result<Option<String>> {
    connection
        .prepare_cached(
            "SELECT tasks FROM chunks WHERE tenant = ?1 AND batch_id = ?2 AND chunk = ?3",
        )?
        .query_row(params![tenant, batch_id.as_bytes(), chunk], |row| row.get(0))
        .optional()
}

/// The first chunk after another, with its number.
fn next(
    connection: &Connection,
    tenant: &str,
    batch_id: BatchId,
    at: i64,
) -> Result<Option<(i64, Vec<NewTask>)>> {
    let Some(chunk) = after(connection, tenant, batch_id, at)? else { return Ok(None) };
    let text = text(connection, tenant, batch_id, chunk)?.unwrap_or_default();
    Ok(Some((chunk, aside::read(tenant, &text)?)))
}

fn after(
    connection: &Connection,
    tenant: &str,
    batch_id: BatchId,
    chunk: i64,
) -> Result<Option<i64>> {
    connection
        .prepare_cached(
            "SELECT chunk FROM chunks WHERE tenant = ?1 AND batch_id = ?2 AND chunk > ?3 \
             ORDER BY chunk LIMIT 1",
        )?
        .query_row(params![tenant, batch_id.as_bytes(), chunk], |row| row.get(0))
        .optional()
}

fn no_batch(batch_id: BatchId) -> Error {
    Error::BatchNotFound { batch_id: batch_id.to_string() }
}

//! Batches that come in chunks, kept aside until they are sealed.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Result, params};
use windlass_core::engine::submit::{NewTask, Place};
use windlass_core::store::{Composed, Composition};
use windlass_core::words::{Need, Parent, TaskKind};
use windlass_core::{BatchId, Error, Payload, TaskId, TaskSpec};

use crate::compose;
use crate::enqueue::{self, Check};
use crate::row;
use crate::tx::Tx;

/// The number of the chunk that holds the batch itself and its hooks.
const ITSELF: i64 = -1;

/// Begins a batch.
pub(crate) fn open(tx: &mut Tx<'_>, composition: &Composition) -> Result<()> {
    let task = &composition.task;
    let text = text_of_batch(task, &composition.hooks);
    write(tx, &task.tenant, task.task_id.into(), ITSELF, 0, &text)
}

/// Adds or replaces a chunk; answers how many tasks there are.
pub(crate) fn extend(
    tx: &mut Tx<'_>,
    tenant: &str,
    batch_id: BatchId,
    chunk: u32,
    tasks: &[NewTask],
) -> Result<windlass_core::Result<u64>> {
    if text(tx.connection, tenant, batch_id, ITSELF)?.is_none() {
        return Ok(Err(no_batch(batch_id)));
    }
    write(tx, tenant, batch_id, chunk.into(), tasks.len(), &text_of(tasks))?;
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
        return Ok(Err(no_batch(batch_id)));
    };
    let (task, hooks) = read_batch(tenant, &text)?;
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
    while let Some(next) = after(tx.connection, tenant, batch_id, at)? {
        at = next;
        let text = text(tx.connection, tenant, batch_id, at)?.unwrap_or_default();
        let tasks = read(tenant, &text)?;
        drop(text);
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

/// Forgets batches that were begun long ago and never sealed.
pub(crate) fn forget(tx: &mut Tx<'_>, older_than: Duration) -> Result<()> {
    let before = tx.now().before(older_than).as_millis();
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

/// A task as it is kept aside, in three parts and its spec: whose it is, where it stands, and what JSON
/// numbers would not keep exactly.
type Aside = (
    (TaskId, String, Option<[u8; 32]>, Option<BatchId>),
    (u8, Option<(TaskId, u8)>, Option<String>, u32),
    (Option<u64>, Option<u64>, Option<String>),
    Payload,
);

fn aside(new: &NewTask) -> Aside {
    let nanos = |d: Duration| u64::try_from(d.as_nanos()).unwrap_or(u64::MAX);
    let (spec, place) = (&new.spec, &new.place);
    (
        (new.task_id, new.handler.clone(), new.fingerprint, new.batch_id),
        (
            place.kind as u8,
            place.parent.map(|parent| (parent.task_id, parent.kind as u8)),
            place.stage.clone(),
            place.waits,
        ),
        (spec.delay.map(nanos), spec.timeout.map(nanos), row::retry_text(&spec.retry)),
        Payload::trusted(serde_json::to_string(spec).expect("a spec is plain data")),
    )
}

fn unaside(tenant: &str, aside: Aside) -> Option<NewTask> {
    let ((task_id, handler, fingerprint, batch_id), place, exact, spec) = aside;
    let mut spec = TaskSpec::from_wire(spec.as_str()).ok()?;
    let (kind, parent, stage, waits) = place;
    let parent = match parent {
        Some((task_id, kind)) => Some(Parent { task_id, kind: TaskKind::from_number(kind)? }),
        None => None,
    };
    let place = Place { kind: TaskKind::from_number(kind)?, parent, stage, waits };
    spec.delay = exact.0.map(Duration::from_nanos);
    spec.timeout = exact.1.map(Duration::from_nanos);
    if let Some(text) = exact.2 {
        spec.retry = row::read_retry(&text)?;
    }
    let tenant = tenant.to_owned();
    Some(NewTask { task_id, tenant, spec, handler, fingerprint, batch_id, place })
}

fn text_of(tasks: &[NewTask]) -> String {
    let tasks: Vec<Aside> = tasks.iter().map(aside).collect();
    serde_json::to_string(&tasks).expect("tasks are plain data")
}

fn read(tenant: &str, text: &str) -> Result<Vec<NewTask>> {
    let tasks: Vec<Aside> = serde_json::from_str(text).map_err(damaged)?;
    tasks.into_iter().map(|one| unaside(tenant, one).ok_or_else(unreadable)).collect()
}

fn text_of_batch(task: &NewTask, hooks: &[(Need, NewTask)]) -> String {
    let hooks: Vec<(u8, Aside)> =
        hooks.iter().map(|(need, hook)| (*need as u8, aside(hook))).collect();
    serde_json::to_string(&(aside(task), hooks)).expect("tasks are plain data")
}

fn read_batch(tenant: &str, text: &str) -> Result<(NewTask, Vec<(Need, NewTask)>)> {
    let (task, hooks): (Aside, Vec<(u8, Aside)>) = serde_json::from_str(text).map_err(damaged)?;
    let task = unaside(tenant, task).ok_or_else(unreadable)?;
    let hook = |(need, hook)| Some((Need::from_number(need)?, unaside(tenant, hook)?));
    let hooks: Option<Vec<_>> = hooks.into_iter().map(hook).collect();
    Ok((task, hooks.ok_or_else(unreadable)?))
}

fn no_batch(batch_id: BatchId) -> Error {
    Error::BatchNotFound { batch_id: batch_id.to_string() }
}

fn damaged(error: serde_json::Error) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(error))
}

fn unreadable() -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(
        0,
        rusqlite::types::Type::Text,
        "a task that this build cannot read".into(),
    )
}

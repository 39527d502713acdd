//! How batches, blocks and pipelines are stored.

use std::collections::HashMap;

use rusqlite::{OptionalExtension, Result, Row, params};
use windlass_core::engine::composite;
use windlass_core::engine::submit::NewTask;
use windlass_core::store::{Composed, Composition, are_by_id};
use windlass_core::words::{Members, Need};
use windlass_core::{BatchId, Error, Submission, TaskId, TaskStatus};

use crate::answer;
use crate::enqueue::{self, Check, Known};
use crate::follow::{Following, write_members};
use crate::row::{Cells, Num};
use crate::tx::Tx;

/// Stores a composite whole or not at all. What is refused is refused before anything is written.
pub(crate) fn compose(
    tx: &mut Tx<'_>,
    composition: &Composition,
) -> Result<windlass_core::Result<Composed>> {
    let answer = tx.part("storing a composite", |tx| {
        let Composition { task, members, edges, hooks, depth_limit } = composition;
        if let Some(known) = known(tx, task)? {
            return Ok(known);
        }
        let mut check = Check::new(&task.tenant, *depth_limit, Some(task));
        let both: Vec<&NewTask> = members.iter().chain(hooks.iter().map(|(_, new)| new)).collect();
        let mut submissions = match check.submissions(tx, both.into_iter())? {
            Ok(submissions) => submissions,
            Err(refused) => return Ok(Err(refused)),
        };
        let num = begin(tx, task)?;
        let of_hooks = submissions.split_off(members.len());
        let mut nums = Vec::with_capacity(if edges.is_empty() { 0 } else { members.len() });
        enqueue::store(tx, members, &mut submissions, |num| {
            if !edges.is_empty() {
                nums.push(num);
            }
        })?;
        for edge in edges {
            let (from, to) = (nums[edge.from as usize], nums[edge.to as usize]);
            if from != 0 && to != 0 {
                store_edge(tx, from, to, Need::Success)?;
            }
        }
        finish(tx, task, num, submissions, hooks, of_hooks).map(Ok)
    })?;
    Ok(answer.and_then(|inner| inner))
}

/// What was stored under the composite's own key; `None` when it is new.
pub(crate) fn known(
    tx: &Tx<'_>,
    task: &NewTask,
) -> Result<Option<windlass_core::Result<Composed>>> {
    let Some(key) = &task.spec.idempotency_key else { return Ok(None) };
    let Some(known) = enqueue::known(tx, &task.tenant, key)? else { return Ok(None) };
    let task_id = known.task_id;
    if known.fingerprint != task.fingerprint || known.kind != task.place.kind {
        return Ok(Some(Err(Error::IdempotencyConflict { key: key.clone(), task_id })));
    }
    composed(tx, &task.tenant, &known).map(|composed| Some(Ok(composed)))
}

/// A composite as its first answer named it.
pub(crate) fn composed(tx: &Tx<'_>, tenant: &str, known: &Known) -> Result<Composed> {
    let task_id = known.task_id;
    let mut select = tx.connection.prepare_cached(
        "SELECT id, status, iif(parent_kind IS NULL, batch_id, NULL) FROM tasks \
         INDEXED BY tasks_batch WHERE batch_id = ?1 AND tenant = ?2 ORDER BY id",
    )?;
    let rows = select.query_map(params![task_id.as_bytes(), tenant], submission)?;
    let mut members: Vec<Submission> = rows.collect::<Result<_>>()?;
    if let Some(answer) = answer::read(tx.connection, tenant, task_id)? {
        let by_id: HashMap<TaskId, Submission> =
            members.into_iter().map(|member| (member.task_id, member)).collect();
        let mut other = tx.connection.prepare_cached(
            "SELECT id, status, iif(parent_kind IS NULL, batch_id, NULL) FROM tasks \
             WHERE id = ?1 AND tenant = ?2",
        )?;
        let now = |(task_id, then): (TaskId, TaskStatus)| match by_id.get(&task_id) {
            Some(member) => Ok(member.clone()),
            None => {
                let row = other.query_row(params![task_id.as_bytes(), tenant], submission);
                let gone = Submission { task_id, status: then, deduplicated: true, batch_id: None };
                Ok(row.optional()?.unwrap_or(gone))
            }
        };
        members = answer.into_iter().map(now).collect::<Result<_>>()?;
    }
    let (status, batch_id) = (known.status, known.batch_id);
    let task = Submission { task_id, status, deduplicated: true, batch_id };
    Ok(Composed { task, members })
}

fn submission(row: &Row<'_>) -> Result<Submission> {
    let mut cells = Cells::new(row);
    Ok(Submission {
        task_id: TaskId::from_bytes(cells.take()?),
        status: cells.status()?,
        deduplicated: true,
        batch_id: cells.take::<Option<[u8; 16]>>()?.map(BatchId::from_bytes),
    })
}

/// Stores the task that stands for a composite; answers the number of its row.
pub(crate) fn begin(tx: &mut Tx<'_>, task: &NewTask) -> Result<Num> {
    let now = tx.now();
    let mut submission = [Submission {
        task_id: task.task_id,
        status: task.due(now).1,
        deduplicated: false,
        batch_id: task.batch_id,
    }];
    let mut num = 0;
    enqueue::store(tx, std::slice::from_ref(task), &mut submission, |stored| num = stored)?;
    if let Some(at) = composite::deadline(&task.clone().into_task(now)) {
        tx.connection
            .prepare_cached("UPDATE tasks SET lease_expires_at = ?2 WHERE num = ?1")?
            .execute(params![num, at.as_millis()])?;
    }
    Ok(num)
}

/// Stores the hooks of a composite and how its members stand; one without members ends at once.
pub(crate) fn finish(
    tx: &mut Tx<'_>,
    task: &NewTask,
    num: Num,
    members: Vec<Submission>,
    hooks: &[(Need, NewTask)],
    mut of_hooks: Vec<Submission>,
) -> Result<Composed> {
    for ((need, hook), submission) in hooks.iter().zip(of_hooks.chunks_mut(1)) {
        let mut to = 0;
        enqueue::store(tx, std::slice::from_ref(hook), submission, |stored| to = stored)?;
        if to != 0 {
            store_edge(tx, num, to, *need)?;
        }
    }
    if !are_by_id(&members) {
        answer::write(tx.connection, num, &members)?;
    }
    let total = members.iter().filter(|member| !member.deduplicated).count();
    let total = u32::try_from(total).unwrap_or(u32::MAX);
    write_members(tx, num, &Members { total, ..Members::default() })?;
    if total == 0 {
        let mut following = Following::new();
        following.look_at(&task.tenant, task.task_id);
        following.finish(tx)?;
    }
    let status = tx
        .connection
        .prepare_cached("SELECT status FROM tasks WHERE num = ?1")?
        .query_row([num], |row| Cells::new(row).status())?;
    let (task_id, batch_id) = (task.task_id, task.batch_id);
    let task = Submission { task_id, status, deduplicated: false, batch_id };
    Ok(Composed { task, members })
}

fn store_edge(tx: &Tx<'_>, from: Num, to: Num, need: Need) -> Result<()> {
    tx.connection
        .prepare_cached("INSERT INTO edges (from_num, to_num, need) VALUES (?1, ?2, ?3)")?
        .execute(params![from, to, need as u8])?;
    Ok(())
}

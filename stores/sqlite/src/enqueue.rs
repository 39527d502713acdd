//! How groups of tasks are stored.

use std::collections::HashMap;

use rusqlite::{OptionalExtension, Result, params};
use windlass_core::store::EnqueueGroup;
use windlass_core::{BatchId, Error, Submission, TaskId, TaskStatus, Timestamp};

use crate::insert::{ALIKE, Insert, are_alike, insert_alike, is_long};
use crate::row::Cells;
use crate::tx::Tx;

/// Stores groups, each whole or not at all.
pub(crate) fn enqueue(
    tx: &mut Tx<'_>,
    groups: &[EnqueueGroup],
) -> Result<Vec<windlass_core::Result<Vec<Submission>>>> {
    let store = |group| {
        tx.part("storing tasks", |tx| one(tx, group)).map(|answer| answer.and_then(|inner| inner))
    };
    groups.iter().map(store).collect()
}

/// What is refused is refused before anything is written.
fn one(tx: &mut Tx<'_>, group: &EnqueueGroup) -> Result<windlass_core::Result<Vec<Submission>>> {
    let now = tx.now();
    let submissions = match submissions(tx, group, now)? {
        Ok(submissions) => submissions,
        refused => return Ok(refused),
    };
    let together = match group.tasks.len() / ALIKE * ALIKE {
        many if many > 0 && are_alike(&group.tasks[..many]) => many,
        _ => 0,
    };
    let (alike, others) = group.tasks.split_at(together);
    if let [first, ..] = alike {
        insert_alike(tx.connection, alike, now)?;
        let status = first.due(now).1;
        tx.counts.add(&first.tenant, &first.spec.queue, status, together as i64);
        tx.ring |= status == TaskStatus::Pending;
    }
    let mut insert = Insert::new(tx.connection, now)?;
    for (new, submission) in others.iter().zip(&submissions[together..]) {
        if submission.deduplicated {
            continue;
        }
        let status = submission.status;
        let num = insert.task(new)?;
        if is_long(&new.spec.payload) {
            tx.connection
                .prepare_cached("INSERT INTO long_payloads (num, payload) VALUES (?1, ?2)")?
                .execute(params![num, new.spec.payload.as_str()])?;
        }
        if !new.spec.labels.is_empty() {
            let mut label = tx.connection.prepare_cached(
                "INSERT INTO task_labels (tenant, key, value, id, num) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?;
            for (key, value) in &new.spec.labels {
                label.execute(params![new.tenant, key, value, new.task_id.as_bytes(), num])?;
            }
        }
        tx.counts.add(&new.tenant, &new.spec.queue, status, 1);
        tx.ring |= status == TaskStatus::Pending;
    }
    Ok(Ok(submissions))
}

/// Answers for each task, or the refusal of the group.
fn submissions(
    tx: &Tx<'_>,
    group: &EnqueueGroup,
    now: Timestamp,
) -> Result<windlass_core::Result<Vec<Submission>>> {
    let mut submissions = Vec::with_capacity(group.tasks.len());
    let mut own_keys: HashMap<&str, usize> = HashMap::new();
    let mut added: Vec<(&str, u64)> = Vec::new();
    for (i, new) in group.tasks.iter().enumerate() {
        let mut submission = Submission {
            task_id: new.task_id,
            status: new.due(now).1,
            deduplicated: false,
            batch_id: new.batch_id,
        };
        if let Some(key) = &new.spec.idempotency_key {
            let known = match own_keys.get(key.as_str()).map(|first| &group.tasks[*first]) {
                Some(own) => Some(Known {
                    task_id: own.task_id,
                    status: own.due(now).1,
                    fingerprint: own.fingerprint,
                    batch_id: own.batch_id,
                }),
                None => known(tx, &group.tenant, key)?,
            };
            match known {
                Some(known) if known.fingerprint != new.fingerprint => {
                    let task_id = known.task_id;
                    return Ok(Err(Error::IdempotencyConflict { key: key.clone(), task_id }));
                }
                Some(Known { task_id, status, batch_id, .. }) => {
                    submission = Submission { task_id, status, deduplicated: true, batch_id };
                }
                None => {
                    own_keys.insert(key, i);
                }
            }
        }
        if !submission.deduplicated {
            let queue = new.spec.queue.as_str();
            match added.iter_mut().rev().find(|(q, _)| *q == queue) {
                Some((_, n)) => *n += 1,
                None => added.push((queue, 1)),
            }
        }
        submissions.push(submission);
    }
    if let Some(limit) = group.depth_limit {
        for (queue, more) in added {
            let stored = crate::counts::waiting(tx.connection, &group.tenant, queue)?;
            let waiting = stored + tx.counts.waiting(&group.tenant, queue);
            if u64::try_from(waiting).unwrap_or(0) + more > limit {
                return Ok(Err(Error::queue_full(queue, limit)));
            }
        }
    }
    Ok(Ok(submissions))
}

/// The task that holds an idempotency key.
struct Known {
    task_id: TaskId,
    status: TaskStatus,
    fingerprint: Option<[u8; 32]>,
    batch_id: Option<BatchId>,
}

fn known(tx: &Tx<'_>, tenant: &str, key: &str) -> Result<Option<Known>> {
    let mut select = tx.connection.prepare_cached(
        "SELECT id, status, fingerprint, batch_id FROM tasks \
         WHERE tenant = ?1 AND idempotency_key = ?2",
    )?;
    let known = select.query_row(params![tenant, key], |row| {
        let mut cells = Cells::new(row);
        Ok(Known {
            task_id: TaskId::from_bytes(cells.take()?),
            status: cells.status()?,
            fingerprint: cells.take()?,
            batch_id: cells.take::<Option<[u8; 16]>>()?.map(BatchId::from_bytes),
        })
    });
    known.optional()
}

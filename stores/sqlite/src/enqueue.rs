//! How groups of tasks are stored.

use std::collections::HashMap;

use rusqlite::{OptionalExtension, Result, Row, params};
use windlass_core::engine::submit::NewTask;
use windlass_core::store::EnqueueGroup;
use windlass_core::words::TaskKind;
use windlass_core::{BatchId, Error, Submission, TaskId, TaskStatus};

use crate::insert::{ALIKE, Insert, are_alike, insert_alike, is_long};
use crate::line;
use crate::row::{Cells, Num};
use crate::tx::Tx;

/// Stores groups, each whole or not at all.
pub(crate) fn enqueue(
    tx: &mut Tx<'_>,
    groups: &[EnqueueGroup],
) -> Result<Vec<windlass_core::Result<Vec<Submission>>>> {
    let each = |group| {
        tx.part("storing tasks", |tx| one(tx, group)).map(|answer| answer.and_then(|inner| inner))
    };
    groups.iter().map(each).collect()
}

/// What is refused is refused before anything is written.
fn one(tx: &mut Tx<'_>, group: &EnqueueGroup) -> Result<windlass_core::Result<Vec<Submission>>> {
    let mut check = Check::new(&group.tenant, group.depth_limit, None);
    let mut submissions = match check.submissions(tx, group.tasks.iter())? {
        Ok(submissions) => submissions,
        refused => return Ok(refused),
    };
    store(tx, &group.tasks, &mut submissions, |_| ())?;
    Ok(Ok(submissions))
}

/// Stores tasks that were checked, but for those that deduplicate. Hands over the number of each row, in
/// order, where they are not all alike; 0 for what is not stored.
pub(crate) fn store(
    tx: &mut Tx<'_>,
    tasks: &[NewTask],
    submissions: &mut [Submission],
    mut stored: impl FnMut(Num),
) -> Result<()> {
    let now = tx.now();
    let together = match tasks.len() / ALIKE * ALIKE {
        many if many > 0 && are_alike(&tasks[..many]) => many,
        _ => 0,
    };
    let (alike, others) = tasks.split_at(together);
    if let [first, ..] = alike {
        insert_alike(tx.connection, alike, now)?;
        let status = first.due(now).1;
        tx.counts.add(&first.tenant, &first.spec.queue, status, together as i64);
        tx.ring |= status == TaskStatus::Pending;
    }
    let mut insert = Insert::new(tx.connection, now)?;
    let mut waits_in_line = Vec::new();
    for (new, submission) in others.iter().zip(&mut submissions[together..]) {
        if submission.deduplicated {
            // Of a task of the same call, which was checked before its place in line was known.
            if waits_in_line.contains(&submission.task_id) {
                submission.status = TaskStatus::Blocked;
            }
            stored(0);
            continue;
        }
        let line = match &new.spec.state_key {
            Some(key) if new.place.waits == 0 => Some(line::end(tx.connection, &new.tenant, key)?),
            _ => None,
        };
        if line.is_some_and(|place| place > 1) {
            submission.status = TaskStatus::Blocked;
            waits_in_line.push(new.task_id);
        }
        let num = insert.task(new, submission.status, line)?;
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
        if new.place.kind.is_task() {
            tx.counts.add(&new.tenant, &new.spec.queue, submission.status, 1);
        }
        tx.ring |= submission.status == TaskStatus::Pending;
        stored(num);
    }
    Ok(())
}

/// What is looked at before tasks are stored: keys that are known, and how deep queues would be.
pub(crate) struct Check<'t> {
    tenant: &'t str,
    depth_limit: Option<u64>,
    own_keys: HashMap<&'t str, &'t NewTask>,
}

impl<'t> Check<'t> {
    /// For tasks of a tenant. The key of `first` is theirs already.
    pub(crate) fn new(
        tenant: &'t str,
        depth_limit: Option<u64>,
        first: Option<&'t NewTask>,
    ) -> Self {
        let own = first.and_then(|new| Some((new.spec.idempotency_key.as_deref()?, new)));
        Self { tenant, depth_limit, own_keys: own.into_iter().collect() }
    }

    /// Answers for each task, or the refusal of all.
    pub(crate) fn submissions(
        &mut self,
        tx: &Tx<'_>,
        tasks: impl ExactSizeIterator<Item = &'t NewTask>,
    ) -> Result<windlass_core::Result<Vec<Submission>>> {
        let now = tx.now();
        let mut submissions = Vec::with_capacity(tasks.len());
        let mut added: Vec<(&str, u64)> = Vec::new();
        for new in tasks {
            let mut submission = Submission {
                task_id: new.task_id,
                status: new.due(now).1,
                deduplicated: false,
                batch_id: new.batch_id,
            };
            if let Some(key) = &new.spec.idempotency_key {
                let known = match self.own_keys.get(key.as_str()) {
                    Some(own) => Some(Known {
                        task_id: own.task_id,
                        status: own.due(now).1,
                        fingerprint: own.fingerprint,
                        batch_id: own.batch_id,
                        kind: own.place.kind,
                    }),
                    None => known(tx, self.tenant, key)?,
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
                        self.own_keys.insert(key, new);
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
        if let Some(limit) = self.depth_limit {
            for (queue, more) in added {
                let stored = crate::counts::waiting(tx.connection, self.tenant, queue)?;
                let waiting = stored + tx.counts.waiting(self.tenant, queue);
                if u64::try_from(waiting).unwrap_or(0) + more > limit {
                    return Ok(Err(Error::queue_full(queue, limit)));
                }
            }
        }
        Ok(Ok(submissions))
    }
}

/// The task that holds an idempotency key.
pub(crate) struct Known {
    pub(crate) task_id: TaskId,
    pub(crate) status: TaskStatus,
    pub(crate) fingerprint: Option<[u8; 32]>,
    pub(crate) batch_id: Option<BatchId>,
    pub(crate) kind: TaskKind,
}

/// The task that holds an idempotency key, if there is one.
pub(crate) fn known(tx: &Tx<'_>, tenant: &str, key: &str) -> Result<Option<Known>> {
    let mut select = tx.connection.prepare_cached(
        "SELECT id, status, fingerprint, iif(parent_kind IS NULL, batch_id, NULL), kind FROM tasks \
         WHERE tenant = ?1 AND idempotency_key = ?2",
    )?;
    select.query_row(params![tenant, key], read).optional()
}

/// The task with this id, if the tenant has it.
pub(crate) fn found(tx: &Tx<'_>, tenant: &str, task_id: TaskId) -> Result<Option<Known>> {
    let mut select = tx.connection.prepare_cached(
        "SELECT id, status, fingerprint, iif(parent_kind IS NULL, batch_id, NULL), kind FROM tasks \
         WHERE tenant = ?1 AND id = ?2",
    )?;
    select.query_row(params![tenant, task_id.as_bytes()], read).optional()
}

fn read(row: &Row<'_>) -> Result<Known> {
    let mut cells = Cells::new(row);
    Ok(Known {
        task_id: TaskId::from_bytes(cells.take()?),
        status: cells.status()?,
        fingerprint: cells.take()?,
        batch_id: cells.take::<Option<[u8; 16]>>()?.map(BatchId::from_bytes),
        kind: cells.kind()?.unwrap_or_default(),
    })
}

//! The commonest transition: a task completes under its lease, with nothing else to say.
//!
//! Two statements do what [`Transition::apply`] does to the row, where that only copies and counts: one
//! finds it, one writes it by its number. `RETURNING` would make one of the two, at the price of a table
//! of its own for each row: half as much again. Everything else, a row whose first start is told already
//! and whose attempt is not counted yet among it, goes the way of all transitions. The test beside the
//! store compares the two ways, step by step.

use rusqlite::{CachedStatement, Connection, OptionalExtension, Result, params};
use windlass_core::engine::follow::Changed;
use windlass_core::engine::transition::{Guard, Transition};
use windlass_core::words::{Parent, TaskKind};
use windlass_core::{LeaseToken, Payload, Settled, TaskId, TaskStatus, Timestamp};

use crate::follow::Following;
use crate::line;
use crate::row::{Cells, Num};
use crate::tx::Tx;

/// Rows that are held under a lease and may end by a mere copy.
macro_rules! from_held {
    () => {
        " FROM tasks WHERE tenant = ?1 AND id = ?2 AND status = 3 AND token = ?3 \
         AND (lease_counted OR start_seq IS NULL)"
    };
}

/// Writes completions by statements that are looked up once.
pub(crate) struct Completions<'c> {
    connection: &'c Connection,
    find: CachedStatement<'c>,
    update: CachedStatement<'c>,
    /// Finds one and whom it concerns: looked up when the first comes that concerns others.
    find_member: Option<CachedStatement<'c>>,
    /// Whether the last one concerned others. Such come many at a time, and plain ones do.
    is_member: bool,
}

impl<'c> Completions<'c> {
    /// The completions of a connection.
    pub(crate) fn new(connection: &'c Connection) -> Result<Self> {
        let find = connection.prepare_cached(concat!(
            "SELECT num, queue, batch_id IS NULL AND state_key IS NULL",
            from_held!()
        ))?;
        // ?3 is the start of the attempt, or NULL when it was told before.
        let update = connection.prepare_cached(
            "UPDATE tasks SET status = 4, version = version + 1, finished_at = ?2, \
             result = ?4, progress = 100.0, error = NULL, \
             attempt = attempt + (NOT lease_counted AND ?3 NOT NULL), \
             attempt_started_at = iif(lease_counted, attempt_started_at, \
                coalesce(?3, attempt_started_at)), \
             started_at = iif(lease_counted, started_at, coalesce(?3, started_at)), \
             executed_on = iif(lease_counted OR ?3 IS NULL, executed_on, lease_worker), \
             start_seq = iif(lease_counted OR ?3 IS NULL, start_seq, last_seq + 1), \
             last_seq = last_seq + 1 + (NOT lease_counted AND ?3 NOT NULL), \
             token = NULL, lease_worker = NULL, lease_expires_at = NULL, lease_counted = 0 \
             WHERE num = ?1",
        )?;
        Ok(Self { connection, find, update, find_member: None, is_member: false })
    }

    /// Writes a transition, if it is such a completion and its guard holds; `None` leaves it to
    /// others.
    pub(crate) fn write(
        &mut self,
        tx: &mut Tx<'c>,
        following: &mut Following<'c>,
        to: &Transition,
    ) -> Result<Option<Settled>> {
        let Some(token) = token_of(to) else { return Ok(None) };
        let now = tx.now();
        let started = to.started.map(|ago| now.before(ago)).map(Timestamp::as_millis);
        let mut found = None;
        if !self.is_member {
            let guard = params![to.tenant, to.task_id.as_bytes(), token.as_bytes()];
            let counts = &mut tx.counts;
            let plain = self.find.query_row(guard, |row| {
                let is_plain = row.get(2)?;
                if is_plain {
                    let queue = row.get_ref(1)?.as_str()?;
                    counts.moved(&to.tenant, queue, TaskStatus::Running, TaskStatus::Completed);
                }
                Ok((row.get::<_, Num>(0)?, is_plain))
            });
            let Some((num, is_plain)) = plain.optional()? else { return Ok(None) };
            self.is_member = !is_plain;
            found = Some((num, None));
        }
        if self.is_member {
            found = self.find_member(tx, to, token)?;
        }
        let Some((num, changed)) = found else { return Ok(None) };
        self.is_member = changed.is_some();
        let result = to.result.as_ref().map(Payload::as_str);
        self.update.execute(params![num, now.as_millis(), started, result])?;
        if let Some(changed) = changed {
            if let (Some(state), Some(state_key)) = (&to.state, &changed.state_key) {
                line::store(self.connection, &to.tenant, state_key, state)?;
            }
            following.note_change(tx, num, changed)?;
        }
        tx.ring = true;
        Ok(Some(Settled { task_id: to.task_id, status: TaskStatus::Completed }))
    }

    /// The row, and what the completion changes for others, before it is written.
    fn find_member(
        &mut self,
        tx: &mut Tx<'c>,
        to: &Transition,
        token: LeaseToken,
    ) -> Result<Option<(Num, Option<Changed>)>> {
        let find = match &mut self.find_member {
            Some(find) => find,
            none => none.insert(self.connection.prepare_cached(concat!(
                "SELECT num, queue, batch_id, state_key, parent_kind, stage, waits, attempt, \
                 lease_counted",
                from_held!()
            ))?),
        };
        let counts = &mut tx.counts;
        let guard = params![to.tenant, to.task_id.as_bytes(), token.as_bytes()];
        let found = find.query_row(guard, |row| {
            let mut cells = Cells::new(row);
            let num = cells.take()?;
            let queue = cells.text()?.unwrap_or_default();
            counts.moved(&to.tenant, queue, TaskStatus::Running, TaskStatus::Completed);
            let parent = cells.take::<Option<[u8; 16]>>()?.map(TaskId::from_bytes);
            let state_key: Option<String> = cells.take()?;
            if parent.is_none() && state_key.is_none() {
                return Ok((num, None));
            }
            let kind = cells.kind()?.unwrap_or(TaskKind::Batch);
            let (stage, waits, attempt) = (cells.take()?, cells.take()?, cells.take::<u32>()?);
            let began = !cells.take::<bool>()? && to.started.is_some();
            let changed = Changed {
                task_id: to.task_id,
                tenant: to.tenant.clone(),
                kind: TaskKind::Task,
                parent: parent.map(|task_id| Parent { task_id, kind }),
                stage,
                state_key,
                before: TaskStatus::Running,
                after: TaskStatus::Completed,
                waits,
                attempt: attempt + u32::from(began),
                began,
                error: None,
            };
            Ok((num, Some(changed)))
        });
        found.optional()
    }
}

/// The token of a completion that says nothing but its result and its start.
fn token_of(to: &Transition) -> Option<LeaseToken> {
    let Guard::Lease(token) = to.guard else { return None };
    let plain = to.status == TaskStatus::Completed
        && to.updates.is_empty()
        && !(to.uncount || to.start_over)
        && to.error.is_none()
        && (to.run_at, to.suspect, to.cancel_requested, to.waits) == (None, None, None, None);
    plain.then_some(token)
}

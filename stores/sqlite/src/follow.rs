//! What follows from a change, written by the transaction of the change: the rows that
//! `windlass_core::engine::follow` works on.

use std::collections::HashSet;

use rusqlite::{CachedStatement, OptionalExtension, Result, params};
use windlass_core::engine::follow::{Changed, Follow, Rows};
use windlass_core::words::{Members, Need};
use windlass_core::{Task, TaskId, TaskStatus, Timestamp, Update};

use crate::hot::HotRows;
use crate::row::{self, Cells, Num};
use crate::tx::Tx;
use crate::{line, updates};

/// What follows from the changes of one call, and the statements to write it.
pub(crate) struct Following<'c> {
    follow: Follow<Num>,
    statements: Statements<'c>,
}

impl<'c> Following<'c> {
    /// Nothing yet.
    pub(crate) fn new() -> Self {
        Self { follow: Follow::default(), statements: Statements::default() }
    }

    /// Takes note of a change to a row that was written.
    pub(crate) fn note(
        &mut self,
        tx: &mut Tx<'c>,
        num: Num,
        task: &Task,
        before: TaskStatus,
        attempt: u32,
    ) -> Result<()> {
        if !Changed::concerns_others(task) {
            return Ok(());
        }
        self.note_change(tx, num, Changed::of(task, before, attempt))
    }

    /// Takes note of a change that others may care about.
    pub(crate) fn note_change(
        &mut self,
        tx: &mut Tx<'c>,
        num: Num,
        changed: Changed,
    ) -> Result<()> {
        if changed.state_key.is_some() && changed.after.is_final() {
            line::leave(tx.connection, num)?;
        }
        self.follow.note(&mut View { tx, statements: &mut self.statements }, num, changed)
    }

    /// Looks whether a composite that was just stored has ended already.
    pub(crate) fn look_at(&mut self, tenant: &str, composite: TaskId) {
        self.follow.look_at(tenant, composite);
    }

    /// Writes everything that follows, and keeps what is to be told after the commit.
    pub(crate) fn finish(&mut self, tx: &mut Tx<'c>) -> Result<()> {
        if self.follow.is_empty() {
            return Ok(());
        }
        let follow = std::mem::take(&mut self.follow);
        let followed = follow.finish(&mut View { tx, statements: &mut self.statements })?;
        tx.followed.extend(followed);
        Ok(())
    }
}

/// Statements that are looked up once, when they are first needed.
#[derive(Default)]
struct Statements<'c> {
    by_num: Option<CachedStatement<'c>>,
    waiting: Option<CachedStatement<'c>>,
    dependents: Option<CachedStatement<'c>>,
    release: Option<CachedStatement<'c>>,
    hot: Option<HotRows<'c>>,
    /// Composites whose members have all ended, so that none is to be looked for.
    whole: HashSet<TaskId>,
}

macro_rules! followed_columns {
    () => {
        concat!(
            row::hot_columns!(),
            ", ",
            row::members_column!(),
            ", iif(t.kind > 0, ",
            row::payload_column!(),
            ", NULL)"
        )
    };
}

fn read(cells: &mut Cells<'_, '_>) -> Result<(Num, Task)> {
    let (num, mut task) = row::read_hot(cells)?;
    task.members = cells.members()?;
    if let Some(payload) = cells.payload()? {
        task.payload = payload;
    }
    Ok((num, task))
}

/// What [`WAITING`] selects.
fn read_waiting(cells: &mut Cells<'_, '_>) -> Result<Task> {
    let id = TaskId::from_bytes(cells.take()?);
    let mut task = row::blank(id, cells.take()?, cells.take()?);
    task.status = cells.status()?;
    task.version = cells.number()?;
    task.run_at = cells.instant()?;
    task.attempt = cells.take()?;
    task.last_seq = cells.number()?;
    task.error = cells.error()?;
    cells.place(&mut task)?;
    Ok(task)
}

/// What a release reads and changes of a row: there may be very many at once.
const WAITING: &str = "SELECT t.id, t.tenant, t.queue, t.status, t.version, t.run_at, t.attempt, \
     t.last_seq, t.error, t.batch_id, t.state_key, t.kind, t.parent_kind, t.stage, t.waits \
     FROM tasks t WHERE t.num = ?1";

/// The rows of a transaction.
struct View<'x, 'c> {
    tx: &'x mut Tx<'c>,
    statements: &'x mut Statements<'c>,
}

impl Rows for View<'_, '_> {
    type Key = Num;
    type Error = rusqlite::Error;

    fn now(&self) -> Timestamp {
        self.tx.now()
    }

    fn load(&mut self, key: Num) -> Result<Option<Task>> {
        let connection = self.tx.connection;
        let select = match &mut self.statements.by_num {
            Some(select) => select,
            none => none.insert(connection.prepare_cached(concat!(
                "SELECT ",
                followed_columns!(),
                " FROM tasks t WHERE t.num = ?1"
            ))?),
        };
        let row = select.query_row([key], |row| read(&mut Cells::new(row))).optional()?;
        Ok(row.map(|(_, task)| task))
    }

    fn load_waiting(&mut self, key: Num) -> Result<Option<Task>> {
        let connection = self.tx.connection;
        let select = match &mut self.statements.waiting {
            Some(select) => select,
            none => none.insert(connection.prepare_cached(WAITING)?),
        };
        select.query_row([key], |row| read_waiting(&mut Cells::new(row))).optional()
    }

    fn find(&mut self, tenant: &str, id: TaskId) -> Result<Option<(Num, Task)>> {
        let mut select = self.tx.connection.prepare_cached(concat!(
            "SELECT ",
            followed_columns!(),
            " FROM tasks t WHERE t.id = ?1 AND t.tenant = ?2"
        ))?;
        select
            .query_row(params![id.as_bytes(), tenant], |row| read(&mut Cells::new(row)))
            .optional()
    }

    fn save(
        &mut self,
        key: Num,
        before: TaskStatus,
        task: &Task,
        updates: Vec<Update>,
    ) -> Result<()> {
        let connection = self.tx.connection;
        self.tx.ring = true;
        if before == TaskStatus::Blocked && !task.status.is_final() {
            // Only what a release changes: there may be very many at once.
            let release = match &mut self.statements.release {
                Some(release) => release,
                none => none.insert(connection.prepare_cached(
                    "UPDATE tasks SET status = ?2, version = ?3, run_at = ?4, last_seq = ?5, \
                     waits = ?6 WHERE num = ?1",
                )?),
            };
            release.execute(params![
                key,
                task.status as u8,
                task.version.cast_signed(),
                task.run_at.as_millis(),
                task.last_seq.cast_signed(),
                task.waits
            ])?;
        } else {
            let hot = match &mut self.statements.hot {
                Some(hot) => hot,
                none => none.insert(HotRows::new(connection)?),
            };
            hot.write(key, task)?;
        }
        if task.state_key.is_some() && task.status.is_final() {
            line::leave(connection, key)?;
        }
        updates::insert(connection, key, &updates)?;
        if let Some(members) = &task.members {
            write_members(self.tx, key, members)?;
            if members.open() > 0 {
                self.statements.whole.remove(&task.task_id);
            } else if !task.status.is_final() {
                self.statements.whole.insert(task.task_id);
            }
        }
        self.tx.moved(task, before);
        Ok(())
    }

    fn dependents(&mut self, key: Num) -> Result<Vec<(Num, Need)>> {
        let connection = self.tx.connection;
        let select = match &mut self.statements.dependents {
            Some(select) => select,
            none => none.insert(
                connection.prepare_cached("SELECT to_num, need FROM edges WHERE from_num = ?1")?,
            ),
        };
        let rows = select.query_map([key], |row| {
            let mut cells = Cells::new(row);
            Ok((cells.take()?, cells.need()?))
        })?;
        rows.collect()
    }

    fn open_members(&mut self, parent: &Task) -> Result<Vec<Num>> {
        // Walks all members, which only an end before theirs is worth.
        if self.statements.whole.contains(&parent.task_id) {
            return Ok(Vec::new());
        }
        let mut select = self.tx.connection.prepare_cached(
            "SELECT num FROM tasks INDEXED BY tasks_batch \
             WHERE batch_id = ?1 AND tenant = ?2 AND status < 4 ORDER BY id",
        )?;
        let rows = select
            .query_map(params![parent.task_id.as_bytes(), parent.tenant], |row| row.get(0))?;
        rows.collect()
    }

    fn ended_members(&mut self, parent: &Task, since: Timestamp) -> Result<Vec<Num>> {
        let mut select = self.tx.connection.prepare_cached(
            "SELECT num FROM tasks INDEXED BY tasks_batch \
             WHERE batch_id = ?1 AND tenant = ?2 AND finished_at >= ?3 ORDER BY id",
        )?;
        let composite = params![parent.task_id.as_bytes(), parent.tenant, since.as_millis()];
        let rows = select.query_map(composite, |row| row.get(0))?;
        rows.collect()
    }

    fn next_step(&mut self, block: &Task) -> Result<Option<Num>> {
        let mut select = self.tx.connection.prepare_cached(
            "SELECT num FROM tasks INDEXED BY tasks_step WHERE waits > 0 AND parent_kind = 2 \
             AND batch_id = ?1 AND tenant = ?2 AND status = 0 ORDER BY id LIMIT 1",
        )?;
        select
            .query_row(params![block.task_id.as_bytes(), block.tenant], |row| row.get(0))
            .optional()
    }

    fn recount(&mut self, parent: &Task) -> Result<Members> {
        let mut select = self.tx.connection.prepare_cached(
            "SELECT count(*), count(*) FILTER (WHERE status = 4), \
             count(*) FILTER (WHERE status = 5), count(*) FILTER (WHERE status = 6) \
             FROM tasks INDEXED BY tasks_batch WHERE batch_id = ?1 AND tenant = ?2",
        )?;
        select.query_row(params![parent.task_id.as_bytes(), parent.tenant], |row| {
            let mut cells = Cells::new(row);
            Ok(Members {
                total: cells.take()?,
                completed: cells.take()?,
                failed: cells.take()?,
                cancelled: cells.take()?,
                first: None,
            })
        })
    }

    fn join_line(&mut self, key: Num, task: &Task) -> Result<bool> {
        line::join(self.tx.connection, key, task)
    }

    fn first_in_line(&mut self, tenant: &str, state_key: &str) -> Result<Option<Num>> {
        line::first(self.tx.connection, tenant, state_key)
    }
}

/// Stores how the members of a composite stand.
pub(crate) fn write_members(tx: &Tx<'_>, num: Num, members: &Members) -> Result<()> {
    tx.connection
        .prepare_cached(
            "INSERT INTO composites (num, total, completed, failed, cancelled, first) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO UPDATE SET total = ?2, \
             completed = ?3, failed = ?4, cancelled = ?5, first = ?6",
        )?
        .execute(params![
            num,
            members.total,
            members.completed,
            members.failed,
            members.cancelled,
            members.first
        ])?;
    Ok(())
}

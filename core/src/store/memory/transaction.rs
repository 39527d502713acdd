//! The rows of one write, for what follows from it.

use super::following::FOLLOWING;
use super::table::Table;
use crate::engine::follow::{Changed, Follow, Rows};
use crate::engine::transition::Transition;
use crate::error::{Error, Result};
use crate::store::Applied;
use crate::words::{Members, Need, Settled, Task, TaskId, TaskStatus, Timestamp, Update};

/// One write, while the table is locked.
pub(super) struct Transaction<'a> {
    pub(super) table: &'a mut Table,
    pub(super) now: Timestamp,
}

impl Transaction<'_> {
    /// Applies a transition whose guard holds, and takes note of it.
    pub(super) fn apply(
        &mut self,
        transition: &Transition,
        follow: &mut Follow<TaskId>,
    ) -> Result<Applied> {
        let (id, now) = (transition.task_id, self.now);
        let Some(slot) = self.table.find(&transition.tenant, id) else {
            return Ok(Applied::Missing);
        };
        let task = &self.table.rows[slot].task;
        if !transition.guard.holds(task) {
            return Ok(Applied::Stale(Box::new(task.clone())));
        }
        let (before, attempt) = (task.status, task.attempt);
        let (settled, changed) = self.table.change(slot, |task| {
            let rows = transition.apply(task, now);
            let concerns = Changed::concerns_others(task);
            let changed = concerns.then(|| Changed::of(task, before, attempt));
            ((Settled { task_id: id, status: task.status }, changed), rows)
        });
        if let Some(state) = &transition.state
            && settled.status == TaskStatus::Completed
        {
            self.table.states.keep(&self.table.rows[slot].task, state);
        }
        if let Some(changed) = changed {
            (FOLLOWING.note)(follow, self, id, changed)?;
        }
        Ok(Applied::Done(settled))
    }
}

impl Rows for Transaction<'_> {
    type Key = TaskId;
    type Error = Error;

    fn now(&self) -> Timestamp {
        self.now
    }

    fn load(&mut self, key: TaskId) -> Result<Option<Task>> {
        Ok(self.table.rows.get(key).cloned())
    }

    fn find(&mut self, tenant: &str, id: TaskId) -> Result<Option<(TaskId, Task)>> {
        Ok(self.table.get(tenant, id).map(|task| (id, task.clone())))
    }

    fn save(
        &mut self,
        key: TaskId,
        _before: TaskStatus,
        task: &Task,
        updates: Vec<Update>,
    ) -> Result<()> {
        if let Some(slot) = self.table.rows.find(key) {
            self.table.change(slot, |row| (row.clone_from(task), updates));
        }
        Ok(())
    }

    fn dependents(&mut self, key: TaskId) -> Result<Vec<(TaskId, Need)>> {
        Ok(self.table.beside.get(&key).map(|beside| beside.dependents.clone()).unwrap_or_default())
    }

    fn open_members(&mut self, parent: &Task) -> Result<Vec<TaskId>> {
        let members = self.table.members(parent.task_id).filter(|task| !task.status.is_final());
        Ok(members.map(|task| task.task_id).collect())
    }

    fn ended_members(&mut self, parent: &Task, since: Timestamp) -> Result<Vec<TaskId>> {
        let members = self.table.members(parent.task_id);
        let late = members.filter(|task| task.finished_at >= Some(since));
        Ok(late.map(|task| task.task_id).collect())
    }

    fn next_step(&mut self, block: &Task) -> Result<Option<TaskId>> {
        Ok(self.table.indexes.next_step(block.task_id))
    }

    fn recount(&mut self, parent: &Task) -> Result<Members> {
        let mut tally = Members::default();
        for task in self.table.members(parent.task_id) {
            tally.total += 1;
            match task.status {
                TaskStatus::Completed => tally.completed += 1,
                TaskStatus::Failed => tally.failed += 1,
                TaskStatus::Cancelled => tally.cancelled += 1,
                _ => {}
            }
        }
        Ok(tally)
    }

    fn join_line(&mut self, key: TaskId, _task: &Task) -> Result<bool> {
        Ok(self.table.join_line(key))
    }

    fn first_in_line(&mut self, tenant: &str, state_key: &str) -> Result<Option<TaskId>> {
        Ok(self.table.states.first(tenant, state_key))
    }
}

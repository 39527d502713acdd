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
        let (before, attempt) = match self.table.get(&transition.tenant, id) {
            None => return Ok(Applied::Missing),
            Some(task) if !transition.guard.holds(task) => {
                return Ok(Applied::Stale(Box::new(task.clone())));
            }
            Some(task) => (task.status, task.attempt),
        };
        let changed = self.table.change(id, |task| {
            let rows = transition.apply(task, now);
            let concerns = Changed::concerns_others(task);
            let changed = concerns.then(|| Changed::of(task, before, attempt));
            ((Settled { task_id: id, status: task.status }, changed), rows)
        });
        let Some((settled, changed)) = changed else { return Ok(Applied::Missing) };
        if let Some(state) = &transition.state
            && settled.status == TaskStatus::Completed
        {
            let Table { rows, states, .. } = &mut *self.table;
            states.keep(&rows[&id], state);
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
        Ok(self.table.rows.get(&key).cloned())
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
        self.table.change(key, |row| {
            row.clone_from(task);
            ((), updates)
        });
        Ok(())
    }

    fn dependents(&mut self, key: TaskId) -> Result<Vec<(TaskId, Need)>> {
        Ok(self.table.graphs.dependents.get(&key).cloned().unwrap_or_default())
    }

    fn open_members(&mut self, parent: &Task) -> Result<Vec<TaskId>> {
        let members = self.table.graphs.members.get(&parent.task_id).into_iter().flatten();
        let is_open = |id: &&TaskId| !self.table.rows[*id].status.is_final();
        Ok(members.filter(is_open).copied().collect())
    }

    fn ended_members(&mut self, parent: &Task, since: Timestamp) -> Result<Vec<TaskId>> {
        let members = self.table.graphs.members.get(&parent.task_id).into_iter().flatten();
        let is_late = |id: &&TaskId| self.table.rows[*id].finished_at >= Some(since);
        Ok(members.filter(is_late).copied().collect())
    }

    fn next_step(&mut self, block: &Task) -> Result<Option<TaskId>> {
        Ok(self.table.graphs.next_step(block.task_id))
    }

    fn recount(&mut self, parent: &Task) -> Result<Members> {
        let mut tally = Members::default();
        for id in self.table.graphs.members.get(&parent.task_id).into_iter().flatten() {
            tally.total += 1;
            match self.table.rows[id].status {
                TaskStatus::Completed => tally.completed += 1,
                TaskStatus::Failed => tally.failed += 1,
                TaskStatus::Cancelled => tally.cancelled += 1,
                _ => {}
            }
        }
        Ok(tally)
    }

    fn join_line(&mut self, _key: TaskId, task: &Task) -> Result<bool> {
        Ok(self.table.states.join(task))
    }

    fn first_in_line(&mut self, tenant: &str, state_key: &str) -> Result<Option<TaskId>> {
        Ok(self.table.states.first(tenant, state_key))
    }
}

//! What follows from a change of status: for those who wait for the task, for its composite, for the line
//! of its state key.
//!
//! A store calls this inside the transaction of the change, so that a task's end and everything that
//! follows from it are stored together or not at all. All stores follow the same way: they only offer
//! [`Rows`]. What a change costs does not depend on how many siblings there are.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::composite;
use crate::engine::report::Report;
use crate::engine::transition::Transition;
use crate::words::{
    Members, Need, Parent, Task, TaskError, TaskId, TaskKind, TaskStatus, Timestamp, Update,
};

/// The rows of one transaction, as far as consequences need them.
pub trait Rows {
    /// How the store knows a row.
    type Key: Copy + Ord;
    /// What may go wrong.
    type Error;

    /// The store's clock.
    fn now(&self) -> Timestamp;

    /// A row; `None` when it is gone.
    fn load(&mut self, key: Self::Key) -> Result<Option<Task>, Self::Error>;

    /// The same of a row that may wait: where it does, only what its release needs must be there.
    fn load_waiting(&mut self, key: Self::Key) -> Result<Option<Task>, Self::Error> {
        self.load(key)
    }

    /// The row of a task of `tenant`; `None` when it is gone.
    fn find(&mut self, tenant: &str, id: TaskId) -> Result<Option<(Self::Key, Task)>, Self::Error>;

    /// Writes a row that was loaded, with its tally where it has one, its indexes and counts; `before` is
    /// the status that it had. Appends `updates` to its history.
    fn save(
        &mut self,
        key: Self::Key,
        before: TaskStatus,
        task: &Task,
        updates: Vec<Update>,
    ) -> Result<(), Self::Error>;

    /// Who waits for the task with this row, and for which of its ends.
    fn dependents(&mut self, key: Self::Key) -> Result<Vec<(Self::Key, Need)>, Self::Error>;

    /// The members of a composite that have not ended, by id.
    fn open_members(&mut self, parent: &Task) -> Result<Vec<Self::Key>, Self::Error>;

    /// The first member of a block, by id, that is `blocked` and waits for its turn in the block, not for
    /// that in the line of its state key.
    fn next_step(&mut self, block: &Task) -> Result<Option<Self::Key>, Self::Error>;

    /// The members of a composite that ended at or after `since`, by id.
    fn ended_members(
        &mut self,
        parent: &Task,
        since: Timestamp,
    ) -> Result<Vec<Self::Key>, Self::Error>;

    /// How the members of a composite stand, counted anew. `first` is left out.
    fn recount(&mut self, parent: &Task) -> Result<Members, Self::Error>;

    /// Puts a task at the end of the line of its state key, where it keeps its place until it has ended;
    /// whether it is the first. A task that is in line already stays where it is.
    fn join_line(&mut self, key: Self::Key, task: &Task) -> Result<bool, Self::Error>;

    /// The first in the line of a state key.
    fn first_in_line(
        &mut self,
        tenant: &str,
        state_key: &str,
    ) -> Result<Option<Self::Key>, Self::Error>;
}

/// A task that changed because another did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Followed {
    /// The task.
    pub task_id: TaskId,
    /// Its status now.
    pub status: TaskStatus,
    /// It runs, and its worker is to be told to stop it.
    pub asked: bool,
}

/// What of a change of status others may care about.
#[derive(Debug, Clone, PartialEq)]
pub struct Changed {
    /// The task.
    pub task_id: TaskId,
    /// Its tenant.
    pub tenant: String,
    /// What it is made of.
    pub kind: TaskKind,
    /// What it is a member of.
    pub parent: Option<Parent>,
    /// Its name in a pipeline.
    pub stage: Option<String>,
    /// Its line.
    pub state_key: Option<String>,
    /// Its status before.
    pub before: TaskStatus,
    /// Its status now.
    pub after: TaskStatus,
    /// How many tasks it waits for.
    pub waits: u32,
    /// Its attempts counted so far.
    pub attempt: u32,
    /// An attempt of it began to count with the change.
    pub began: bool,
    /// Its last error, where it has one.
    pub error: Option<TaskError>,
}

impl Changed {
    /// What changed about `task`, which is as it is now, from its status and attempts before.
    pub fn of(task: &Task, before: TaskStatus, attempt: u32) -> Self {
        Self {
            task_id: task.task_id,
            tenant: task.tenant.clone(),
            kind: task.kind,
            parent: task.parent(),
            stage: task.stage.clone(),
            state_key: task.state_key.clone(),
            before,
            after: task.status,
            waits: task.waits,
            attempt: task.attempt,
            began: task.attempt > attempt,
            error: task.error.clone(),
        }
    }

    /// Whether anybody else may care: a plain task's change concerns only itself.
    pub fn concerns_others(task: &Task) -> bool {
        task.kind != TaskKind::Task || task.state_key.is_some() || task.parent().is_some()
    }
}

/// A task that waits in vain.
#[derive(Debug)]
struct Doomed<K> {
    key: K,
    upstream: TaskId,
    stage: Option<String>,
    completed: bool,
}

/// Gathers what follows from the changes of one transaction, and then writes it.
#[derive(Debug)]
pub struct Follow<K> {
    met: BTreeMap<K, u32>,
    doomed: Vec<Doomed<K>>,
    lines: Vec<(String, String)>,
    joining: Vec<K>,
    /// Tasks that wait for a composite that goes on.
    restoring: Vec<K>,
    composites: BTreeMap<(String, TaskId), Vec<Report>>,
    stopping: Vec<(String, TaskId)>,
    /// Composites that end with this transaction.
    pub(super) ended: BTreeSet<(String, TaskId)>,
    pub(super) followed: Vec<Followed>,
}

impl<K> Default for Follow<K> {
    fn default() -> Self {
        Self {
            met: BTreeMap::new(),
            doomed: Vec::new(),
            lines: Vec::new(),
            joining: Vec::new(),
            restoring: Vec::new(),
            composites: BTreeMap::new(),
            stopping: Vec::new(),
            ended: BTreeSet::new(),
            followed: Vec::new(),
        }
    }
}

impl<K: Copy + Ord> Follow<K> {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.met.is_empty()
            && self.doomed.is_empty()
            && self.lines.is_empty()
            && self.joining.is_empty()
            && self.restoring.is_empty()
            && self.composites.is_empty()
            && self.stopping.is_empty()
    }

    /// Takes note of a change that was written.
    ///
    /// # Errors
    ///
    /// What `rows` fails with.
    pub fn note<R: Rows<Key = K>>(
        &mut self,
        rows: &mut R,
        key: K,
        mut changed: Changed,
    ) -> Result<(), R::Error> {
        let ended = changed.after.is_final() && !changed.before.is_final();
        let again = changed.before.is_final() && !changed.after.is_final();
        let is_stage = changed.parent.is_some_and(|parent| parent.kind == TaskKind::Pipeline);
        if ended && (is_stage || changed.kind != TaskKind::Task) {
            let completed = changed.after == TaskStatus::Completed;
            for (to, need) in rows.dependents(key)? {
                if need.is_met(completed) {
                    *self.met.entry(to).or_default() += 1;
                } else {
                    let (upstream, stage) = (changed.task_id, changed.stage.clone());
                    self.doomed.push(Doomed { key: to, upstream, stage, completed });
                }
            }
        }
        if again && changed.kind != TaskKind::Task {
            self.ended.remove(&(changed.tenant.clone(), changed.task_id));
            self.restoring.extend(rows.dependents(key)?.into_iter().map(|(to, _)| to));
        }
        if ended && changed.kind != TaskKind::Task {
            self.stopping.push((changed.tenant.clone(), changed.task_id));
            self.ended.insert((changed.tenant.clone(), changed.task_id));
        }
        if let Some(state_key) = changed.state_key.take() {
            if ended {
                self.lines.push((changed.tenant.clone(), state_key));
            } else if again && changed.waits == 0 {
                self.joining.push(key);
            }
        }
        if let Some(parent) = changed.parent
            && (ended || again || parent.kind != TaskKind::Batch)
        {
            let place = (std::mem::take(&mut changed.tenant), parent.task_id);
            self.composites.entry(place).or_default().push(Report::of(changed));
        }
        Ok(())
    }

    /// Looks whether a composite that was just stored has ended already, as an empty one has.
    pub fn look_at(&mut self, tenant: &str, composite: TaskId) {
        self.composites.entry((tenant.to_owned(), composite)).or_default();
    }

    /// Writes everything that follows, and what follows from that, until nothing is left. Answers the
    /// tasks that changed by it, for whoever waits for them.
    ///
    /// # Errors
    ///
    /// What `rows` fails with.
    pub fn finish<R: Rows<Key = K>>(mut self, rows: &mut R) -> Result<Vec<Followed>, R::Error> {
        while !self.is_empty() {
            while let Some(doomed) = self.doomed.pop() {
                self.change(rows, doomed.key, |task, _| {
                    let (upstream, stage) = (doomed.upstream, doomed.stage.as_deref());
                    let waits = task.status == TaskStatus::Blocked;
                    waits.then(|| composite::doom(task, upstream, stage, doomed.completed))
                })?;
            }
            for key in std::mem::take(&mut self.restoring) {
                self.change(rows, key, |task, _| composite::restore(task))?;
            }
            for (key, met) in std::mem::take(&mut self.met) {
                self.meet(rows, key, met)?;
            }
            for key in std::mem::take(&mut self.joining) {
                self.join(rows, key)?;
            }
            for (tenant, state_key) in std::mem::take(&mut self.lines) {
                if let Some(key) = rows.first_in_line(&tenant, &state_key)? {
                    self.change(rows, key, |task, now| {
                        let waits = task.status == TaskStatus::Blocked && task.waits == 0;
                        waits.then(|| composite::release(task, now))
                    })?;
                }
            }
            for ((tenant, id), reports) in std::mem::take(&mut self.composites) {
                self.report(rows, &tenant, id, reports)?;
            }
            for (tenant, id) in std::mem::take(&mut self.stopping) {
                self.stop(rows, &tenant, id)?;
            }
        }
        Ok(self.followed)
    }

    /// Changes a row as decided, and takes note of it.
    pub(super) fn change<R: Rows<Key = K>>(
        &mut self,
        rows: &mut R,
        key: K,
        decide: impl FnOnce(&Task, Timestamp) -> Option<Transition>,
    ) -> Result<(), R::Error> {
        let Some(mut task) = rows.load(key)? else { return Ok(()) };
        let Some(transition) = decide(&task, rows.now()) else { return Ok(()) };
        self.apply(rows, key, &mut task, &transition)
    }

    pub(super) fn apply<R: Rows<Key = K>>(
        &mut self,
        rows: &mut R,
        key: K,
        task: &mut Task,
        transition: &Transition,
    ) -> Result<(), R::Error> {
        let (before, attempt) = (task.status, task.attempt);
        let updates = transition.apply(task, rows.now());
        rows.save(key, before, task, updates)?;
        let asked = task.status == TaskStatus::Running && task.kind == TaskKind::Task;
        self.followed.push(Followed { task_id: task.task_id, status: task.status, asked });
        self.note(rows, key, Changed::of(task, before, attempt))
    }

    /// Counts down what a task waits for; the last one lets it go.
    pub(super) fn meet<R: Rows<Key = K>>(
        &mut self,
        rows: &mut R,
        key: K,
        met: u32,
    ) -> Result<(), R::Error> {
        let Some(mut task) = rows.load_waiting(key)? else { return Ok(()) };
        if task.status != TaskStatus::Blocked || task.waits == 0 {
            return Ok(());
        }
        task.waits = task.waits.saturating_sub(met);
        if task.waits > 0 || (task.state_key.is_some() && !rows.join_line(key, &task)?) {
            task.version += 1;
            return rows.save(key, TaskStatus::Blocked, &task, Vec::new());
        }
        let transition = composite::release(&task, rows.now());
        self.apply(rows, key, &mut task, &transition)
    }

    /// A task that runs again goes to the end of its line, and runs when that is empty.
    fn join<R: Rows<Key = K>>(&mut self, rows: &mut R, key: K) -> Result<(), R::Error> {
        let Some(mut task) = rows.load(key)? else { return Ok(()) };
        let is_first = !task.status.is_final() && rows.join_line(key, &task)?;
        if !is_first || task.status != TaskStatus::Blocked {
            return Ok(());
        }
        let transition = composite::release(&task, rows.now());
        self.apply(rows, key, &mut task, &transition)
    }
}

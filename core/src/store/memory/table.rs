//! Rows and their indexes, kept in step by one function.

use std::collections::{HashMap, VecDeque};

use super::graphs::Opened;
use super::index::{Entry, Index};
use super::indexes::Indexes;
use super::names::joined;
use super::rows::{Row, Rows, Slot};
use super::states::States;
use super::workers::Workers;
use crate::engine::submit::NewTask;
use crate::error::{Error, Result};
use crate::rules::order::{Place, sort};
use crate::rules::{keys, limits};
use crate::store::{Due, EnqueueGroup, Prune};
use crate::words::{
    BatchId, Counts, Need, Parent, Payload, Submission, Task, TaskId, TaskStatus, Timestamp, Update,
};

/// Rows that one look for recent changes may take.
const RECENT_BUDGET: usize = 200_000;

/// Entries of `stored` that may be left over before they are cleared away.
const STORED_SLACK: usize = 1024;

/// What some tasks have beside their row.
#[derive(Default)]
pub(super) struct Beside {
    history: VecDeque<Update>,
    /// Who waits for it.
    pub(super) dependents: Vec<(TaskId, Need)>,
    /// What it waits for, or waited for.
    pub(super) upstream: Vec<TaskId>,
    /// What was answered for a batch, where it was not its members by id.
    pub(super) answers: Option<Vec<Submission>>,
}

/// Everything that the store keeps.
#[derive(Default)]
pub(super) struct Table {
    pub(super) rows: Rows,
    pub(super) indexes: Indexes,
    pub(super) workers: Workers,
    /// Members, by their composites.
    members: Index,
    pub(super) beside: HashMap<TaskId, Beside>,
    /// Batches that are not sealed, by id.
    #[expect(clippy::vec_box, reason = "they are large, and moved to stay in order")]
    pub(super) opened: Vec<Box<Opened>>,
    /// Lines of state keys, and what was stored under them.
    pub(super) states: States,
    /// When tasks were stored, in that order, with some that are gone.
    pub(super) stored: Vec<(Timestamp, TaskId)>,
    /// Tasks by tenant and idempotency key.
    keys: HashMap<String, Slot>,
}

impl Table {
    /// Where the row is, if it is the tenant's.
    pub(super) fn find(&self, tenant: &str, id: TaskId) -> Option<Slot> {
        self.rows.find(id).filter(|slot| self.rows[*slot].task.tenant == tenant)
    }

    /// The row, if it is the tenant's.
    pub(super) fn get(&self, tenant: &str, id: TaskId) -> Option<&Task> {
        self.rows.get(id).filter(|task| task.tenant == tenant)
    }

    /// The task that was stored with an idempotency key.
    pub(super) fn with_key(&self, tenant: &str, key: &str) -> Option<&Task> {
        self.keys.get(&joined(&[tenant, key])).map(|slot| &self.rows[*slot].task)
    }

    /// Members of a composite, by id.
    pub(super) fn members(&self, id: TaskId) -> impl Iterator<Item = &Task> {
        self.members.of(Place::of(id, id).number()).map(|(_, slot)| &self.rows[slot].task)
    }

    /// Stores a group whole or not at all.
    pub(super) fn enqueue(
        &mut self,
        group: EnqueueGroup,
        now: Timestamp,
    ) -> Result<Vec<Submission>> {
        let tasks: Vec<&NewTask> = group.tasks.iter().collect();
        let known = self.check(&group.tenant, &tasks, group.depth_limit)?;
        Ok(self.insert(group.tasks, known, now))
    }

    /// What is there already for each task's key, and an error where that, or its queue, keeps the group
    /// from being stored.
    pub(super) fn check(
        &self,
        tenant: &str,
        tasks: &[&NewTask],
        depth_limit: Option<u64>,
    ) -> Result<Vec<Option<TaskId>>> {
        let mut known = Vec::with_capacity(tasks.len());
        // Keys and depths of this group, until it is known that all of it can be stored.
        let mut own_keys: HashMap<String, u32> = HashMap::new();
        let mut added: Vec<(&str, u64)> = Vec::new();
        for (new, at) in tasks.iter().zip(0..) {
            let mut same = None;
            if let Some(key) = &new.spec.idempotency_key {
                let name = joined(&[tenant, key]);
                let own = own_keys.get(&name).map(|at| tasks[*at as usize]);
                let own = own.map(|own| (own.task_id, own.fingerprint));
                let found = own.or_else(|| {
                    let task = &self.rows[*self.keys.get(&name)?].task;
                    Some((task.task_id, task.fingerprint))
                });
                match found {
                    Some((task_id, fingerprint)) if fingerprint != new.fingerprint => {
                        return Err(Error::IdempotencyConflict { key: key.clone(), task_id });
                    }
                    Some((task_id, _)) => same = Some(task_id),
                    None => {
                        own_keys.insert(name, at);
                    }
                }
            }
            if same.is_none() && new.place.kind.is_task() {
                match added.iter_mut().find(|(queue, _)| *queue == new.spec.queue) {
                    Some((_, more)) => *more += 1,
                    None => added.push((&new.spec.queue, 1)),
                }
            }
            known.push(same);
        }
        if let Some(limit) = depth_limit {
            for (queue, more) in added {
                if self.indexes.queues.depth(tenant, queue) + more > limit {
                    return Err(Error::queue_full(queue, limit));
                }
            }
        }
        Ok(known)
    }

    /// Stores tasks that were checked, but for those that are known.
    pub(super) fn insert(
        &mut self,
        tasks: Vec<NewTask>,
        known: Vec<Option<TaskId>>,
        now: Timestamp,
    ) -> Vec<Submission> {
        let mut stored = Vec::with_capacity(tasks.len());
        for (new, known) in tasks.into_iter().zip(known) {
            let slot = match known {
                Some(id) => self.rows.find(id),
                None => Some(self.add(new.into_task(now))),
            };
            let task = &self.rows[slot.expect("what was just checked is there")].task;
            stored.push(Submission {
                task_id: task.task_id,
                status: task.status,
                deduplicated: known.is_some(),
                batch_id: task.batch_id,
            });
        }
        stored
    }

    fn add(&mut self, task: Task) -> Slot {
        let (id, created_at) = (task.task_id, task.created_at);
        let key = task.idempotency_key.as_deref().map(|key| joined(&[&task.tenant, key]));
        let parent = task.parent();
        let queue = self.indexes.queues.number(&task.tenant, &task.queue);
        let line = self.indexes.lines.number(&task);
        let slot = self.rows.insert(Row { task, queue, line, turn: 0 });
        if let Some(key) = key {
            self.keys.insert(key, slot);
        }
        if let Some(parent) = parent {
            self.members.insert(Place::of(parent.task_id, id), slot);
        }
        let row = &mut self.rows[slot];
        if row.task.state_key.is_some() && row.task.waits == 0 && !self.states.join(row, slot) {
            row.task.status = TaskStatus::Blocked;
            row.task.submitted_as = TaskStatus::Blocked;
        }
        self.indexes.insert(row, slot);
        self.stored.push((created_at, id));
        slot
    }

    /// The composite of `tenant` with this id.
    pub(super) fn composite(&self, tenant: &str, id: TaskId) -> Option<&Task> {
        self.get(tenant, id).filter(|task| !task.kind.is_task())
    }

    /// Changes a row, its indexes and counts, and appends to its history.
    pub(super) fn change<T>(
        &mut self,
        slot: Slot,
        change: impl FnOnce(&mut Task) -> (T, Vec<Update>),
    ) -> T {
        self.indexes.remove(&self.rows[slot]);
        let (answer, updates) = change(&mut self.rows[slot].task);
        self.changed(slot, updates);
        answer
    }

    fn changed(&mut self, slot: Slot, updates: Vec<Update>) {
        let row = &mut self.rows[slot];
        self.indexes.insert(row, slot);
        if row.task.status.is_final() {
            self.states.leave(row);
        }
        if !updates.is_empty() {
            self.beside.entry(row.task.task_id).or_default().history.extend(updates);
        }
    }

    /// Puts a task at the end of the line of its state key; whether it is the first.
    pub(super) fn join_line(&mut self, id: TaskId) -> bool {
        let slot = self.rows.find(id);
        slot.is_none_or(|slot| self.states.join(&mut self.rows[slot], slot))
    }

    /// History entries kept as rows, after `after`.
    pub(super) fn rows_after(&self, id: TaskId, after: u64, limit: usize) -> Vec<Update> {
        let Some(Beside { history, .. }) = self.beside.get(&id) else { return Vec::new() };
        let start = history.partition_point(|update| update.seq <= after);
        history.range(start..).take(limit).cloned().collect()
    }

    /// How many tasks of a batch have each status.
    pub(super) fn batch(&self, tenant: &str, batch: BatchId) -> Counts {
        let mut counts = [0; 7];
        // Steps and stages are of no batch.
        let of_batch = |task: &&Task| task.tenant == tenant && task.batch_id.is_some();
        for task in self.members(batch.into()).filter(of_batch) {
            counts[task.status as usize] += 1;
        }
        let all = TaskStatus::ALL.into_iter().zip(counts);
        all.filter(|(_, count)| *count > 0).collect()
    }

    /// Tasks that changed lately or run, the latest change first, without what may be large.
    pub(super) fn recent(&self, tenant: &str, since: Timestamp, limit: usize) -> Vec<Task> {
        let own = |slot: Slot| {
            let task = &self.rows[slot].task;
            let is_own = task.tenant == tenant && task.kind.is_task();
            is_own.then(|| (Place::at(task.changed_at(), task.task_id), slot))
        };
        let stored = self.stored.iter().rev().take(RECENT_BUDGET);
        let stored = stored.take_while(|(at, _)| *at >= since);
        let stored = stored.filter_map(|(_, id)| own(self.rows.find(*id)?));
        let finished = self.indexes.finished.iter().rev().take(RECENT_BUDGET);
        let finished = finished.take_while(|(place, _)| place.time() >= since);
        let mut found: Vec<Entry> = stored.take(limit).collect();
        found.extend(finished.filter_map(|(_, slot)| own(slot)).take(limit));
        found.extend(self.indexes.leased.iter().filter_map(|(_, slot)| own(slot)));
        sort(&mut found);
        let mut recent: Vec<Task> = Vec::new();
        let mut last = None;
        for (_, slot) in found.into_iter().rev() {
            if recent.len() == limit {
                break;
            }
            if last.replace(slot) != Some(slot) {
                recent.push(light(&self.rows[slot].task));
            }
        }
        recent
    }

    /// What a sweep must look at.
    pub(super) fn due(&self, now: Timestamp, limit: usize) -> Due {
        let take = |index: &Index| -> Vec<Task> {
            let passed = index.until(now).take(limit);
            passed.map(|(_, slot)| self.rows[slot].task.clone()).collect()
        };
        let after = Place::first(Place::at(now, TaskId::from_bytes([0; 16])).number() + 1);
        let next = |index: &Index| index.first(after).map(|(place, _)| place.time());
        let Indexes { scheduled, leased, .. } = &self.indexes;
        let next = match (next(scheduled), next(leased)) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        Due { scheduled: take(scheduled), expired: take(leased), next }
    }

    /// Removes old finished tasks and long histories.
    pub(super) fn prune(&mut self, prune: Prune, now: Timestamp) -> u64 {
        let (old, young) = (now.before(prune.older_than), now.before(prune.keep_keys));
        let mut over =
            prune.keep.map_or(0, |keep| (self.indexes.finished.len() as u64).saturating_sub(keep));
        let mut gone = Vec::new();
        for (place, slot) in self.indexes.finished.iter() {
            if gone.len() >= prune.limit as usize || (place.time() > old && over == 0) {
                break;
            }
            let task = &self.rows[slot].task;
            let may_go = |task: &Task| {
                task.created_at <= young || !keys::keeps_task(task.idempotency_key.as_deref())
            };
            let is_member = task.parent().is_some_and(|of| self.rows.find(of.task_id).is_some());
            if is_member || !may_go(task) {
                continue;
            }
            // With what it leaves, or nobody would find that again.
            let before = gone.len();
            for member in self.members(task.task_id) {
                if member.status.is_final() && may_go(member) && gone.len() < prune.limit as usize {
                    gone.push(member.task_id);
                }
            }
            if gone.len() < prune.limit as usize {
                gone.push(task.task_id);
            }
            over = over.saturating_sub((gone.len() - before) as u64);
        }
        let begun = now.before(prune.older_than.min(limits::OPEN_FOR));
        self.opened.retain(|opened| opened.at > begun);
        for id in &gone {
            self.remove(*id);
        }
        if self.stored.len() > 2 * self.rows.len() + STORED_SLACK {
            self.stored.retain(|(_, id)| self.rows.find(*id).is_some());
        }
        for (id, Beside { history, .. }) in &mut self.beside {
            let excess = (history.len() as u64).saturating_sub(prune.updates_per_task) as usize;
            if let (Some(last), Some(slot)) =
                (excess.checked_sub(1).map(|at| history[at].seq), self.rows.find(*id))
            {
                history.drain(..excess);
                self.rows[slot].task.first_seq = last + 1;
            }
        }
        gone.len() as u64
    }

    /// Forgets a task.
    fn remove(&mut self, id: TaskId) {
        let Some(row) = self.rows.find(id).and_then(|slot| self.rows.remove(slot)) else { return };
        self.indexes.remove(&row);
        if let Some(key) = &row.task.idempotency_key {
            self.keys.remove(&joined(&[&row.task.tenant, key]));
        }
        if let Some(Parent { task_id: parent, .. }) = row.task.parent() {
            self.members.remove(Place::of(parent, id));
        }
        for (to, _) in self.beside.remove(&id).unwrap_or_default().dependents {
            if let Some(beside) = self.beside.get_mut(&to) {
                beside.upstream.retain(|from| *from != id);
            }
        }
    }
}

/// A task without what may be large.
pub(super) fn light(task: &Task) -> Task {
    Task { payload: Payload::null(), initial_state: None, result: None, ..task.clone() }
}

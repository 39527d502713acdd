//! Rows and their indexes, kept in step by one function.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use super::graphs::Graphs;
use super::indexes::{Counted, Indexes};
use super::lines::Lines;
use super::states::States;
use crate::engine::submit::NewTask;
use crate::error::{Error, Result};
use crate::rules::{keys, limits};
use crate::store::{Due, EnqueueGroup, Prune};
use crate::words::{
    BatchId, Count, Counts, Payload, Submission, Task, TaskId, TaskStatus, Timestamp, Update,
    WorkerInfo,
};

/// Rows that one look for recent changes may take.
const RECENT_BUDGET: usize = 200_000;

/// Entries of `stored` that may be left over before they are cleared away.
const STORED_SLACK: usize = 1024;

/// Everything that the store keeps.
#[derive(Default)]
pub(super) struct Table {
    pub(super) rows: BTreeMap<TaskId, Task>,
    pub(super) lines: Lines,
    pub(super) workers: BTreeMap<(String, String), WorkerInfo>,
    /// Paused queues, with their tenant.
    pub(super) paused: BTreeSet<(String, String)>,
    /// Composites: who belongs to them, and who waits for whom.
    pub(super) graphs: Graphs,
    /// Lines of state keys, and what was stored under them.
    pub(super) states: States,
    /// When tasks were stored, in that order, with some that are gone.
    pub(super) stored: Vec<(Timestamp, TaskId)>,
    pub(super) keys: HashMap<(String, String), TaskId>,
    history: HashMap<TaskId, VecDeque<Update>>,
    counts: Counted,
    scheduled: BTreeSet<(Timestamp, TaskId)>,
    leased: BTreeSet<(Timestamp, TaskId)>,
    pub(super) finished: BTreeSet<(Timestamp, TaskId)>,
}

impl Table {
    /// The row, if it is the tenant's.
    pub(super) fn get(&self, tenant: &str, id: TaskId) -> Option<&Task> {
        self.rows.get(&id).filter(|task| task.tenant == tenant)
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
        let mut own_keys: HashMap<&str, &NewTask> = HashMap::new();
        let mut added: Vec<(&str, u64)> = Vec::new();
        for new in tasks {
            let mut same = None;
            if let Some(key) = &new.spec.idempotency_key {
                let own = own_keys.get(key.as_str()).map(|own| (own.task_id, own.fingerprint));
                let found = own.or_else(|| {
                    let task = &self.rows[self.keys.get(&(tenant.to_owned(), key.clone()))?];
                    Some((task.task_id, task.fingerprint))
                });
                match found {
                    Some((task_id, fingerprint)) if fingerprint != new.fingerprint => {
                        return Err(Error::IdempotencyConflict { key: key.clone(), task_id });
                    }
                    Some((task_id, _)) => same = Some(task_id),
                    None => {
                        own_keys.insert(key, new);
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
                if self.depth(tenant, queue) + more > limit {
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
            let task = match known {
                Some(id) => &self.rows[&id],
                None => self.add(new.into_task(now)),
            };
            stored.push(Submission {
                task_id: task.task_id,
                status: task.status,
                deduplicated: known.is_some(),
                batch_id: task.batch_id,
            });
        }
        stored
    }

    fn add(&mut self, mut task: Task) -> &Task {
        if let Some(key) = &task.idempotency_key {
            self.keys.insert((task.tenant.clone(), key.clone()), task.task_id);
        }
        if let Some(parent) = task.parent() {
            self.graphs.members.entry(parent.task_id).or_default().insert(task.task_id);
        }
        if task.state_key.is_some() && task.waits == 0 && !self.states.join(&task) {
            task.status = TaskStatus::Blocked;
            task.submitted_as = TaskStatus::Blocked;
        }
        self.stored.push((task.created_at, task.task_id));
        self.parts().1.insert(&task);
        self.rows.entry(task.task_id).or_insert(task)
    }

    /// The composite of `tenant` with this id.
    pub(super) fn composite(&self, tenant: &str, id: TaskId) -> Option<&Task> {
        self.get(tenant, id).filter(|task| !task.kind.is_task())
    }

    fn parts(&mut self) -> (&mut BTreeMap<TaskId, Task>, Indexes<'_>, &mut States) {
        let Self { rows, lines, counts, scheduled, leased, finished, graphs, states, .. } = self;
        (rows, Indexes { lines, counts, scheduled, leased, finished, graphs }, states)
    }

    /// Changes a row, its indexes and counts, and appends to its history.
    pub(super) fn change<T>(
        &mut self,
        id: TaskId,
        change: impl FnOnce(&mut Task) -> (T, Vec<Update>),
    ) -> Option<T> {
        // The row stays where it is: moving it would move its neighbours.
        let (all, mut indexes, states) = self.parts();
        let task = all.get_mut(&id)?;
        indexes.remove(task);
        let (answer, rows) = change(task);
        indexes.insert(task);
        if task.status.is_final() {
            states.leave(task);
        }
        if !rows.is_empty() {
            self.history.entry(id).or_default().extend(rows);
        }
        Some(answer)
    }

    /// History entries kept as rows, after `after`.
    pub(super) fn rows_after(&self, id: TaskId, after: u64, limit: usize) -> Vec<Update> {
        let Some(history) = self.history.get(&id) else { return Vec::new() };
        let start = history.partition_point(|update| update.seq <= after);
        history.range(start..).take(limit).cloned().collect()
    }

    /// Counts of a tenant.
    pub(super) fn counts(&self, tenant: &str) -> Vec<Count> {
        let queues = self.counts.get(tenant).into_iter().flatten();
        queues
            .flat_map(|(queue, counts)| {
                TaskStatus::ALL.into_iter().map(|status| Count {
                    queue: queue.clone(),
                    status,
                    count: counts[status as usize],
                })
            })
            .filter(|count| count.count > 0)
            .collect()
    }

    /// How many tasks of a batch have each status.
    pub(super) fn batch(&self, tenant: &str, batch: BatchId) -> Counts {
        let mut counts = Counts::new();
        for id in self.graphs.members.get(&TaskId::from(batch)).into_iter().flatten() {
            // Steps and stages are of no batch.
            if let Some(task) = self.get(tenant, *id).filter(|task| task.batch_id.is_some()) {
                *counts.entry(task.status).or_default() += 1;
            }
        }
        counts
    }

    /// Tasks that changed lately or run, the latest change first, without what may be large.
    pub(super) fn recent(&self, tenant: &str, since: Timestamp, limit: usize) -> Vec<Task> {
        let own = |(_, id): &(Timestamp, TaskId)| {
            self.get(tenant, *id).filter(|task| task.kind.is_task())
        };
        let is_late = |(at, _): &&(Timestamp, TaskId)| *at >= since;
        let stored = self.stored.iter().rev().take(RECENT_BUDGET).take_while(is_late);
        let finished = self.finished.iter().rev().take(RECENT_BUDGET).take_while(is_late);
        let mut found: Vec<&Task> = stored.filter_map(own).take(limit).collect();
        found.extend(finished.filter_map(own).take(limit));
        found.extend(self.leased.iter().filter_map(own));
        found.sort_unstable_by_key(|task| Reverse((task.changed_at(), task.task_id)));
        found.dedup_by_key(|task| task.task_id);
        found.truncate(limit);
        found.into_iter().map(light).collect()
    }

    /// What a sweep must look at.
    pub(super) fn due(&self, now: Timestamp, limit: usize) -> Due {
        let take = |index: &BTreeSet<(Timestamp, TaskId)>| -> Vec<Task> {
            let passed = index.iter().take_while(|(at, _)| *at <= now).take(limit);
            passed.map(|(_, id)| self.rows[id].clone()).collect()
        };
        let next = |index: &BTreeSet<(Timestamp, TaskId)>| {
            index.iter().find(|(at, _)| *at > now).map(|(at, _)| *at)
        };
        let next = [next(&self.scheduled), next(&self.leased)].into_iter().flatten().min();
        Due { scheduled: take(&self.scheduled), expired: take(&self.leased), next }
    }

    /// Removes old finished tasks and long histories.
    pub(super) fn prune(&mut self, prune: Prune, now: Timestamp) -> u64 {
        let (old, young) = (now.before(prune.older_than), now.before(prune.keep_keys));
        let mut over =
            prune.keep.map_or(0, |keep| (self.finished.len() as u64).saturating_sub(keep));
        let mut gone = Vec::new();
        for (finished_at, id) in &self.finished {
            if gone.len() >= prune.limit as usize || (*finished_at > old && over == 0) {
                break;
            }
            let task = &self.rows[id];
            let may_go = |task: &Task| {
                task.created_at <= young || !keys::keeps_task(task.idempotency_key.as_deref())
            };
            let is_member = task.parent().is_some_and(|of| self.rows.contains_key(&of.task_id));
            if is_member || !may_go(task) {
                continue;
            }
            // With what it leaves, or nobody would find that again.
            let members = self.graphs.members.get(id).into_iter().flatten();
            let members = members.filter(|id| {
                let member = &self.rows[id];
                member.status.is_final() && may_go(member)
            });
            let before = gone.len();
            gone.extend(members.chain([id]).take(prune.limit as usize - before));
            over = over.saturating_sub((gone.len() - before) as u64);
        }
        let begun = now.before(prune.older_than.min(limits::OPEN_FOR));
        self.graphs.opened.retain(|_, opened| opened.at > begun);
        for id in &gone {
            if let Some(task) = self.rows.remove(id) {
                self.parts().1.remove(&task);
                self.history.remove(id);
                let parent = task.parent();
                if let Some(key) = task.idempotency_key {
                    self.keys.remove(&(task.tenant, key));
                }
                self.graphs.forget(*id, parent);
            }
        }
        if self.stored.len() > 2 * self.rows.len() + STORED_SLACK {
            self.stored.retain(|(_, id)| self.rows.contains_key(id));
        }
        for (id, history) in &mut self.history {
            let excess = (history.len() as u64).saturating_sub(prune.updates_per_task) as usize;
            if let (Some(last), Some(task)) =
                (excess.checked_sub(1).map(|i| history[i].seq), self.rows.get_mut(id))
            {
                history.drain(..excess);
                task.first_seq = last + 1;
            }
        }
        gone.len() as u64
    }

    fn depth(&self, tenant: &str, queue: &str) -> u64 {
        let counts = self.counts.get(tenant).and_then(|queues| queues.get(queue));
        let waiting = TaskStatus::ALL.into_iter().filter(|status| status.is_waiting());
        counts.map_or(0, |counts| waiting.map(|status| counts[status as usize]).sum())
    }
}

/// A task without what may be large.
pub(super) fn light(task: &Task) -> Task {
    Task { payload: Payload::null(), initial_state: None, result: None, ..task.clone() }
}

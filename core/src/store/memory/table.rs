//! Rows and their indexes, kept in step by one function.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use super::lines::Lines;
use crate::error::{Error, Result};
use crate::rules::keys;
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
    batches: HashMap<BatchId, BTreeSet<TaskId>>,
    /// When tasks were stored, in that order, with some that are gone.
    pub(super) stored: Vec<(Timestamp, TaskId)>,
    keys: HashMap<(String, String), TaskId>,
    history: HashMap<TaskId, VecDeque<Update>>,
    counts: HashMap<String, BTreeMap<String, [u64; 7]>>,
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
        let mut submissions = Vec::with_capacity(group.tasks.len());
        // Keys and depths of this group, until it is known that all of it can be stored.
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
                let own = own_keys.get(key.as_str()).map(|first| &group.tasks[*first]);
                let known = match own {
                    Some(own) => Some((own.task_id, own.due(now).1, own.fingerprint, own.batch_id)),
                    None => self.keys.get(&(group.tenant.clone(), key.clone())).map(|id| {
                        let task = &self.rows[id];
                        (*id, task.status, task.fingerprint, task.batch_id)
                    }),
                };
                match known {
                    Some((task_id, _, fingerprint, _)) if fingerprint != new.fingerprint => {
                        return Err(Error::IdempotencyConflict { key: key.clone(), task_id });
                    }
                    Some((task_id, status, _, batch_id)) => {
                        submission = Submission { task_id, status, deduplicated: true, batch_id };
                    }
                    None => {
                        own_keys.insert(key, i);
                    }
                }
            }
            if !submission.deduplicated {
                match added.iter_mut().find(|(queue, _)| *queue == new.spec.queue) {
                    Some((_, more)) => *more += 1,
                    None => added.push((&new.spec.queue, 1)),
                }
            }
            submissions.push(submission);
        }
        if let Some(limit) = group.depth_limit {
            for (queue, more) in added {
                if self.depth(&group.tenant, queue) + more > limit {
                    return Err(Error::queue_full(queue, limit));
                }
            }
        }
        for (new, submission) in group.tasks.into_iter().zip(&submissions) {
            if !submission.deduplicated {
                let task = new.into_task(now);
                if let Some(key) = &task.idempotency_key {
                    self.keys.insert((task.tenant.clone(), key.clone()), task.task_id);
                }
                if let Some(batch) = task.batch_id {
                    self.batches.entry(batch).or_default().insert(task.task_id);
                }
                self.stored.push((task.created_at, task.task_id));
                self.index(&task);
                self.rows.insert(task.task_id, task);
            }
        }
        Ok(submissions)
    }

    /// Changes a row, its indexes and counts, and appends to its history.
    pub(super) fn change<T>(
        &mut self,
        id: TaskId,
        change: impl FnOnce(&mut Task) -> (T, Vec<Update>),
    ) -> Option<T> {
        let mut task = self.rows.remove(&id)?;
        self.unindex(&task);
        let (answer, rows) = change(&mut task);
        self.index(&task);
        self.rows.insert(id, task);
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
        for id in self.batches.get(&batch).into_iter().flatten() {
            if let Some(task) = self.get(tenant, *id) {
                *counts.entry(task.status).or_default() += 1;
            }
        }
        counts
    }

    /// Tasks that changed lately or run, the latest change first, without what may be large.
    pub(super) fn recent(&self, tenant: &str, since: Timestamp, limit: usize) -> Vec<Task> {
        let own = |(_, id): &(Timestamp, TaskId)| self.get(tenant, *id);
        let is_late = |(at, _): &&(Timestamp, TaskId)| *at >= since;
        let stored = self.stored.iter().rev().take(RECENT_BUDGET).take_while(is_late);
        let finished = self.finished.iter().rev().take(RECENT_BUDGET).take_while(is_late);
        let mut found: Vec<&Task> = stored.filter_map(own).take(limit).collect();
        found.extend(finished.filter_map(own).take(limit));
        found.extend(self.leased.iter().filter_map(own));
        found.sort_unstable_by_key(|task| Reverse((task.changed_at(), task.task_id)));
        found.dedup_by_key(|task| task.task_id);
        found.truncate(limit);
        let light = |task: &Task| Task {
            payload: Payload::null(),
            initial_state: None,
            result: None,
            ..task.clone()
        };
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
            let kept = keys::keeps_task(task.idempotency_key.as_deref());
            if !kept || task.created_at <= young {
                gone.push(*id);
                over = over.saturating_sub(1);
            }
        }
        for id in &gone {
            if let Some(task) = self.rows.remove(id) {
                self.unindex(&task);
                self.history.remove(id);
                if let Some(key) = task.idempotency_key {
                    self.keys.remove(&(task.tenant, key));
                }
                if let Some(batch) = task.batch_id
                    && let Some(tasks) = self.batches.get_mut(&batch)
                {
                    tasks.remove(id);
                    if tasks.is_empty() {
                        self.batches.remove(&batch);
                    }
                }
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

    fn count(&mut self, task: &Task) -> &mut u64 {
        if !self.counts.contains_key(&task.tenant) {
            self.counts.insert(task.tenant.clone(), BTreeMap::new());
        }
        let queues = self.counts.get_mut(&task.tenant).expect("the tenant was just inserted");
        if !queues.contains_key(&task.queue) {
            queues.insert(task.queue.clone(), [0; 7]);
        }
        let counts = queues.get_mut(&task.queue).expect("the queue was just inserted");
        &mut counts[task.status as usize]
    }

    fn index(&mut self, task: &Task) {
        *self.count(task) += 1;
        match task.status {
            TaskStatus::Pending => self.lines.insert(task),
            TaskStatus::Scheduled => {
                self.scheduled.insert((task.run_at, task.task_id));
            }
            TaskStatus::Running => {
                self.leased.insert((expiry(task), task.task_id));
            }
            status if status.is_final() => {
                self.finished.insert((finish(task), task.task_id));
            }
            _ => {}
        }
    }

    fn unindex(&mut self, task: &Task) {
        *self.count(task) -= 1;
        match task.status {
            TaskStatus::Pending => self.lines.remove(task),
            TaskStatus::Scheduled => {
                self.scheduled.remove(&(task.run_at, task.task_id));
            }
            TaskStatus::Running => {
                self.leased.remove(&(expiry(task), task.task_id));
            }
            status if status.is_final() => {
                self.finished.remove(&(finish(task), task.task_id));
            }
            _ => {}
        }
    }
}

fn expiry(task: &Task) -> Timestamp {
    task.lease.as_ref().map(|lease| lease.expires_at).unwrap_or_default()
}

fn finish(task: &Task) -> Timestamp {
    task.finished_at.unwrap_or_default()
}

//! Composites: their members, who waits for whom, and batches that are not sealed yet.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::table::{Table, light};
use super::transaction::Transaction;
use crate::engine::follow::{Follow, Followed};
use crate::engine::submit::NewTask;
use crate::error::{Error, Result};
use crate::rules::limits;
use crate::store::{Composed, Composition, Graph, are_by_id};
use crate::words::{BatchId, Members, Need, Parent, Submission, Task, TaskId, TaskKind, Timestamp};

/// A batch whose chunks come in.
pub(super) struct Opened {
    composition: Composition,
    chunks: BTreeMap<u32, Vec<NewTask>>,
    pub(super) at: Timestamp,
}

/// What composites are made of, beside their rows.
#[derive(Default)]
pub(super) struct Graphs {
    /// Members, by their composite.
    pub(super) members: HashMap<TaskId, BTreeSet<TaskId>>,
    /// Steps that wait for their turn, after their block.
    blocked: BTreeSet<(TaskId, TaskId)>,
    /// Who waits for a task.
    pub(super) dependents: HashMap<TaskId, Vec<(TaskId, Need)>>,
    /// What a task waits for, or waited for.
    upstream: HashMap<TaskId, Vec<TaskId>>,
    /// What was answered for a batch, where it was not its members by id.
    answers: HashMap<TaskId, Vec<Submission>>,
    /// Batches that are not sealed.
    pub(super) opened: HashMap<(String, BatchId), Opened>,
}

fn step_of(task: &Task) -> Option<TaskId> {
    task.parent().filter(|parent| parent.kind == TaskKind::Block).map(|parent| parent.task_id)
}

impl Graphs {
    /// A task is blocked from now on; a step that waits in a line only has had its turn.
    pub(super) fn blocks(&mut self, task: &Task) {
        if task.waits > 0 {
            self.blocked.extend(step_of(task).map(|block| (block, task.task_id)));
        }
    }

    /// A task was blocked until now.
    pub(super) fn unblocks(&mut self, task: &Task) {
        if let Some(block) = step_of(task) {
            self.blocked.remove(&(block, task.task_id));
        }
    }

    /// The first step of a block that is blocked.
    pub(super) fn next_step(&self, block: TaskId) -> Option<TaskId> {
        let least = TaskId::from_bytes([0; 16]);
        let first = self.blocked.range((block, least)..).next()?;
        (first.0 == block).then_some(first.1)
    }

    /// Forgets a task that was pruned.
    pub(super) fn forget(&mut self, id: TaskId, parent: Option<Parent>) {
        self.upstream.remove(&id);
        self.answers.remove(&id);
        for (to, _) in self.dependents.remove(&id).unwrap_or_default() {
            if let Some(upstream) = self.upstream.get_mut(&to) {
                upstream.retain(|from| *from != id);
            }
        }
        if let Some(Parent { task_id: parent, .. }) = parent
            && let Some(members) = self.members.get_mut(&parent)
        {
            members.remove(&id);
            if members.is_empty() {
                self.members.remove(&parent);
            }
        }
    }

    fn tie(&mut self, from: TaskId, to: TaskId, need: Need) {
        self.dependents.entry(from).or_default().push((to, need));
        self.upstream.entry(to).or_default().push(from);
    }
}

impl Table {
    /// Stores a composite whole or not at all; answers also whom its end changed, if it ended at once.
    pub(super) fn compose(
        &mut self,
        composition: Composition,
        now: Timestamp,
    ) -> Result<(Composed, Vec<Followed>)> {
        match self.check_composite(&composition, &[])? {
            Checked::Stored(composed) => Ok((composed, Vec::new())),
            Checked::New(known) => self.write_composite(composition, known, now),
        }
    }

    /// Begins a batch whose members come in chunks.
    pub(super) fn open_batch(&mut self, composition: Composition, now: Timestamp) -> Result<()> {
        let open = self.graphs.opened.keys().filter(|(of, _)| *of == composition.task.tenant);
        limits::check_open_batches(open.count() as u64)?;
        let place = (composition.task.tenant.clone(), composition.task.task_id.into());
        let opened = Opened { composition, chunks: BTreeMap::new(), at: now };
        self.graphs.opened.insert(place, opened);
        Ok(())
    }

    /// Adds or replaces a chunk; answers how many tasks there are.
    pub(super) fn extend_batch(
        &mut self,
        tenant: &str,
        batch_id: BatchId,
        chunk: u32,
        tasks: Vec<NewTask>,
    ) -> Result<u64> {
        let opened = self.graphs.opened.get_mut(&(tenant.to_owned(), batch_id));
        let chunks = &mut opened.ok_or_else(|| no_batch(batch_id))?.chunks;
        chunks.insert(chunk, tasks);
        Ok(chunks.values().map(|tasks| tasks.len() as u64).sum())
    }

    /// Stores a batch whose chunks are all there; it stays open when it cannot be stored.
    pub(super) fn seal_batch(
        &mut self,
        tenant: &str,
        batch_id: BatchId,
        depth_limit: Option<u64>,
        now: Timestamp,
    ) -> Result<(Composed, Vec<Followed>)> {
        let place = (tenant.to_owned(), batch_id);
        let Some(mut opened) = self.graphs.opened.remove(&place) else {
            let sealed = self.composite(tenant, batch_id.into());
            let sealed = sealed.filter(|task| task.kind == TaskKind::Batch);
            return sealed.map(|task| (self.composed(task), Vec::new())).ok_or(no_batch(batch_id));
        };
        opened.composition.depth_limit = depth_limit;
        let members: Vec<&NewTask> = opened.chunks.values().flatten().collect();
        let head = opened.composition.task.fingerprint;
        let told = opened.composition.task.stand_for(members.iter().copied());
        match told.and_then(|()| self.check_composite(&opened.composition, &members)) {
            Ok(Checked::Stored(composed)) => Ok((composed, Vec::new())),
            Ok(Checked::New(known)) => {
                let mut composition = opened.composition;
                composition.members = opened.chunks.into_values().flatten().collect();
                self.write_composite(composition, known, now)
            }
            Err(error) => {
                opened.composition.task.fingerprint = head;
                self.graphs.opened.insert(place, opened);
                Err(error)
            }
        }
    }

    /// A composite with its members and edges.
    pub(super) fn graph(&self, tenant: &str, id: TaskId) -> Option<Graph> {
        let task = self.composite(tenant, id)?.clone();
        let ids: Vec<TaskId> =
            self.graphs.members.get(&id).into_iter().flatten().copied().collect();
        let edges = ids.iter().flat_map(|to| {
            let from = self.graphs.upstream.get(to).into_iter().flatten();
            from.map(|from| (*from, *to))
        });
        let edges = edges.collect();
        let members = ids.iter().map(|id| light(&self.rows[id])).collect();
        Some(Graph { task, members, edges })
    }

    /// What a task waits or waited for, with its name, by id.
    pub(super) fn upstream(&self, tenant: &str, id: TaskId) -> Vec<(&str, &Task)> {
        if self.get(tenant, id).is_none() {
            return Vec::new();
        }
        let from = self.graphs.upstream.get(&id).into_iter().flatten();
        let mut rows: Vec<&Task> = from.filter_map(|from| self.rows.get(from)).collect();
        rows.sort_unstable_by_key(|task| task.task_id);
        let named = rows.into_iter().filter_map(|task| match task.kind {
            TaskKind::Batch => Some(("batch", task)),
            _ => Some((task.stage.as_deref()?, task)),
        });
        named.collect()
    }

    fn check_composite(&self, what: &Composition, members: &[&NewTask]) -> Result<Checked> {
        let tenant = &what.task.tenant;
        if let Some(key) = &what.task.spec.idempotency_key
            && let Some(id) = self.keys.get(&(tenant.clone(), key.clone()))
        {
            let (task_id, task) = (*id, &self.rows[id]);
            if task.fingerprint != what.task.fingerprint || task.kind != what.task.place.kind {
                return Err(Error::IdempotencyConflict { key: key.clone(), task_id });
            }
            return Ok(Checked::Stored(self.composed(task)));
        }
        let mut tasks = vec![&what.task];
        tasks.extend(what.members.iter().chain(members.iter().copied()));
        tasks.extend(what.hooks.iter().map(|(_, hook)| hook));
        self.check(tenant, &tasks, what.depth_limit).map(Checked::New)
    }

    /// What was stored when a composite was.
    fn composed(&self, task: &Task) -> Composed {
        let submission = |task: &Task| Submission {
            task_id: task.task_id,
            status: task.status,
            deduplicated: true,
            batch_id: task.batch_id,
        };
        let members = match self.graphs.answers.get(&task.task_id) {
            Some(answer) => answer
                .iter()
                .map(|then| match self.rows.get(&then.task_id) {
                    Some(task) => submission(task),
                    None => Submission { deduplicated: true, ..then.clone() },
                })
                .collect(),
            None => {
                let ids = self.graphs.members.get(&task.task_id).into_iter().flatten();
                ids.map(|id| submission(&self.rows[id])).collect()
            }
        };
        Composed { task: submission(task), members }
    }

    fn write_composite(
        &mut self,
        what: Composition,
        mut known: Vec<Option<TaskId>>,
        now: Timestamp,
    ) -> Result<(Composed, Vec<Followed>)> {
        let (id, tenant) = (what.task.task_id, what.task.tenant.clone());
        let of_hooks = known.split_off(1 + what.members.len());
        let of_members = known.split_off(1);
        let total = of_members.iter().filter(|known| known.is_none()).count() as u32;
        let mut task = self.insert(vec![what.task], known, now).remove(0);
        self.change(id, |row| {
            (row.members = Some(Members { total, ..Members::default() }), vec![])
        });
        let members = self.insert(what.members, of_members, now);
        if !are_by_id(&members) {
            self.graphs.answers.insert(id, members.clone());
        }
        for edge in what.edges {
            let [from, to] = [edge.from, edge.to].map(|at| members[at as usize].task_id);
            self.graphs.tie(from, to, Need::Success);
        }
        for (need, hook) in &what.hooks {
            self.graphs.tie(id, hook.task_id, *need);
        }
        let hooks = what.hooks.into_iter().map(|(_, hook)| hook).collect();
        self.insert(hooks, of_hooks, now);
        let mut follow = Follow::default();
        if total == 0 {
            follow.look_at(&tenant, id);
        }
        let followed = follow.finish(&mut Transaction { table: self, now })?;
        task.status = self.rows[&id].status;
        Ok((Composed { task, members }, followed))
    }
}

/// Whether a composite is there already.
enum Checked {
    Stored(Composed),
    /// What is known of the composite, its members and its hooks, in this order.
    New(Vec<Option<TaskId>>),
}

fn no_batch(batch_id: BatchId) -> Error {
    Error::BatchNotFound { batch_id: batch_id.to_string() }
}

//! Composites: their members, who waits for whom, and batches that are not sealed yet.

use super::index::Entry;
use super::table::{Table, light};
use super::transaction::Transaction;
use crate::engine::follow::{Follow, Followed};
use crate::engine::submit::NewTask;
use crate::error::{Error, Result};
use crate::rules::limits;
use crate::rules::order::{Place, sort};
use crate::store::{Composed, Composition, Graph, are_by_id};
use crate::words::{BatchId, Members, Need, Submission, Task, TaskId, TaskKind, Timestamp};

/// A batch whose chunks come in.
pub(super) struct Opened {
    composition: Composition,
    /// Tasks by the numbers of their chunks, in order.
    chunks: Vec<(u32, Vec<NewTask>)>,
    pub(super) at: Timestamp,
}

impl Table {
    fn tie(&mut self, from: TaskId, to: TaskId, need: Need) {
        self.beside.entry(from).or_default().dependents.push((to, need));
        self.beside.entry(to).or_default().upstream.push(from);
    }

    /// Where an open batch is, or would be.
    fn place_of(&self, id: TaskId) -> Result<usize, usize> {
        self.opened.binary_search_by_key(&id, |opened| opened.composition.task.task_id)
    }

    /// Where the tenant's open batch is.
    fn find_opened(&self, tenant: &str, id: BatchId) -> Option<usize> {
        let at = self.place_of(id.into()).ok()?;
        (self.opened[at].composition.task.tenant == tenant).then_some(at)
    }

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
        let mut open = 0;
        for opened in &self.opened {
            open += u64::from(opened.composition.task.tenant == composition.task.tenant);
        }
        limits::check_open_batches(open)?;
        let place = self.place_of(composition.task.task_id);
        let opened = Box::new(Opened { composition, chunks: Vec::new(), at: now });
        match place {
            Ok(at) => self.opened[at] = opened,
            Err(at) => self.opened.insert(at, opened),
        }
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
        let at = self.find_opened(tenant, batch_id).ok_or_else(|| no_batch(batch_id))?;
        let chunks = &mut self.opened[at].chunks;
        match chunks.binary_search_by_key(&chunk, |(number, _)| *number) {
            Ok(at) => chunks[at].1 = tasks,
            Err(at) => chunks.insert(at, (chunk, tasks)),
        }
        Ok(chunks.iter().map(|(_, tasks)| tasks.len() as u64).sum())
    }

    /// Stores a batch whose chunks are all there; it stays open when it cannot be stored.
    pub(super) fn seal_batch(
        &mut self,
        tenant: &str,
        batch_id: BatchId,
        depth_limit: Option<u64>,
        now: Timestamp,
    ) -> Result<(Composed, Vec<Followed>)> {
        let Some(at) = self.find_opened(tenant, batch_id) else {
            let sealed = self.composite(tenant, batch_id.into());
            let sealed = sealed.filter(|task| task.kind == TaskKind::Batch);
            return sealed.map(|task| (self.composed(task), Vec::new())).ok_or(no_batch(batch_id));
        };
        let mut opened = self.opened.remove(at);
        opened.composition.depth_limit = depth_limit;
        let members: Vec<&NewTask> = opened.chunks.iter().flat_map(|(_, tasks)| tasks).collect();
        let head = opened.composition.task.fingerprint;
        let told = opened.composition.task.stand_for(members.iter().copied());
        match told.and_then(|()| self.check_composite(&opened.composition, &members)) {
            Ok(Checked::Stored(composed)) => Ok((composed, Vec::new())),
            Ok(Checked::New(known)) => {
                let Opened { mut composition, chunks, .. } = *opened;
                chunks.into_iter().for_each(|(_, tasks)| composition.members.extend(tasks));
                self.write_composite(composition, known, now)
            }
            Err(error) => {
                opened.composition.task.fingerprint = head;
                self.opened.insert(at, opened);
                Err(error)
            }
        }
    }

    /// A composite with its members and edges.
    pub(super) fn graph(&self, tenant: &str, id: TaskId) -> Option<Graph> {
        let task = self.composite(tenant, id)?.clone();
        let (mut members, mut edges) = (Vec::new(), Vec::new());
        for member in self.members(id) {
            let to = member.task_id;
            let beside = self.beside.get(&to);
            edges.extend(
                beside.into_iter().flat_map(|beside| &beside.upstream).map(|from| (*from, to)),
            );
            members.push(light(member));
        }
        Some(Graph { task, members, edges })
    }

    /// What a task waits or waited for, with its name, by id.
    pub(super) fn upstream(&self, tenant: &str, id: TaskId) -> Vec<(&str, &Task)> {
        if self.get(tenant, id).is_none() {
            return Vec::new();
        }
        let Some(beside) = self.beside.get(&id) else { return Vec::new() };
        let from = beside.upstream.iter();
        let mut rows: Vec<Entry> =
            from.filter_map(|from| Some((Place::new(0, *from), self.rows.find(*from)?))).collect();
        sort(&mut rows);
        let rows = rows.into_iter().map(|(_, slot)| &self.rows[slot].task);
        let named = rows.filter_map(|task| match task.kind {
            TaskKind::Batch => Some(("batch", task)),
            _ => Some((task.stage.as_deref()?, task)),
        });
        named.collect()
    }

    fn check_composite(&self, what: &Composition, members: &[&NewTask]) -> Result<Checked> {
        let tenant = &what.task.tenant;
        if let Some(key) = &what.task.spec.idempotency_key
            && let Some(task) = self.with_key(tenant, key)
        {
            let task_id = task.task_id;
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
        let beside = self.beside.get(&task.task_id);
        let members = match beside.and_then(|beside| beside.answers.as_deref()) {
            Some(answer) => answer
                .iter()
                .map(|then| match self.rows.get(then.task_id) {
                    Some(task) => submission(task),
                    None => Submission { deduplicated: true, ..then.clone() },
                })
                .collect(),
            None => self.members(task.task_id).map(submission).collect(),
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
        let slot = self.rows.find(id).expect("the composite was just stored");
        self.change(slot, |row| {
            (row.members = Some(Members { total, ..Members::default() }), vec![])
        });
        let members = self.insert(what.members, of_members, now);
        if !are_by_id(&members) {
            self.beside.entry(id).or_default().answers = Some(members.clone());
        }
        for edge in what.edges {
            let [from, to] = [edge.from, edge.to].map(|at| members[at as usize].task_id);
            self.tie(from, to, Need::Success);
        }
        for (need, hook) in &what.hooks {
            self.tie(id, hook.task_id, *need);
        }
        let hooks = what.hooks.into_iter().map(|(_, hook)| hook).collect();
        self.insert(hooks, of_hooks, now);
        let mut follow = Follow::default();
        if total == 0 {
            follow.look_at(&tenant, id);
        }
        let followed = follow.finish(&mut Transaction { table: self, now })?;
        task.status = self.rows[slot].task.status;
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

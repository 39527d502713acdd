//! Batches, blocks and pipelines among the operations.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use windlass_core::engine::composite::{self, Plan};
use windlass_core::engine::follow::Followed;
use windlass_core::engine::submit::{self, NewTask};
use windlass_core::engine::transition::Transition;
use windlass_core::store::{Applied, Composition, Edge};
use windlass_core::words::{Need, Parent, TaskKind};
use windlass_core::{BatchId, Clock, Store, Task, TaskId, TaskSpec, TaskStatus};

use super::{Pair, QUEUES, TENANTS, equal, same};

/// What a store told of what followed.
pub(super) type Told = Arc<Mutex<Vec<Followed>>>;

/// Gathers what a store tells.
pub(super) fn listen(store: &impl Store) -> Told {
    let told = Told::default();
    let own = told.clone();
    store.on_follow(Arc::new(move |followed| own.lock().unwrap().extend(followed)));
    told
}

impl Pair {
    fn composition(&mut self, kind: TaskKind) -> Composition {
        let tenant = self.dice.pick(&TENANTS);
        let id = self.ids.task(self.clock.now());
        let strategy = self.dice.pick(&["all", "any_success", "race"]);
        let most = 1 + self.dice.below(3) as u32;
        let plan = Plan {
            strategy: (kind == TaskKind::Block).then(|| strategy.to_owned()),
            max_concurrency: (kind == TaskKind::Block).then_some(most),
            ..Plan::default()
        };
        let mut spec = TaskSpec::new("composite", plan.to_payload());
        spec.timeout = self.dice.some(|d| d.millis(60_000) + Duration::from_nanos(1));
        spec.idempotency_key = self.dice.some(|d| format!("composite-{}", d.below(9)));
        if self.dice.one_in(3) {
            spec = spec.label("env", self.dice.pick(&["test", "prod"]));
        }
        let mut task = submit::decide(spec, tenant, id, None).unwrap();
        task.place.kind = kind;
        self.tasks.push((tenant, id));
        self.composites.push((tenant, id));
        let depth_limit = if self.dice.one_in(6) { Some(self.dice.below(30)) } else { None };
        let queue = self.dice.pick(&QUEUES);
        let members: Vec<NewTask> =
            (0..self.dice.below(7)).map(|i| self.member(tenant, kind, id, queue, i)).collect();
        let mut composition =
            Composition { task, members, edges: Vec::new(), hooks: Vec::new(), depth_limit };
        match kind {
            TaskKind::Batch => {
                self.batches.push(id.into());
                for need in [Need::Success, Need::Failure, Need::End] {
                    if self.dice.one_in(3) {
                        let mut hook = self.new_task(tenant, None, queue);
                        hook.spec.idempotency_key = None;
                        (hook.fingerprint, hook.place.waits) = (None, 1);
                        composition.hooks.push((need, hook));
                    }
                }
            }
            TaskKind::Block => {
                let beyond = composition.members.iter_mut().skip(most as usize);
                beyond.for_each(|member| member.place.waits = 1);
            }
            _ => {
                for to in 0..composition.members.len() {
                    for from in 0..to {
                        if self.dice.one_in(3) {
                            let edge = Edge { from: from as u32, to: to as u32 };
                            composition.edges.push(edge);
                            composition.members[to].place.waits += 1;
                        }
                    }
                }
            }
        }
        composition
    }

    fn member(
        &mut self,
        tenant: &'static str,
        kind: TaskKind,
        parent: TaskId,
        queue: &str,
        i: u64,
    ) -> NewTask {
        if kind == TaskKind::Batch {
            return self.new_task(tenant, Some(parent.into()), queue);
        }
        let mut new = self.new_task(tenant, None, queue);
        (new.spec.idempotency_key, new.fingerprint) = (None, None);
        new.place.parent = Some(Parent { task_id: parent, kind });
        new.place.stage = (kind == TaskKind::Pipeline).then(|| format!("stage-{i}"));
        new
    }

    pub(super) async fn compose(&mut self) {
        let kind = self.dice.pick(&[TaskKind::Batch, TaskKind::Block, TaskKind::Pipeline]);
        let composition = self.composition(kind);
        let _ = both!(self, compose(composition));
    }

    pub(super) async fn compose_in_chunks(&mut self) {
        let mut composition = self.composition(TaskKind::Batch);
        let members = std::mem::take(&mut composition.members);
        let (tenant, id) = (composition.task.tenant.clone(), composition.task.task_id);
        let (batch_id, depth_limit) = (BatchId::from(id), composition.depth_limit);
        ask!(self, open_batch(composition));
        for (i, tasks) in members.chunks(2).enumerate().rev() {
            let (chunk, tasks) = (i as u32, tasks.to_vec());
            ask!(self, extend_batch(tenant.as_str(), batch_id, chunk, tasks));
            if self.dice.one_in(3) {
                ask!(self, extend_batch(tenant.as_str(), batch_id, chunk, tasks));
            }
        }
        if self.dice.one_in(6) {
            // Left open: nobody may see anything of it.
            return;
        }
        let _ = both!(self, seal_batch(tenant.as_str(), batch_id, depth_limit));
        let _ = both!(self, seal_batch(tenant.as_str(), batch_id, depth_limit));
        let none: Vec<NewTask> = Vec::new();
        let _ = both!(self, extend_batch(tenant.as_str(), batch_id, 0, none));
    }

    pub(super) async fn settle_together(&mut self) {
        let mut all: Vec<Transition> = Vec::new();
        for _ in 0..3 {
            let one = self.transition().await;
            all.extend(one.filter(|one| all.iter().all(|known| known.task_id != one.task_id)));
        }
        match both!(self, settle_together(all)).unwrap() {
            Applied::Done(_) => self.done += 1,
            _ => self.stale += 1,
        }
    }

    /// Ends a composite from outside.
    pub(super) fn end_of_composite(&mut self, task: &Task) -> Option<Transition> {
        if task.status != TaskStatus::Running || !self.dice.one_in(3) {
            return None;
        }
        if self.dice.one_in(2) { composite::cancel(task) } else { Some(composite::time_out(task)) }
    }

    pub(super) async fn compare_composites(&mut self) {
        let [memory, sqlite] =
            [0, 1].map(|of| std::mem::take(&mut *self.followed[of].lock().unwrap()));
        same("followed", memory, sqlite);
        for (tenant, id) in self.composites.iter().rev().take(20).copied().collect::<Vec<_>>() {
            let Some(graph) = ask!(self, graph(tenant, id)) else { continue };
            for member in graph.members {
                let id = member.task_id;
                for name in ask!(self, upstream_names(tenant, id)) {
                    ask!(self, upstream(tenant, id, name.as_str()));
                }
            }
        }
        for (tenant, id) in self.tasks.iter().rev().take(10).copied().collect::<Vec<_>>() {
            ask!(self, upstream_names(tenant, id));
            ask!(self, upstream(tenant, id, "batch"));
        }
        for tenant in TENANTS {
            for key in ["user:0", "user:1", "user:2"] {
                ask!(self, state(tenant, key));
            }
        }
    }
}

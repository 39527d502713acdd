//! Short words for batches, blocks and pipelines.

use windlass_core::engine::composite;
use windlass_core::engine::rerun::{self, Which};
use windlass_core::runtime::composing::Composer;
use windlass_core::store::{Applied, Composed, Composition, Graph};
use windlass_core::{
    BatchSpec, BlockSpec, LeasedTask, Payload, PipelineSpec, Result, StageSpec, Task, TaskId,
    TaskSpec, TaskStatus, UpdateKind,
};

use super::bench::{Bench, HANDLER, TENANT};

/// A stage: its name and what it depends on.
pub(super) type Shape<'a> = &'a [(&'a str, &'a [&'a str])];

/// Two branches that part and meet again.
pub(super) const DIAMOND: Shape<'static> =
    &[("in", &[]), ("left", &["in"]), ("right", &["in"]), ("out", &["left", "right"])];

pub(super) fn shaped(shape: Shape<'_>) -> PipelineSpec {
    let stage = |(name, depends_on): &(&str, &[&str])| StageSpec {
        name: (*name).to_owned(),
        depends_on: depends_on.iter().map(|name| (*name).to_owned()).collect(),
        task: TaskSpec::new(HANDLER, Payload::null()).max_retries(0),
    };
    let stages = shape.iter().map(stage).collect();
    PipelineSpec { name: "p".to_owned(), stages, ..PipelineSpec::default() }
}

/// A block of the usual handler.
pub(super) fn block_of(strategy: &str, steps: usize) -> BlockSpec {
    BlockSpec {
        name: "b".to_owned(),
        strategy: strategy.to_owned(),
        steps: (0..steps).map(|n| Payload::trusted(n.to_string())).collect(),
        task_type: Some(HANDLER.to_owned()),
        ..BlockSpec::default()
    }
}

impl Bench<'_> {
    pub(super) fn composer(&self) -> Composer<'_> {
        Composer { tenant: TENANT, ids: &self.ids, now: self.now(), depth_limit: None }
    }

    pub(super) fn try_compose(&self, composition: Composition) -> Result<Composed> {
        self.run(self.store.compose(composition))
    }

    pub(super) fn compose(&self, composition: Composition) -> Composed {
        self.try_compose(composition).expect("the composition is taken")
    }

    /// Stores a pipeline; answers its id and those of its stages.
    pub(super) fn pipeline(&self, shape: Shape<'_>) -> (TaskId, Vec<TaskId>) {
        self.pipeline_of(shaped(shape))
    }

    pub(super) fn pipeline_of(&self, spec: PipelineSpec) -> (TaskId, Vec<TaskId>) {
        let composed = self.compose(self.composer().pipeline(spec).expect("the spec is valid"));
        ids(&composed)
    }

    /// Stores a block; answers its id and those of its steps.
    pub(super) fn block(&self, spec: BlockSpec) -> (TaskId, Vec<TaskId>) {
        ids(&self.compose(self.composer().block(spec).expect("the spec is valid")))
    }

    /// Stores a batch; answers its id and those of its tasks.
    pub(super) fn batch(&self, spec: BatchSpec, tasks: Vec<TaskSpec>) -> (TaskId, Vec<TaskId>) {
        ids(&self.compose(self.composer().batch(spec, tasks).expect("the spec is valid")))
    }

    pub(super) fn graph(&self, id: TaskId) -> Graph {
        self.run(self.store.graph(TENANT, id)).expect("the store answers").expect("it is there")
    }

    pub(super) fn status(&self, id: TaskId) -> TaskStatus {
        self.task(id).status
    }

    pub(super) fn statuses(&self, ids: &[TaskId]) -> Vec<TaskStatus> {
        ids.iter().map(|id| self.status(*id)).collect()
    }

    /// Leases exactly these tasks, in this order.
    pub(super) fn lease_these(&self, ids: &[TaskId]) -> Vec<LeasedTask> {
        let leased = self.lease(1000);
        let found: Vec<TaskId> = leased.iter().map(|leased| leased.task.task_id).collect();
        assert_eq!(found, ids, "the tasks that wait to be leased");
        leased
    }

    /// Completes whatever can be leased, until nothing can; answers how many.
    pub(super) fn work_off(&self) -> usize {
        let mut done = 0;
        loop {
            let leased = self.lease(100);
            if leased.is_empty() {
                return done;
            }
            done += leased.len();
            let transitions = leased.iter().map(super::bench::completion).collect();
            assert!(self.apply(transitions).iter().all(|a| matches!(a, Applied::Done(_))));
        }
    }

    /// Runs stages again as the engine does.
    pub(super) fn rerun(&self, pipeline: TaskId, stage: Option<&str>) -> Result<Applied> {
        let graph = self.graph(pipeline);
        let transitions = rerun::decide(
            &graph.task,
            &graph.members,
            &graph.edges,
            stage.map_or(Which::All, Which::Named),
        )?;
        self.run(self.store.settle_together(transitions))
    }

    /// Cancels a pipeline or a block as the engine does.
    pub(super) fn cancel_whole(&self, id: TaskId) {
        let cancel = composite::cancel(&self.task(id)).expect("it has not ended");
        assert!(matches!(self.apply(vec![cancel])[0], Applied::Done(_)));
    }

    /// What a composite's history tells of its members, and then of itself: `in running`, `out completed`,
    /// `failed`.
    pub(super) fn told(&self, id: TaskId) -> Vec<String> {
        let entries = self.history(id, 0, 10_000).into_iter();
        let told = entries.filter_map(|entry| match entry.kind {
            UpdateKind::Member { stage, status, .. } => {
                Some(format!("{} {status}", stage.unwrap_or_default()))
            }
            UpdateKind::Status { status, .. } if entry.seq > 1 => Some(status.to_string()),
            _ => None,
        });
        told.collect()
    }
}

pub(super) fn ids(composed: &Composed) -> (TaskId, Vec<TaskId>) {
    let members = composed.members.iter().map(|member| member.task_id).collect();
    (composed.task.task_id, members)
}

/// The code of a task's error.
pub(super) fn code(task: &Task) -> &str {
    task.error.as_ref().map_or("", |error| &error.code)
}

//! What is asked for as a batch, block or pipeline becomes tasks to store: checked, before anything is
//! stored.

use std::time::Duration;

use serde::Serialize;

use crate::engine::composite::Plan;
use crate::engine::submit::{self, NewTask};
use crate::error::{Error, Result};
use crate::rules::fingerprint::Print;
use crate::rules::graph::{self, Vertex};
use crate::rules::ids::IdSource;
use crate::rules::limits;
use crate::rules::strategy::Strategy;
use crate::store::Composition;
use crate::words::{
    BatchId, BatchSpec, BlockSpec, Hooks, Labels, Need, Parent, Payload, PipelineSpec, TaskId,
    TaskKind, TaskSpec, Timestamp,
};

/// Makes compositions for one tenant.
#[derive(Clone, Copy)]
pub struct Composer<'a> {
    /// Whose they are.
    pub tenant: &'a str,
    /// Makes their ids.
    pub ids: &'a IdSource,
    /// The store's clock.
    pub now: Timestamp,
    /// Waiting tasks that a queue may hold.
    pub depth_limit: Option<u64>,
}

/// What the row of a composite is told beside its plan.
#[derive(Default)]
struct Told {
    name: String,
    timeout: Option<Duration>,
    idempotency_key: Option<String>,
    labels: Labels,
    metadata: Option<Payload>,
}

impl Composer<'_> {
    /// A batch whose tasks come in chunks. Its key stands for what it is told here; who seals it adds the
    /// tasks.
    ///
    /// # Errors
    ///
    /// As [`batch`](Self::batch).
    pub fn open_batch(&self, spec: BatchSpec) -> Result<Composition> {
        self.head(spec, Vec::new())
    }

    /// A batch of `tasks`.
    ///
    /// # Errors
    ///
    /// `invalid_argument`, `invalid_payload`, `payload_too_large`; a hook's field is `on_success.queue` and
    /// its like.
    pub fn batch(&self, spec: BatchSpec, tasks: Vec<TaskSpec>) -> Result<Composition> {
        let mut composition = self.head(spec, tasks)?;
        composition.task.stand_for(composition.members.iter())?;
        Ok(composition)
    }

    /// A batch whose key does not stand for its tasks yet.
    fn head(&self, spec: BatchSpec, tasks: Vec<TaskSpec>) -> Result<Composition> {
        let told = Told {
            name: spec.name.unwrap_or_else(|| TaskKind::Batch.as_str().to_owned()),
            idempotency_key: spec.idempotency_key,
            labels: spec.labels,
            metadata: spec.metadata,
            ..Told::default()
        };
        let mut print = Print::default();
        let (task_id, mut task) = self.row(TaskKind::Batch, told)?;
        let members = self.members(task_id.into(), tasks)?;
        let mut hooks = Vec::new();
        let mut plan = Plan::default();
        for (place, need, hook, id) in [
            ("on_complete", Need::End, spec.on_complete, &mut plan.hooks.on_complete),
            ("on_success", Need::Success, spec.on_success, &mut plan.hooks.on_success),
            ("on_failure", Need::Failure, spec.on_failure, &mut plan.hooks.on_failure),
        ] {
            print.text(if hook.is_some() { place } else { "" });
            let Some(hook) = hook else { continue };
            let hook = self.hook(hook).map_err(|error| error.within(place))?;
            if task.spec.idempotency_key.is_some() {
                print.task(&hook.spec.task_type, &hook.spec.queue, &hook.spec.payload)?;
            }
            *id = Some(hook.task_id);
            hooks.push((need, hook));
        }
        finish(&mut task, plan, print);
        Ok(Composition { task, members, edges: Vec::new(), hooks, depth_limit: self.depth_limit })
    }

    /// Tasks of a batch.
    ///
    /// # Errors
    ///
    /// `invalid_argument`, `invalid_payload`, `payload_too_large`.
    pub fn members(&self, batch_id: BatchId, tasks: Vec<TaskSpec>) -> Result<Vec<NewTask>> {
        check_batch(tasks.len() as u64)?;
        let tasks = tasks.into_iter();
        tasks
            .map(|spec| submit::decide(spec, self.tenant, self.ids.task(self.now), Some(batch_id)))
            .collect()
    }

    /// A pipeline.
    ///
    /// # Errors
    ///
    /// `invalid_argument`, `invalid_payload`, `payload_too_large`: field `stages[3].payload` and its like
    /// for what is wrong with the task of a stage; `name`, `depends_on` and `stages` as `rules::graph` says.
    pub fn pipeline(&self, spec: PipelineSpec) -> Result<Composition> {
        limits::name("name", &spec.name)?;
        let (count, most) = (spec.stages.len(), limits::STAGES);
        if count == 0 || count > most {
            return Err(Error::invalid("stages", format!("must be 1 to {most}, not {count}")));
        }
        if spec.stages.iter().map(|stage| stage.depends_on.len()).sum::<usize>() > limits::EDGES {
            let reason = format!("must name at most {} stages, all together", limits::EDGES);
            return Err(Error::invalid("depends_on", reason));
        }
        for (place, stage) in spec.stages.iter().enumerate() {
            let place = format!("stages[{place}]");
            limits::name("name", &stage.name).map_err(|error| error.within(&place))?;
        }
        let vertices: Vec<Vertex<'_>> = spec
            .stages
            .iter()
            .map(|stage| Vertex { name: &stage.name, depends_on: &stage.depends_on })
            .collect();
        let edges = graph::check(&vertices)?;
        let waits = graph::waits(count, &edges);
        let told = Told {
            name: spec.name,
            timeout: spec.timeout,
            idempotency_key: spec.idempotency_key,
            labels: spec.labels,
            metadata: spec.metadata,
        };
        let (pipeline, mut task) = self.row(TaskKind::Pipeline, told)?;
        let mut print = Print::default();
        let mut members = Vec::with_capacity(count);
        for (place, (stage, waits)) in spec.stages.into_iter().zip(waits).enumerate() {
            let mut member = self
                .keyless(stage.task)
                .map_err(|error| error.within(&format!("stages[{place}]")))?;
            // The count keeps these names apart from the stage's own.
            print.text(&stage.depends_on.len().to_string());
            stage.depends_on.iter().for_each(|name| print.text(name));
            member.place.parent = Some(Parent { task_id: pipeline, kind: TaskKind::Pipeline });
            member.place.waits = waits;
            print.text(&stage.name);
            member.place.stage = Some(stage.name);
            members.push(member);
        }
        finish(&mut task, Plan::default(), print);
        task.stand_for(members.iter())?;
        Ok(Composition { task, members, edges, hooks: Vec::new(), depth_limit: self.depth_limit })
    }

    /// A block of steps.
    ///
    /// # Errors
    ///
    /// `invalid_argument` naming `strategy`, `quorum`, `rate_per_second`, `max_concurrency`, `steps` and its
    /// like; `payload_too_large` with `steps[3]` and its like.
    pub fn block(&self, spec: BlockSpec) -> Result<Composition> {
        let total = spec.steps.len();
        if total > limits::STEPS {
            let reason = format!("must be at most {}, not {total}", limits::STEPS);
            return Err(Error::invalid("steps", reason));
        }
        if spec.max_concurrency == Some(0) {
            return Err(Error::invalid("max_concurrency", "must be at least 1, not 0"));
        }
        let strategy = strategy_of(&spec)?;
        strategy.check(total as u32)?;
        let metadata = metadata_of(&spec)?;
        let name = match spec.name.is_empty() {
            true => TaskKind::Block.as_str().to_owned(),
            false => spec.name,
        };
        let told = Told {
            name,
            timeout: spec.timeout_seconds,
            idempotency_key: spec.idempotency_key,
            labels: spec.labels,
            metadata,
        };
        let (block, mut task) = self.row(TaskKind::Block, told)?;
        let task_type = spec.task_type.as_deref().unwrap_or("stateless");
        let queue = spec.queue.as_deref().unwrap_or("default");
        let at_once = spec.max_concurrency.map_or(usize::MAX, |most| most as usize);
        let mut members = Vec::with_capacity(total);
        for (place, payload) in spec.steps.into_iter().enumerate() {
            let mut step = TaskSpec::new(task_type, payload).queue(queue).priority(spec.priority);
            step.retry = spec.retry;
            if let Some(rate) = strategy.rate_per_second().filter(|_| place > 0) {
                let after = Duration::try_from_secs_f64(place as f64 / rate);
                step.delay = Some(after.map_err(|_| too_slow())?);
            }
            let at = || format!("steps[{place}]");
            let mut step = self.keyless(step).map_err(|error| match error {
                Error::PayloadTooLarge { size_bytes, limit_bytes, .. } => {
                    Error::PayloadTooLarge { field: at(), size_bytes, limit_bytes }
                }
                Error::InvalidArgument { field, reason } if field == "payload.function" => {
                    Error::invalid(at() + ".function", reason)
                }
                other => other,
            })?;
            step.place.parent = Some(Parent { task_id: block, kind: TaskKind::Block });
            step.place.waits = u32::from(place >= at_once);
            members.push(step);
        }
        let plan = Plan {
            strategy: Some(strategy.as_str().to_owned()),
            quorum: strategy.quorum(),
            rate_per_second: strategy.rate_per_second(),
            max_concurrency: spec.max_concurrency,
            hooks: Hooks::default(),
        };
        finish(&mut task, plan, Print::default());
        task.stand_for(members.iter())?;
        let (edges, hooks) = (Vec::new(), Vec::new());
        Ok(Composition { task, members, edges, hooks, depth_limit: self.depth_limit })
    }

    /// The task that stands for a composite.
    fn row(&self, kind: TaskKind, told: Told) -> Result<(TaskId, NewTask)> {
        limits::name("name", &told.name)?;
        let task_id = self.ids.task(self.now);
        let mut spec = TaskSpec::new(told.name, Payload::null());
        spec.timeout = told.timeout;
        spec.idempotency_key = told.idempotency_key;
        spec.labels = told.labels;
        spec.metadata = told.metadata;
        let mut task = submit::decide(spec, self.tenant, task_id, None)?;
        task.handler = String::new();
        task.place.kind = kind;
        Ok((task_id, task))
    }

    /// A task that goes with a composite, and so has no key of its own.
    fn keyless(&self, spec: TaskSpec) -> Result<NewTask> {
        if spec.idempotency_key.is_some() {
            let reason = "belongs to the whole, not to a part of it";
            return Err(Error::invalid("idempotency_key", reason));
        }
        submit::decide(spec, self.tenant, self.ids.task(self.now), None)
    }

    fn hook(&self, spec: TaskSpec) -> Result<NewTask> {
        let mut hook = self.keyless(spec)?;
        hook.place.waits = 1;
        Ok(hook)
    }
}

/// Checks how many tasks a batch may have.
///
/// # Errors
///
/// `invalid_argument`, field `tasks`.
pub fn check_batch(tasks: u64) -> Result<()> {
    if tasks <= limits::SUBMIT_TASKS as u64 {
        return Ok(());
    }
    Err(Error::invalid("tasks", format!("must hold at most {} tasks", limits::SUBMIT_TASKS)))
}

fn strategy_of(spec: &BlockSpec) -> Result<Strategy> {
    let word = if spec.strategy.is_empty() { "all" } else { &spec.strategy };
    let at_once = spec.max_concurrency.unwrap_or(10);
    let strategy =
        Strategy::parse(word, spec.quorum.map(i64::from), spec.rate_per_second, at_once)?;
    if strategy == Strategy::Custom {
        let reason = "custom asks a function after each finish, which cannot travel: run the block \
                      in the process that has it";
        return Err(Error::invalid("strategy", reason));
    }
    Ok(strategy)
}

/// What is carried for the caller.
fn metadata_of(spec: &BlockSpec) -> Result<Option<Payload>> {
    #[derive(Serialize)]
    struct Carried<'a> {
        #[serde(skip_serializing_if = "Option::is_none")]
        distribution_policy: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        enable_caching: Option<bool>,
    }
    let (distribution_policy, enable_caching) =
        (spec.distribution_policy.as_deref(), spec.enable_caching);
    if distribution_policy.is_none() && enable_caching.is_none() {
        return Ok(None);
    }
    distribution_policy.map_or(Ok(()), |policy| limits::name("distribution_policy", policy))?;
    Payload::of("metadata", &Carried { distribution_policy, enable_caching }).map(Some)
}

fn too_slow() -> Error {
    Error::invalid("rate_per_second", "would start the last step in more than ten years")
}

/// Gives the row its plan, and its key what is told of the whole.
fn finish(task: &mut NewTask, plan: Plan, mut print: Print) {
    if task.spec.idempotency_key.is_some() {
        print.text(task.place.kind.as_str());
        print.text(&task.spec.task_type);
        // The ids of hooks are new each time.
        print.text(Plan { hooks: Hooks::default(), ..plan.clone() }.to_payload().as_str());
        task.fingerprint = Some(print.finish());
    }
    task.spec.payload = plan.to_payload();
}

//! Callers who submit many tasks at once: pipelines, blocks, batches, and lines of a state key.

use std::collections::BTreeMap;
use std::time::Duration;

use windlass_core::words::StageSpec;
use windlass_core::{
    BatchSpec, BlockSpec, Error, Payload, PipelineSpec, Priority, Result, SubmitOptions, TaskId,
    TaskSpec,
};

use super::actors::{Stage, spec};
use super::monitor::TENANT;

/// What a caller knows of a composite that it was told is stored.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    /// The members that each member waits for.
    pub(super) upstream: BTreeMap<TaskId, Vec<TaskId>>,
}

/// Submits one of them, until it is acknowledged, and does with it as it likes.
pub(super) async fn composer(stage: Stage, number: u64) {
    stage.pause(20_000).await;
    match stage.dice.below(4) {
        0 => pipeline(&stage, number).await,
        1 => block(&stage, number).await,
        2 => batch(&stage, number).await,
        _ => line(&stage, number).await,
    }
}

/// A member whose payload names it in the whole run.
fn member(stage: &Stage, name: &str) -> TaskSpec {
    let mut spec = spec(&stage.dice, 0);
    spec.payload = Payload::trusted(format!("\"{name}\""));
    spec
}

/// Repeats a verb while the store does not answer; everything else is a broken promise. A macro, because a
/// future of an async closure is not known to be `Send`.
macro_rules! until_stored {
    ($stage:expr, $verb:literal, $call:expr) => {
        loop {
            match $call {
                Ok(answer) => break Some(answer),
                Err(Error::StoreUnavailable { .. }) => $stage.pause(500).await,
                Err(error) => {
                    let text = format!("{} was refused: {error}", $verb);
                    $stage.monitor.accuse($stage.pid, text);
                    break None;
                }
            }
        }
    };
}

/// Tries a verb once; only the store may fail, or the status forbid it.
async fn once<T>(stage: &Stage, verb: &str, answer: Result<T>) {
    match answer {
        Ok(_) | Err(Error::StoreUnavailable { .. } | Error::InvalidTransition { .. }) => {}
        Err(error) => stage.monitor.accuse(stage.pid, format!("{verb} was refused: {error}")),
    }
}

async fn pipeline(stage: &Stage, number: u64) {
    let dice = &stage.dice;
    let mut stages: Vec<StageSpec> = Vec::new();
    for i in 0..dice.between(1, 6) {
        let mut task = member(stage, &format!("p{number}/{i}"));
        if dice.happens(20) {
            task.state_key = Some(format!("s{}", dice.below(2)));
        }
        let depends_on = stages.iter().filter(|_| dice.happens(45)).map(|s| s.name.clone());
        stages.push(StageSpec { name: i.to_string(), depends_on: depends_on.collect(), task });
    }
    stages.iter().for_each(|stage_spec| stage.monitor.expects(&stage_spec.task));
    let spec = PipelineSpec {
        name: format!("p{number}"),
        stages,
        timeout: dice.happens(20).then(|| Duration::from_secs(dice.between(5, 60))),
        idempotency_key: Some(format!("pipeline-{number}")),
        ..PipelineSpec::default()
    };
    let service = stage.client.service();
    let options = SubmitOptions::default();
    let mut id = None;
    for _ in 0..=u32::from(dice.happens(30)) {
        let stored = until_stored!(stage, "submit_pipeline", {
            service.submit_pipeline(TENANT, spec.clone(), options).await
        });
        let Some(stored) = stored else { return };
        let place = |name: &String| spec.stages.iter().position(|s| s.name == *name);
        let upstream = spec.stages.iter().zip(&stored.task_ids).map(|(of, task_id)| {
            let names = of.depends_on.iter().filter_map(place);
            (*task_id, names.map(|at| stored.task_ids[at]).collect())
        });
        let known = Known { upstream: upstream.collect() };
        stage.monitor.composed(stage.pid, &spec.name, stored.pipeline_id, known);
        id = Some(stored.pipeline_id);
    }
    let Some(id) = id else { return };
    if dice.happens(15) {
        stage.pause(15_000).await;
        once(stage, "cancel_pipeline", service.cancel_pipeline(TENANT, id).await).await;
    }
    for _ in 0..dice.below(3) {
        stage.pause(30_000).await;
        once(stage, "retry_pipeline", service.retry_pipeline(TENANT, id, None).await).await;
    }
}

async fn block(stage: &Stage, number: u64) {
    let dice = &stage.dice;
    let total = dice.below(5);
    let (strategy, quorum) = match dice.below(5) {
        0 => ("all", None),
        1 => ("any_success", None),
        2 if total > 0 => ("quorum", Some(dice.between(1, total) as u32)),
        3 => ("throttled", None),
        _ => ("race", None),
    };
    let common = spec(dice, 0);
    let rate = (strategy == "throttled").then_some(0.5);
    let mut steps = Vec::new();
    for i in 0..total {
        let mut task = TaskSpec::new("work", Payload::trusted(format!("\"b{number}/{i}\"")))
            .priority(common.priority)
            .retry(common.retry);
        task.delay = rate.map(|rate| Duration::from_secs_f64(i as f64 / rate));
        stage.monitor.expects(&task);
        steps.push(task.payload);
    }
    let spec = BlockSpec {
        name: format!("b{number}"),
        strategy: strategy.to_owned(),
        quorum,
        rate_per_second: rate,
        steps,
        task_type: Some("work".to_owned()),
        max_concurrency: dice.happens(40).then(|| dice.between(1, 3) as u32),
        timeout_seconds: dice.happens(30).then(|| Duration::from_secs(dice.between(3, 40))),
        priority: common.priority,
        retry: common.retry,
        idempotency_key: Some(format!("block-{number}")),
        ..BlockSpec::default()
    };
    let service = stage.client.service();
    for _ in 0..=u32::from(dice.happens(30)) {
        let stored = until_stored!(stage, "submit_block", {
            service.submit_block(TENANT, spec.clone(), SubmitOptions::default()).await
        });
        let Some(stored) = stored else { return };
        stage.monitor.composed(stage.pid, &spec.name, stored.task_id, Known::default());
    }
}

async fn batch(stage: &Stage, number: u64) {
    let dice = &stage.dice;
    let name = format!("c{number}");
    let hook = |given: bool, word: &str| {
        let task = given.then(|| member(stage, &format!("{name}/{word}")));
        task.inspect(|task| stage.monitor.expects(task))
    };
    let mut spec = BatchSpec {
        name: Some(name.clone()),
        on_complete: hook(dice.happens(50), "complete"),
        on_success: hook(dice.happens(30), "success"),
        on_failure: hook(dice.happens(30), "failure"),
        ..BatchSpec::default()
    };
    let tasks: Vec<TaskSpec> =
        (0..dice.below(5)).map(|i| member(stage, &format!("{name}/{i}"))).collect();
    tasks.iter().for_each(|task| stage.monitor.expects(task));
    let service = stage.client.service();
    if dice.happens(50) {
        spec.idempotency_key = Some(format!("batch-{number}"));
        let stored = until_stored!(stage, "submit_batch", {
            let options = SubmitOptions::default();
            service.submit_batch(TENANT, spec.clone(), tasks.clone(), options).await
        });
        let Some(stored) = stored else { return };
        stage.monitor.composed(stage.pid, &name, stored.batch_id.into(), Known::default());
        return;
    }
    // One that is begun and whose answer is lost is never sealed, and nobody hears of it.
    let begun = until_stored!(stage, "open_batch", service.open_batch(TENANT, spec.clone()).await);
    let Some(batch_id) = begun else { return };
    for (chunk, tasks) in (0..).zip(tasks.chunks(2)) {
        let added = until_stored!(stage, "extend_batch", {
            service.extend_batch(TENANT, batch_id, chunk, tasks.to_vec()).await
        });
        if added.is_none() {
            return;
        }
    }
    let sealed = until_stored!(stage, "seal_batch", {
        match service.seal_batch(TENANT, batch_id, SubmitOptions::default()).await {
            // The seal whose answer was lost.
            Err(Error::BatchNotFound { .. }) => service.batch(TENANT, batch_id).await.map(drop),
            other => other.map(drop),
        }
    });
    if sealed.is_some() {
        stage.monitor.composed(stage.pid, &name, batch_id.into(), Known::default());
    }
}

/// Tasks of one state key: each counts one up.
async fn line(stage: &Stage, number: u64) {
    for i in 0..stage.dice.between(1, 4) {
        let mut task = member(stage, &format!("l{number}/{i}"));
        task.state_key = Some(format!("s{}", stage.dice.below(2)));
        task.idempotency_key = Some(format!("line-{number}-{i}"));
        task.priority = Priority::ALL[stage.dice.below(5) as usize];
        stage.monitor.expects(&task);
        let stored = until_stored!(stage, "submit", stage.client.submit(task.clone()).await);
        let Some(stored) = stored else { return };
        stage.monitor.acknowledged(stage.pid, &task, stored.task_id);
        stage.pause(2_000).await;
    }
}

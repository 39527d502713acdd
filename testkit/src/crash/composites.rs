//! Pipelines, batches and blocks under the crash test: submitted whole, and judged with their members.

use std::collections::BTreeMap;
use std::io;

use serde_json::json;
use windlass::words::StageSpec;
use windlass::{
    BatchSpec, BlockSpec, Client, Filter, PipelineSpec, Task, TaskId, TaskKind, TaskSpec,
    TaskStatus,
};

use super::log::Log;
use super::parts::{STATES, WORK, draw, spec};

/// Stages, and those that each one waits for: a diamond with a tail.
const STAGES: [(&str, &[&str]); 5] =
    [("a", &[]), ("b", &["a"]), ("c", &["a"]), ("d", &["b", "c"]), ("e", &["d"])];

/// Submits one of them, and writes down what was acknowledged: the composite, and its tasks.
///
/// # Errors
///
/// Whatever a caller would see.
pub(super) async fn submit(
    url: &str,
    client: &Client,
    log: &Log,
    number: u64,
) -> windlass::Result<io::Result<()>> {
    let (id, tasks) = match draw(3) {
        0 => pipeline(url, client, number).await?,
        1 => block(client, number).await?,
        _ => batch(url, client, number).await?,
    };
    let mut lines = vec![id.to_string()];
    lines.extend(tasks.iter().map(|task| format!("{task} of")));
    Ok(log.write(&lines.join("\n")))
}

type Stored = (TaskId, Vec<TaskId>);

async fn pipeline(url: &str, client: &Client, number: u64) -> windlass::Result<Stored> {
    let stage = |(i, (name, depends_on)): (usize, &(&str, &[&str]))| StageSpec {
        name: (*name).to_owned(),
        depends_on: depends_on.iter().map(|name| (*name).to_owned()).collect(),
        task: TaskSpec { idempotency_key: None, ..spec(url, number * 100 + i as u64) },
    };
    let spec = PipelineSpec {
        name: format!("diamond-{number}"),
        stages: STAGES.iter().enumerate().map(stage).collect(),
        idempotency_key: Some(format!("pipeline-{}-{number}", std::process::id())),
        ..PipelineSpec::default()
    };
    let stored = client.submit_pipeline(spec).await?;
    Ok((stored.pipeline_id, stored.task_ids))
}

async fn block(client: &Client, number: u64) -> windlass::Result<Stored> {
    let step = |i| json!({ "request": format!("{}-{}", std::process::id(), number * 100 + i) });
    let spec = BlockSpec {
        strategy: "all".to_owned(),
        steps: (0..5).map(|i| step(i).into()).collect(),
        task_type: Some(WORK.to_owned()),
        max_concurrency: Some(2),
        retry: spec("", 0).retry,
        idempotency_key: Some(format!("block-{}-{number}", std::process::id())),
        ..BlockSpec::default()
    };
    Ok((client.submit_block(spec).await?.task_id, Vec::new()))
}

async fn batch(url: &str, client: &Client, number: u64) -> windlass::Result<Stored> {
    let hook = TaskSpec { idempotency_key: None, ..spec(url, number * 100 + 99) };
    let told = BatchSpec { on_complete: Some(hook), ..BatchSpec::default() };
    let mut batch = client.new_batch(told).chunk_size(4);
    batch.extend((0..10).map(|i| spec(url, number * 100 + i))).await?;
    let sealed = batch.seal().await?;
    let tasks = sealed.submissions.iter().map(|submission| submission.task_id);
    Ok((sealed.batch_id.into(), tasks.collect()))
}

async fn all(client: &Client) -> windlass::Result<Vec<Task>> {
    let mut found = Vec::new();
    for kind in [TaskKind::Batch, TaskKind::Block, TaskKind::Pipeline] {
        let mut cursor = None;
        loop {
            let filter = Filter { kind: Some(kind), ..Filter::default() };
            let page = client.list(filter, cursor, 1000).await?;
            found.extend(page.tasks);
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
    }
    Ok(found)
}

/// Every broken promise, after everything has ended: each composite completed with all its members, each
/// stage after what it waits for.
pub(super) async fn judge(
    client: &Client,
    tasks: &BTreeMap<String, Task>,
    composed: &[String],
) -> windlass::Result<(usize, Vec<String>)> {
    let found = all(client).await?;
    let mut broken = missing(&found, composed);
    for composite in &found {
        let name = format!("{} {}", composite.kind.as_str(), composite.task_id);
        let members = tasks
            .values()
            .filter(|task| task.parent().is_some_and(|parent| parent.task_id == composite.task_id));
        let (stored, told) = (members.count(), composite.members.unwrap_or_default());
        if composite.status != TaskStatus::Completed || told.completed as usize != stored {
            let status = composite.status;
            broken.push(format!("{name} is {status} with {told:?}, and has {stored} tasks"));
        }
        if composite.kind == TaskKind::Pipeline {
            broken.extend(out_of_order(client, composite.task_id).await?);
        }
    }
    Ok((found.len(), broken))
}

/// Every state that is not the number of the tasks that counted it up.
pub(super) async fn miscounted(
    client: &Client,
    tasks: &BTreeMap<String, Task>,
) -> windlass::Result<Vec<String>> {
    let mut broken = Vec::new();
    for key in STATES {
        let counted = |task: &&Task| {
            task.state_key.as_deref() == Some(key) && task.status == TaskStatus::Completed
        };
        let tasks = tasks.values().filter(counted).count().to_string();
        let state = client.state(key).await?;
        let state = state.as_ref().map_or("0", |state| state.as_str());
        if state != tasks {
            broken.push(format!("{tasks} tasks counted {key} up, and it is {state}"));
        }
    }
    Ok(broken)
}

/// Those that were acknowledged and are not there.
pub(super) fn missing(found: &[Task], composed: &[String]) -> Vec<String> {
    let is_there = |id: &&String| found.iter().any(|task| task.task_id.to_string() == **id);
    let gone = composed.iter().filter(|id| !is_there(id));
    gone.map(|id| format!("composite {id} was acknowledged and is gone")).collect()
}

/// As [`missing`], of what a store holds.
pub(super) async fn missing_in(
    client: &Client,
    composed: &[String],
) -> windlass::Result<Vec<String>> {
    Ok(missing(&all(client).await?, composed))
}

/// Stages that began before what they wait for had ended.
async fn out_of_order(client: &Client, id: TaskId) -> windlass::Result<Vec<String>> {
    let pipeline = client.pipeline(&id.to_string()).await?;
    let ended = |name: &str| {
        let stage = pipeline.stages.iter().find(|stage| stage.name == name);
        stage.and_then(|stage| stage.finished_at)
    };
    let early = pipeline.stages.iter().flat_map(|stage| {
        let before = stage.depends_on.iter().filter(|name| stage.started_at < ended(name));
        before.map(|name| format!("{id}: {} began before {name} had ended", stage.name))
    });
    Ok(early.collect())
}

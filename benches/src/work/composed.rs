//! Batches, pipelines and lines of a state key, beside the same tasks with nothing between them.
//!
//! They take longer than the rest, so that they run only when a name is asked for.

use std::time::Instant;

use windlass::words::{PipelineSpec, StageSpec};
use windlass::worker::{DeclaredHandler, Lane, WorkerConfig};
use windlass::{BatchSpec, Client, Durability, Outcome, Payload, SubmitOptions, TaskSpec};

use super::drain::{drain_more, fill};
use super::{TASK_TYPE, connect, rate, runtime, spec, specs};
use crate::Result;
use crate::place::{Place, discard};
use crate::rounds::{Target, Unit, Workload, percentile};

/// Tasks of the batch: the most that one may have.
const BATCH: u32 = 100_000;
/// Stages between the first and the last of the fan.
const FAN: u32 = 10_000;
/// Stages of the chain, and tasks of the line.
const CHAIN: u32 = 1_000;

/// Every workload at a durability.
pub(super) fn workloads(durability: Durability) -> Vec<Workload> {
    let word = match durability {
        Durability::Full => "full",
        Durability::Normal => "normal",
    };
    // For the middle and the slow end of the hops, in milliseconds.
    let hop = match durability {
        Durability::Full => Target::Values(&[1.0, 15.0]),
        Durability::Normal => Target::Values(&[0.5, 15.0]),
    };
    vec![
        Workload {
            name: format!("batch of 100 000, {word}"),
            parts: &[],
            unit: Unit::TasksPerSecond,
            ours: Box::new(move |place| batch(place, durability)),
            beside: Some(("no batch", Box::new(move |place| bulk(place, durability)))),
            target: Some(Target::Times(0.7)),
        },
        Workload {
            name: format!("drain of a batch of 10 000, {word}"),
            parts: &[],
            unit: Unit::TasksPerSecond,
            ours: Box::new(move |place| drain_batch(place, durability)),
            beside: Some(("no batch", Box::new(move |place| drain_plain(place, durability)))),
            target: Some(Target::Times(0.5)),
        },
        Workload {
            name: format!("pipeline of 1 to 10 000 to 1, {word}"),
            parts: &[],
            unit: Unit::TasksPerSecond,
            ours: Box::new(move |place| fan(place, durability)),
            beside: Some(("no pipeline", Box::new(move |place| drain_plain(place, durability)))),
            target: Some(Target::Times(0.5)),
        },
        Workload {
            name: format!("pipeline chain of 1000, a hop, {word}"),
            parts: &["p50", "p99"],
            unit: Unit::Milliseconds,
            ours: Box::new(move |place| chain(place, durability)),
            beside: None,
            target: Some(hop),
        },
        Workload {
            name: format!("line of 1000 with one state key, a turn, {word}"),
            parts: &["p50", "p99"],
            unit: Unit::Milliseconds,
            ours: Box::new(move |place| line(place, durability)),
            beside: None,
            target: Some(hop),
        },
    ]
}

fn with_client(
    place: &Place,
    durability: Durability,
    work: impl AsyncFnOnce(&Client) -> Result<Vec<f64>>,
) -> Result<Vec<f64>> {
    let file = place.file();
    let figures = runtime()?.block_on(async {
        let client = connect(&file, durability).await?;
        let figures = work(&client).await?;
        client.close().await?;
        Result::Ok(figures)
    })?;
    discard(&file);
    Ok(figures)
}

fn batch(place: &Place, durability: Durability) -> Result<Vec<f64>> {
    with_client(place, durability, async |client| {
        let start = Instant::now();
        let mut batch = client.new_batch(BatchSpec::default());
        batch.extend((0..u64::from(BATCH)).map(spec)).await?;
        let stored = batch.seal().await?;
        if stored.submissions.len() != BATCH as usize {
            return Err("the batch is not whole".into());
        }
        Ok(vec![rate(BATCH.into(), start)])
    })
}

fn bulk(place: &Place, durability: Durability) -> Result<Vec<f64>> {
    with_client(place, durability, async |client| {
        let start = Instant::now();
        fill(client, BATCH).await?;
        Ok(vec![rate(BATCH.into(), start)])
    })
}

fn drain_plain(place: &Place, durability: Durability) -> Result<Vec<f64>> {
    with_client(place, durability, async |client| {
        fill(client, FAN).await?;
        Ok(vec![drain_more(client, FAN).await?])
    })
}

fn drain_batch(place: &Place, durability: Durability) -> Result<Vec<f64>> {
    with_client(place, durability, async |client| {
        let batch = client.submit_batch(BatchSpec::default(), specs(0, FAN.into())).await?;
        let rate = drain_more(client, FAN).await?;
        let batch = client.batch(&batch.batch_id.to_string()).await?;
        if !batch.is_final() {
            return Err("the batch has not ended".into());
        }
        Ok(vec![rate])
    })
}

/// A stage of the name and the names of what it waits for.
fn stage(number: u32, depends_on: Vec<String>) -> StageSpec {
    StageSpec { name: name(number), depends_on, task: spec(number.into()) }
}

fn name(number: u32) -> String {
    format!("stage-{number}")
}

async fn submit(client: &Client, stages: Vec<StageSpec>) -> Result<String> {
    let spec = PipelineSpec { name: "bench".to_owned(), stages, ..PipelineSpec::default() };
    Ok(client.submit_pipeline(spec).await?.pipeline_id.to_string())
}

async fn is_whole(client: &Client, pipeline: &str) -> Result<()> {
    let pipeline = client.pipeline(pipeline).await?;
    let completed = pipeline.status == windlass::TaskStatus::Completed;
    if completed { Ok(()) } else { Err(format!("it is {}", pipeline.status.as_str()).into()) }
}

fn fan(place: &Place, durability: Durability) -> Result<Vec<f64>> {
    with_client(place, durability, async |client| {
        let mut stages = vec![stage(0, vec![])];
        stages.extend((1..=FAN).map(|number| stage(number, vec![name(0)])));
        stages.push(stage(FAN + 1, (1..=FAN).map(name).collect()));
        let pipeline = submit(client, stages).await?;
        let rate = drain_more(client, FAN + 2).await?;
        is_whole(client, &pipeline).await?;
        Ok(vec![rate])
    })
}

fn chain(place: &Place, durability: Durability) -> Result<Vec<f64>> {
    with_client(place, durability, async |client| {
        let before = |number: u32| number.checked_sub(1).map(name).into_iter().collect();
        let stages = (0..CHAIN).map(|number| stage(number, before(number))).collect();
        let pipeline = submit(client, stages).await?;
        let figures = hops(client).await?;
        is_whole(client, &pipeline).await?;
        Ok(figures)
    })
}

fn line(place: &Place, durability: Durability) -> Result<Vec<f64>> {
    with_client(place, durability, async |client| {
        let tasks = specs(0, CHAIN.into()).into_iter();
        let tasks = tasks.map(|task| TaskSpec { state_key: Some("one".to_owned()), ..task });
        client.submit_many(tasks.collect(), SubmitOptions::default()).await?;
        hops(client).await
    })
}

/// From the start of each task to the start of the next, which cannot begin before.
async fn hops(client: &Client) -> Result<Vec<f64>> {
    let handler = DeclaredHandler { name: TASK_TYPE.to_owned(), ..DeclaredHandler::default() };
    let config = WorkerConfig { handlers: vec![handler], ..WorkerConfig::default() };
    let worker = client.worker(config)?;
    let (mut hops, mut last) = (Vec::new(), None);
    for _ in 0..CHAIN {
        let jobs = worker.claim(Lane::Loop, 1).await;
        let [job] = &jobs[..] else { return Err("the worker stopped by itself".into()) };
        let now = Instant::now();
        if let Some(last) = last.replace(now) {
            hops.push(now.duration_since(last).as_secs_f64() * 1000.0);
        }
        worker.complete(vec![(job.id, Outcome::complete(Payload::null()))]);
    }
    worker.drain();
    worker.stopped().await;
    Ok(vec![percentile(&hops, 0.5), percentile(&hops, 0.99)])
}

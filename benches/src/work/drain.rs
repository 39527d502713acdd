//! One Rust worker runs a queue of tasks that do nothing, from its start until the last outcome is
//! stored. Raw: each transaction completes the rows that the last one leased and leases the next.

use std::time::Instant;

use windlass::worker::{DeclaredHandler, Lane, WorkerConfig};
use windlass::{Client, Durability, Outcome, Payload, SubmitOptions, TaskStatus};

use super::{TASK_TYPE, connect, payloads, rate, raw_durability, runtime, specs};
use crate::Result;
use crate::place::{Place, discard};
use crate::raw::{Raw, Row};
use crate::rounds::{Target, Unit, Workload};

/// Tasks that the worker runs at once.
const CONCURRENCY: u32 = 100;
/// Rows of a raw transaction: as many as the worker runs at once.
const ROWS: u32 = 100;
/// Tasks stored by one call beforehand.
const CHUNK: u64 = 5_000;

/// The workload at a durability.
pub(super) fn workload(durability: Durability, tasks: u32) -> Workload {
    let name = match durability {
        Durability::Full => "drain by one worker, full",
        Durability::Normal => "drain by one worker, normal",
    };
    Workload {
        name: name.to_owned(),
        parts: &[],
        unit: Unit::TasksPerSecond,
        ours: Box::new(move |place| ours(place, durability, tasks)),
        beside: Some(("raw", Box::new(move |place| raw(place, durability, tasks)))),
        target: Some(Target::Times(0.5)),
    }
}

pub(super) fn ours(place: &Place, durability: Durability, tasks: u32) -> Result<Vec<f64>> {
    let file = place.file();
    let rate = runtime()?.block_on(async {
        let client = connect(&file, durability).await?;
        fill(&client, tasks).await?;
        let rate = drain(&client, tasks).await?;
        client.close().await?;
        Result::Ok(rate)
    })?;
    discard(&file);
    Ok(vec![rate])
}

/// Stores the tasks.
pub(super) async fn fill(client: &Client, tasks: u32) -> Result<()> {
    let mut stored = 0;
    while stored < u64::from(tasks) {
        let count = CHUNK.min(u64::from(tasks) - stored);
        client.submit_many(specs(stored, count), SubmitOptions::default()).await?;
        stored += count;
    }
    Ok(())
}

/// Runs them all with a worker; answers tasks per second.
pub(super) async fn drain(client: &Client, tasks: u32) -> Result<f64> {
    let rate = drain_more(client, tasks).await?;
    let counts = client.counts().await?;
    let completed = counts.iter().find(|count| count.status == TaskStatus::Completed);
    match completed.map_or(0, |count| count.count) {
        stored if stored == u64::from(tasks) => Ok(rate),
        stored => Err(format!("{stored} of {tasks} tasks are completed").into()),
    }
}

/// The same on a store where others are finished already.
pub(super) async fn drain_more(client: &Client, tasks: u32) -> Result<f64> {
    let handler = DeclaredHandler { name: TASK_TYPE.to_owned(), ..DeclaredHandler::default() };
    let config = WorkerConfig {
        handlers: vec![handler],
        concurrency: CONCURRENCY,
        ..WorkerConfig::default()
    };
    let start = Instant::now();
    let worker = client.worker(config)?;
    let mut run = 0;
    while run < u64::from(tasks) {
        let jobs = worker.claim(Lane::Loop, CONCURRENCY as usize).await;
        if jobs.is_empty() {
            return Err("the worker stopped by itself".into());
        }
        run += jobs.len() as u64;
        let done = jobs.iter().map(|job| (job.id, Outcome::complete(Payload::null())));
        worker.complete(done.collect());
    }
    worker.drain();
    worker.stopped().await;
    Ok(rate(run, start))
}

/// The raw side, also beside workers of other languages.
pub(super) fn raw(place: &Place, durability: Durability, tasks: u32) -> Result<Vec<f64>> {
    let file = place.file();
    let mut store = Raw::open(&file, raw_durability(durability))?;
    store.submit(TASK_TYPE, &payloads(0, tasks.into()))?;
    store.restart_log()?;
    let start = Instant::now();
    let mut done: Vec<Row> = Vec::new();
    loop {
        let leased = store.turn(TASK_TYPE, &done, ROWS)?;
        if leased.is_empty() && done.is_empty() {
            break;
        }
        done = leased;
    }
    let rate = rate(tasks.into(), start);
    if store.completed()? != u64::from(tasks) {
        return Err("the raw drain left tasks behind".into());
    }
    drop(store);
    discard(&file);
    Ok(vec![rate])
}

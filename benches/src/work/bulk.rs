//! One caller submits 1000 tasks by each call. Raw: 1000 rows in each transaction.

use std::time::{Duration, Instant};

use windlass::{Durability, SubmitOptions};

use super::drain::fill;
use super::{WARM, connect, payloads, rate, runtime, specs, warm_raw};
use crate::Result;
use crate::place::{Place, discard};
use crate::rounds::{Target, Unit, Workload};

const TASKS: u64 = 1_000;

/// The workload at a durability.
pub(super) fn workload(durability: Durability, time: Duration) -> Workload {
    let name = match durability {
        Durability::Full => "submit 1000 by a call, full",
        Durability::Normal => "submit 1000 by a call, normal",
    };
    Workload {
        name: name.to_owned(),
        parts: &[],
        unit: Unit::TasksPerSecond,
        ours: Box::new(move |place| ours(place, durability, time)),
        beside: Some(("raw", Box::new(move |place| raw(place, durability, time)))),
        target: (durability == Durability::Normal).then_some(Target::Times(0.45)),
    }
}

pub(super) fn ours(place: &Place, durability: Durability, time: Duration) -> Result<Vec<f64>> {
    measure(place, durability, time, &SubmitOptions::default())
}

/// The same with a batch id for each call, which is one index more: what `submitBatch` of Node does.
pub(super) fn batches(place: &Place, durability: Durability, time: Duration) -> Result<Vec<f64>> {
    let options = SubmitOptions { batch: true, ..SubmitOptions::default() };
    measure(place, durability, time, &options)
}

fn measure(
    place: &Place,
    durability: Durability,
    time: Duration,
    options: &SubmitOptions,
) -> Result<Vec<f64>> {
    let file = place.file();
    let rate = runtime()?.block_on(async {
        let client = connect(&file, durability).await?;
        fill(&client, WARM).await?;
        let start = Instant::now();
        let mut tasks = 0;
        while start.elapsed() < time {
            client.submit_many(specs(tasks, TASKS), *options).await?;
            tasks += TASKS;
        }
        let rate = rate(tasks, start);
        client.close().await?;
        Result::Ok(rate)
    })?;
    discard(&file);
    Ok(vec![rate])
}

fn raw(place: &Place, durability: Durability, time: Duration) -> Result<Vec<f64>> {
    let file = place.file();
    let mut store = warm_raw(&file, durability)?;
    let start = Instant::now();
    let mut tasks = 0;
    while start.elapsed() < time {
        store.submit(super::TASK_TYPE, &payloads(tasks, TASKS))?;
        tasks += TASKS;
    }
    let rate = rate(tasks, start);
    drop(store);
    discard(&file);
    Ok(vec![rate])
}

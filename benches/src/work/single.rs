//! One caller submits one task after the other, each awaited until it is stored.

use std::time::{Duration, Instant};

use windlass::Durability;

use super::drain::fill;
use super::{WARM, connect, payload, rate, runtime, spec, warm_raw};
use crate::Result;
use crate::place::{Place, discard};
use crate::rounds::{Target, Unit, Workload};

/// The workload at a durability.
pub(super) fn workload(durability: Durability, time: Duration) -> Workload {
    let name = match durability {
        Durability::Full => "submit one by one, full",
        Durability::Normal => "submit one by one, normal",
    };
    Workload {
        name: name.to_owned(),
        parts: &[],
        unit: Unit::TasksPerSecond,
        ours: Box::new(move |place| ours(place, durability, time)),
        beside: Some(("raw", Box::new(move |place| raw(place, durability, time)))),
        target: (durability == Durability::Full).then_some(Target::Times(0.8)),
    }
}

fn ours(place: &Place, durability: Durability, time: Duration) -> Result<Vec<f64>> {
    let file = place.file();
    let rate = runtime()?.block_on(async {
        let client = connect(&file, durability).await?;
        fill(&client, WARM).await?;
        let start = Instant::now();
        let mut tasks = 0;
        while start.elapsed() < time {
            client.submit(spec(tasks)).await?;
            tasks += 1;
        }
        let rate = rate(tasks, start);
        client.close().await?;
        Result::Ok(rate)
    })?;
    discard(&file);
    Ok(vec![rate])
}

pub(super) fn raw(place: &Place, durability: Durability, time: Duration) -> Result<Vec<f64>> {
    let file = place.file();
    let mut store = warm_raw(&file, durability)?;
    let start = Instant::now();
    let mut tasks = 0;
    while start.elapsed() < time {
        store.submit(super::TASK_TYPE, &[payload(tasks)])?;
        tasks += 1;
    }
    let rate = rate(tasks, start);
    drop(store);
    discard(&file);
    Ok(vec![rate])
}

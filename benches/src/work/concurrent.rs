//! 64 callers, each of which submits one task after the other. Raw: 64 rows in each transaction, as if
//! every caller always met every other.

use std::time::{Duration, Instant};

use windlass::Durability;

use super::drain::fill;
use super::{WARM, connect, payloads, rate, runtime, single, spec, warm_raw};
use crate::Result;
use crate::place::{Place, discard};
use crate::rounds::{Target, Unit, Workload};

const CALLERS: u64 = 64;

/// The workload at a durability.
pub(super) fn workload(durability: Durability, time: Duration) -> Workload {
    let name = match durability {
        Durability::Full => "submit from 64 callers, full",
        Durability::Normal => "submit from 64 callers, normal",
    };
    Workload {
        name: name.to_owned(),
        parts: &[],
        unit: Unit::TasksPerSecond,
        ours: Box::new(move |place| ours(place, durability, time)),
        beside: Some(("raw 64 rows", Box::new(move |place| raw(place, durability, time)))),
        target: (durability == Durability::Full).then_some(Target::Times(0.4)),
    }
}

/// The same at full durability, beside what one caller of SQLite alone gets.
pub(super) fn beside_one_caller(time: Duration) -> Workload {
    let durability = Durability::Full;
    Workload {
        name: "submit from 64 callers, full".to_owned(),
        parts: &[],
        unit: Unit::TasksPerSecond,
        ours: Box::new(move |place| ours(place, durability, time)),
        beside: Some(("raw 1 row", Box::new(move |place| single::raw(place, durability, time)))),
        target: Some(Target::Times(4.0)),
    }
}

pub(super) fn ours(place: &Place, durability: Durability, time: Duration) -> Result<Vec<f64>> {
    let file = place.file();
    let rate = runtime()?.block_on(async {
        let client = connect(&file, durability).await?;
        fill(&client, WARM).await?;
        let start = Instant::now();
        let callers = (0..CALLERS).map(|caller| {
            let client = client.clone();
            tokio::spawn(async move {
                let mut tasks = 0;
                while start.elapsed() < time {
                    client.submit(spec(caller << 32 | tasks)).await?;
                    tasks += 1;
                }
                Ok::<u64, windlass::Error>(tasks)
            })
        });
        let mut tasks = 0;
        for caller in callers.collect::<Vec<_>>() {
            tasks += caller.await??;
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
        store.submit(super::TASK_TYPE, &payloads(tasks, CALLERS))?;
        tasks += CALLERS;
    }
    let rate = rate(tasks, start);
    drop(store);
    discard(&file);
    Ok(vec![rate])
}

//! Submits and drains tasks on a file that holds a million finished ones. Beside: the same on a file that
//! holds none, so a ratio of 1 is a cost that does not grow.

use std::cell::OnceCell;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Instant;

use windlass::{Durability, SubmitOptions};

use super::drain::{drain_more, fill};
use super::{connect, rate, runtime, specs};
use crate::Result;
use crate::place::{Place, discard};
use crate::rounds::{Target, Unit, Workload};

const FINISHED: u32 = 1_000_000;

/// The workload. The large file is made once and grows by what each round finishes.
pub(super) fn workload(tasks: u32) -> Workload {
    let large: Rc<OnceCell<PathBuf>> = Rc::default();
    Workload {
        name: "submit and drain with a million finished, full".to_owned(),
        parts: &[],
        unit: Unit::TasksPerSecond,
        ours: Box::new(move |place| {
            if large.get().is_none() {
                let _ = large.set(make(place)?);
            }
            let file = large.get().ok_or("the large file is gone")?;
            measure(file.clone(), tasks)
        }),
        beside: Some((
            "empty file",
            Box::new(move |place| {
                let file = place.file();
                let rate = measure(file.clone(), tasks);
                discard(&file);
                rate
            }),
        )),
        // A cost of at most 1.1 times.
        target: Some(Target::Times(1.0 / 1.1)),
    }
}

fn make(place: &Place) -> Result<PathBuf> {
    let file = place.file();
    runtime()?.block_on(async {
        let client = connect(&file, Durability::Normal).await?;
        fill(&client, FINISHED).await?;
        drain_more(&client, FINISHED).await?;
        client.close().await?;
        Result::Ok(())
    })?;
    Ok(file)
}

fn measure(file: PathBuf, tasks: u32) -> Result<Vec<f64>> {
    let rate = runtime()?.block_on(async {
        let client = connect(&file, Durability::Full).await?;
        let start = Instant::now();
        let mut stored = 0;
        while stored < u64::from(tasks) {
            client.submit_many(specs(stored, 1_000), SubmitOptions::default()).await?;
            stored += 1_000;
        }
        drain_more(&client, tasks).await?;
        let rate = rate(tasks.into(), start);
        client.close().await?;
        Result::Ok(rate)
    })?;
    Ok(vec![rate])
}

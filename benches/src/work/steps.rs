//! A million steps that do nothing, a hundred at once, their results in the order of the steps: what a
//! block costs by itself. Beside it tokio's `JoinSet` with a semaphore, on a runtime of one thread or two.

use std::sync::Arc;
use std::time::Instant;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use windlass::parallel::{Parallel, Strategy};

use super::{rate, runtime};
use crate::Result;
use crate::rounds::{Target, Unit, Workload};

const STEPS: u32 = 1_000_000;
const AT_ONCE: u32 = 100;

/// What a step comes to.
type Outcome = std::result::Result<u32, u32>;

/// Steps that end at once on a runtime of two threads, and of one, and those that wait once.
pub(super) fn workloads() -> Vec<Workload> {
    vec![
        workload("a million steps in a block, two threads", runtime, false),
        workload("a million steps in a block, one thread", one_thread, false),
        workload("a million suspending steps in a block, one thread", one_thread, true),
    ]
}

fn one_thread() -> Result<Runtime> {
    Ok(Builder::new_current_thread().enable_all().build()?)
}

fn workload(name: &str, runtime: fn() -> Result<Runtime>, suspends: bool) -> Workload {
    Workload {
        name: name.to_owned(),
        parts: &[],
        unit: Unit::TasksPerSecond,
        ours: Box::new(move |_| runtime()?.block_on(ours(suspends))),
        beside: Some(("JoinSet", Box::new(move |_| runtime()?.block_on(join_set(suspends))))),
        target: (!suspends).then_some(Target::Times(2.0)),
    }
}

/// One step; the compiler knows no more about it than about any other.
async fn step(number: u32, suspends: bool) -> Outcome {
    if std::hint::black_box(suspends) {
        tokio::task::yield_now().await;
    }
    std::hint::black_box(Ok(number))
}

async fn ours(suspends: bool) -> Result<Vec<f64>> {
    // Spawned, as the other side is: what `block_on` runs itself is no worker of the runtime.
    let rate = tokio::spawn(async move {
        let start = Instant::now();
        let block = Parallel::new(Strategy::All).max_concurrency(AT_ONCE);
        let done = block.run((0..STEPS).map(|number| step(number, suspends))).await?;
        let rate = rate(STEPS.into(), start);
        let in_order = done.results.iter().zip(0..).all(|(step, n)| step.completed() == Some(&n));
        assert!(done.completed == STEPS && in_order, "every step completed, in order");
        Ok::<f64, windlass::Error>(rate)
    });
    Ok(vec![rate.await??])
}

async fn join_set(suspends: bool) -> Result<Vec<f64>> {
    let rate = tokio::spawn(async move {
        let start = Instant::now();
        let semaphore = Arc::new(Semaphore::new(AT_ONCE as usize));
        let mut results: Vec<Option<Outcome>> = Vec::new();
        results.resize_with(STEPS as usize, || None);
        let mut set = JoinSet::new();
        for number in 0..STEPS {
            let permit = semaphore.clone().acquire_owned().await?;
            set.spawn(async move {
                let result = step(number, suspends).await;
                drop(permit);
                (number, result)
            });
            // What has ended is taken at once: a million handles kept to the end cost twice as much.
            while let Some(ended) = set.try_join_next() {
                let (number, result) = ended?;
                results[number as usize] = Some(result);
            }
        }
        while let Some(ended) = set.join_next().await {
            let (number, result) = ended?;
            results[number as usize] = Some(result);
        }
        let rate = rate(STEPS.into(), start);
        let in_order = results.iter().zip(0..).all(|(step, n)| *step == Some(Ok(n)));
        assert!(in_order, "every step completed, in order");
        Ok::<f64, Box<dyn std::error::Error + Send + Sync>>(rate)
    });
    match rate.await? {
        Ok(rate) => Ok(vec![rate]),
        Err(error) => Err(error.to_string().into()),
    }
}

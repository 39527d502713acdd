//! Seeds, and deliberate faults that they must catch.
//!
//! `WINDLASS_SEEDS` sets how many seeds run on memory (a tenth of it on SQLite); `WINDLASS_SEED` runs
//! one, with its timeline.

use std::sync::atomic::{AtomicU64, Ordering};

use windlass_testkit::simulation::{Fault, Ground, Summary, run};

fn variable(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} must be a number, not {text:?}")))
}

/// Runs seeds on as many threads as there are cores; panics with the timeline of one that fails.
fn sweep(first: u64, count: u64, ground: Ground) -> Summary {
    let next = AtomicU64::new(first);
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let summaries = std::thread::scope(|scope| {
        let work = || {
            let mut sum = Summary::default();
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= first + count {
                    return sum;
                }
                match run(seed, ground, None) {
                    Ok(one) => {
                        sum.tasks += one.tasks;
                        sum.attempts += one.attempts;
                        sum.crashes += one.crashes;
                        sum.steps += one.steps;
                    }
                    Err(failure) => panic!(
                        "seed {} on {ground:?}: {}\n{}\nseed {} on {ground:?}: {}\nrun it again with \
                         WINDLASS_SEED={}",
                        failure.seed,
                        failure.law,
                        failure.timeline,
                        failure.seed,
                        failure.law,
                        failure.seed,
                    ),
                }
            }
        };
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        running.into_iter().map(|thread| thread.join()).collect::<Vec<_>>()
    });
    summaries.into_iter().fold(Summary::default(), |a, b| {
        let b = b.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        Summary {
            tasks: a.tasks + b.tasks,
            attempts: a.attempts + b.attempts,
            crashes: a.crashes + b.crashes,
            steps: a.steps + b.steps,
        }
    })
}

#[test]
fn no_seed_breaks_a_law_in_memory() {
    let sum = match variable("WINDLASS_SEED") {
        Some(seed) => sweep(seed, 1, Ground::Memory),
        None => sweep(0, variable("WINDLASS_SEEDS").unwrap_or(2_000), Ground::Memory),
    };
    assert!(sum.tasks > 0 && sum.attempts > 0, "{sum:?}");
}

#[test]
fn no_seed_breaks_a_law_on_sqlite() {
    let count = variable("WINDLASS_SEEDS").unwrap_or(2_000) / 10;
    let sum = match variable("WINDLASS_SEED") {
        Some(seed) => sweep(seed, 1, Ground::Sqlite),
        None => sweep(1_000_000, count.max(1), Ground::Sqlite),
    };
    assert!(sum.tasks > 0 && sum.attempts > 0, "{sum:?}");
}

#[test]
fn a_seed_replays_exactly() {
    for seed in 0..5 {
        let once = run(seed, Ground::Memory, None).map_err(|f| f.law).unwrap();
        assert_eq!(
            once,
            run(seed, Ground::Memory, None).map_err(|f| f.law).unwrap(),
            "seed {seed}"
        );
    }
}

#[test]
fn every_deliberate_fault_is_caught() {
    let mut missed = Vec::new();
    for fault in Fault::ALL {
        // An assertion of the engine's own that fails has caught it, too.
        let harmless = |seed| {
            let ran = std::panic::catch_unwind(|| run(seed, Ground::Memory, Some(fault)).is_ok());
            ran.unwrap_or(false)
        };
        if (0..300).all(harmless) {
            missed.push(fault);
        }
    }
    assert!(missed.is_empty(), "not caught within 300 seeds: {missed:?}");
}

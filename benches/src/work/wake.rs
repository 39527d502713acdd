//! From the call of submit in one process to the start of the handler in another, one at a time, on an
//! idle store at full durability. Raw: the same rows, and a byte through a pipe to wake the other.

use std::io::Read;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use windlass::worker::{DeclaredHandler, Lane, WorkerConfig};
use windlass::{Outcome, Payload};
use windlass_sqlite::Durability::{Full, Normal};

use super::other::{Other, READY};
use super::process;
use super::{TASK_TYPE, payload, runtime, spec};
use crate::place::{Place, discard};
use crate::raw::Raw;
use crate::rounds::{Target, Unit, Workload, percentile};
use crate::{Result, report};

/// Between two tasks, so that both processes are idle again; varied, so that no timer is met by habit.
const PAUSES: [Duration; 3] =
    [Duration::from_millis(7), Duration::from_millis(11), Duration::from_millis(16)];

const LONG_PAUSES: [Duration; 3] =
    [Duration::from_millis(300), Duration::from_millis(470), Duration::from_millis(610)];
/// For p50 and p99, in milliseconds.
const LATENCY: Target = Target::Values(&[2.0, 15.0]);

/// The workload: the middle and the slow end of the times.
pub(super) fn workload(wakes: u32) -> Workload {
    Workload {
        name: "wake-up in another process, full".to_owned(),
        parts: &["p50", "p99"],
        unit: Unit::Milliseconds,
        ours: Box::new(move |place| ours(place, wakes, &PAUSES)),
        beside: Some(("raw, a pipe", Box::new(move |place| raw(place, wakes)))),
        target: Some(LATENCY),
    }
}

/// The same after pauses in which everything that goes to sleep has gone to sleep.
pub(super) fn after_idleness() -> Workload {
    Workload {
        name: "wake-up of a worker that idled 0.3 to 0.6 s, full".to_owned(),
        parts: &["p50", "p99"],
        unit: Unit::Milliseconds,
        ours: Box::new(move |place| ours(place, 30, &LONG_PAUSES)),
        beside: None,
        target: Some(LATENCY),
    }
}

/// Share of a processor that a worker with nothing to do takes.
pub(super) fn idleness() -> Workload {
    Workload {
        name: "processor time of an idle worker".to_owned(),
        parts: &[],
        unit: Unit::Percent,
        ours: Box::new(|place| {
            let file = place.file();
            let other = Other::start(&["listen", &format!("sqlite:{}", file.display())])?;
            let share = process::idle_share(other.pid())?;
            drop(other);
            discard(&file);
            Ok(vec![share])
        }),
        beside: None,
        target: Some(Target::Values(&[1.0])),
    }
}

fn ours(place: &Place, wakes: u32, pauses: &[Duration]) -> Result<Vec<f64>> {
    let file = place.file();
    let times = measure(&format!("sqlite:{}", file.display()), wakes, pauses)?;
    discard(&file);
    Ok(times)
}

/// The times by any URL, at short pauses.
pub(super) fn by_url(url: &str, wakes: u32) -> Result<Vec<f64>> {
    measure(url, wakes, &PAUSES)
}

fn measure(url: &str, wakes: u32, pauses: &[Duration]) -> Result<Vec<f64>> {
    let times = runtime()?.block_on(async {
        let client = windlass::connect(url).await?;
        let mut other = Other::start(&["listen", url])?;
        let mut times = Vec::new();
        for i in 0..wakes {
            pause(i, pauses);
            let before = nanoseconds();
            client.submit(spec(i.into())).await?;
            times.push(started(&mut other)? - before);
        }
        client.close().await?;
        Result::Ok(times)
    })?;
    Ok(summary(&times))
}

fn raw(place: &Place, wakes: u32) -> Result<Vec<f64>> {
    let file = place.file();
    let mut store = Raw::open(&file, Full)?;
    let mut other = Other::start(&["raw-listen", &file.display().to_string()])?;
    let mut times = Vec::new();
    for i in 0..wakes {
        pause(i, &PAUSES);
        let before = nanoseconds();
        store.submit(TASK_TYPE, &[payload(i.into())])?;
        other.ring()?;
        times.push(started(&mut other)? - before);
    }
    drop((store, other));
    discard(&file);
    Ok(summary(&times))
}

/// The second process: a worker that tells when its handler starts, until it is killed.
pub(crate) fn listen(url: &str) -> Result<()> {
    runtime()?.block_on(async {
        let client = windlass::connect(url).await?;
        let handler = DeclaredHandler { name: TASK_TYPE.to_owned(), ..DeclaredHandler::default() };
        let config = WorkerConfig { handlers: vec![handler], ..WorkerConfig::default() };
        let worker = client.worker(config)?;
        report::tell(READY);
        loop {
            let jobs = worker.claim(Lane::Loop, 1).await;
            report::tell(&nanoseconds().to_string());
            let done = jobs.iter().map(|job| (job.id, Outcome::complete(Payload::null())));
            worker.complete(done.collect());
        }
    })
}

/// The second process without Windlass: leases what is there when a byte comes.
pub(crate) fn raw_listen(file: &Path) -> Result<()> {
    let mut store = Raw::open(file, Full)?;
    let mut input = std::io::stdin().lock();
    report::tell(READY);
    let mut byte = [0];
    while input.read(&mut byte)? == 1 {
        store.press(Normal)?;
        let leased = store.turn(TASK_TYPE, &[], 1)?;
        report::tell(&nanoseconds().to_string());
        store.press(Full)?;
        store.turn(TASK_TYPE, &leased, 0)?;
    }
    Ok(())
}

/// When the other's handler started, in nanoseconds since 1970.
fn started(other: &mut Other) -> Result<i128> {
    Ok(other.line()?.parse()?)
}

fn pause(i: u32, pauses: &[Duration]) {
    std::thread::sleep(pauses[i as usize % pauses.len()]);
}

/// By the one clock that both processes read.
pub(super) fn nanoseconds() -> i128 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i128::try_from(since.as_nanos()).unwrap_or(i128::MAX)
}

/// p50 and p99, in milliseconds.
pub(super) fn summary(nanoseconds: &[i128]) -> Vec<f64> {
    let times: Vec<f64> = nanoseconds.iter().map(|n| *n as f64 / 1e6).collect();
    vec![percentile(&times, 0.50), percentile(&times, 0.99)]
}

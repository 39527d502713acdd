//! The workloads, one file each, and what they share.

mod bulk;
mod composed;
mod concurrent;
mod drain;
mod finished;
pub(crate) mod http;
mod memory;
mod node;
mod other;
mod peers;
mod process;
mod python;
mod single;
mod steps;
pub(crate) mod wake;

use std::path::Path;
use std::time::Instant;

use tokio::runtime::Runtime;
use windlass::{Client, ConnectOptions, Durability, Payload, TaskSpec};

use crate::Result;
use crate::options::Options;
use crate::raw::Raw;
use crate::rounds::{Target, Unit, Workload};

use peers::Peers;

/// The task type of every workload.
const TASK_TYPE: &str = "noop";

/// Tasks that are there before submits are measured: enough that the log has its full length.
const WARM: u32 = 20_000;

/// Every workload, in the order in which it is shown.
///
/// # Errors
///
/// A long run needs the peers: it says how they are installed when they are not.
pub(crate) fn all(options: &Options) -> Result<Vec<Workload>> {
    if options.wants_http() {
        return Ok(http::workloads(options));
    }
    if options.long {
        return long(options);
    }
    let mut workloads = vec![concurrent::beside_one_caller(options.time())];
    for durability in [Durability::Full, Durability::Normal] {
        workloads.push(single::workload(durability, options.time()));
        workloads.push(concurrent::workload(durability, options.time()));
        workloads.push(bulk::workload(durability, options.time()));
        workloads.push(drain::workload(durability, options.tasks));
    }
    workloads.push(memory::workload(options.tasks));
    workloads.extend(steps::workloads());
    if !options.only.is_empty() {
        workloads.extend(composed::workloads(Durability::Full));
        workloads.extend(composed::workloads(Durability::Normal));
    }
    workloads.push(wake::workload(options.wakes));
    workloads.extend(python::workloads(options));
    workloads.extend(node::workloads(options));
    Ok(workloads)
}

fn long(options: &Options) -> Result<Vec<Workload>> {
    let (installed, programs) = options.peers.clone().zip(options.peer_programs.clone()).ok_or(
        "a long run compares with peers: give --peers and --peer-programs, or run benches/run.sh --long",
    )?;
    if options.python.is_none() {
        return Err("a long run measures Python's workers: Python is missing".into());
    }
    let peers = Peers { installed, programs };
    peers.check()?;
    let (time, tasks, others) = (options.time(), options.tasks, peers.clone());
    let mut workloads = vec![Workload {
        name: "submit 1000 by a call, normal".to_owned(),
        parts: &[],
        unit: Unit::TasksPerSecond,
        ours: Box::new(move |place| bulk::ours(place, Durability::Normal, time)),
        beside: Some((
            "plainjob",
            Box::new(move |place| Ok(vec![others.plainjob(place, tasks, false)?.0])),
        )),
        target: Some(Target::Times(1.0)),
    }];
    workloads.push(finished::workload(tasks));
    workloads.push(wake::after_idleness());
    workloads.push(wake::idleness());
    workloads.extend(python::long_workloads(options, &peers));
    workloads.extend(node::long_workloads(options, &peers));
    Ok(workloads)
}

/// About 100 bytes of JSON, different for each task.
fn payload(number: u64) -> String {
    format!(
        r#"{{"path":"pictures/2030/holiday-{number:012}.jpg","width":320,"height":200,"format":"webp","by":"bench"}}"#
    )
}

fn payloads(from: u64, count: u64) -> Vec<String> {
    (from..from + count).map(payload).collect()
}

fn spec(number: u64) -> TaskSpec {
    // The text is ours; Windlass checks it as it checks everybody's.
    TaskSpec::new(TASK_TYPE, Payload::new("payload", payload(number)).expect("valid JSON"))
}

fn specs(from: u64, count: u64) -> Vec<TaskSpec> {
    (from..from + count).map(spec).collect()
}

fn runtime() -> Result<Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}

async fn connect(file: &Path, durability: Durability) -> Result<Client> {
    let options = ConnectOptions { durability, ..ConnectOptions::default() };
    Ok(windlass::connect_with(&format!("sqlite:{}", file.display()), options).await?)
}

/// The same durability, as the store's own crate names it.
fn raw_durability(durability: Durability) -> windlass_sqlite::Durability {
    match durability {
        Durability::Full => windlass_sqlite::Durability::Full,
        Durability::Normal => windlass_sqlite::Durability::Normal,
    }
}

/// A raw store with the tasks that are there beforehand.
fn warm_raw(file: &Path, durability: Durability) -> Result<Raw> {
    let mut store = Raw::open(file, raw_durability(durability))?;
    store.submit(TASK_TYPE, &payloads(0, WARM.into()))?;
    store.restart_log()?;
    Ok(store)
}

/// Tasks per second since `start`.
fn rate(tasks: u64, start: Instant) -> f64 {
    tasks as f64 / start.elapsed().as_secs_f64()
}

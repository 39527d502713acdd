//! Rough speed of batches and pipelines on the store, next to plain tasks.
//!
//! `cargo run --release -p windlass-sqlite --example composites [FOLDER [NAME]]`; the folder must be on the
//! disk that is to be measured, the default is the temporary folder. Only lines with NAME in them are
//! measured.
#![allow(clippy::print_stdout)]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use windlass_core::engine::composite::Plan;
use windlass_core::engine::settle;
use windlass_core::engine::submit::{self, NewTask};
use windlass_core::engine::transition::Transition;
use windlass_core::rules::ids::IdSource;
use windlass_core::store::{Composition, Edge, EnqueueGroup, LeaseOrder};
use windlass_core::words::{Parent, TaskKind};
use windlass_core::{
    BatchId, Clock, LeaseRequest, LeasedTask, Outcome, Payload, RetryOptions, Settle, Store,
    SystemClock, TaskId, TaskSpec, TaskStatus,
};
use windlass_sqlite::{Durability, Options, SqliteStore};

const TENANT: &str = "default";
const MEMBERS: usize = 10_000;
const BATCH: usize = 100_000;
const CHUNK: usize = 5_000;

type Measure = fn(&Path, Durability, &tokio::runtime::Runtime) -> f64;

fn main() {
    let folder = std::env::args().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    println!("{:<44} {:>12} {:>12}", "per second, or as it says", "full", "normal");
    let rows: [(&str, Measure); 11] = [
        ("drain of plain tasks, 100 at once", |f, d, r| r.block_on(drain(f, d, None))),
        ("drain of a batch, 100 at once", |f, d, r| r.block_on(drain(f, d, Some(TaskKind::Batch)))),
        ("drain of a fan-out and fan-in, 100 at once", |f, d, r| {
            r.block_on(drain(f, d, Some(TaskKind::Pipeline)))
        }),
        ("drain of a block of 100 at once", |f, d, r| {
            r.block_on(drain(f, d, Some(TaskKind::Block)))
        }),
        ("milliseconds a hop, chain of 1000", |f, d, r| r.block_on(chain(f, d, 1))),
        ("microseconds a stage of 10, each by itself", |f, d, r| r.block_on(ends(f, d, 10))),
        ("microseconds a stage of 10 000, each by itself", |f, d, r| {
            r.block_on(ends(f, d, MEMBERS))
        }),
        ("bulk submit of 100 000, 5000 by a call", |f, d, r| r.block_on(bulk(f, d))),
        ("batch of 100 000 by one call", |f, d, r| r.block_on(batch(f, d))),
        ("batch of 100 000 in chunks of 5000", |f, d, r| r.block_on(chunks(f, d))),
        ("pipelines of 10 stages stored, each a call", |f, d, r| r.block_on(pipelines(f, d))),
    ];
    let only = std::env::args().nth(2).unwrap_or_default();
    for (name, measure) in rows.into_iter().filter(|(name, _)| name.contains(&only)) {
        let one = |durability| {
            let inside = tempfile::tempdir_in(&folder).unwrap();
            measure(&inside.path().join("tasks.db"), durability, &runtime)
        };
        println!("{name:<44} {:>12.3} {:>12.3}", one(Durability::Full), one(Durability::Normal));
    }
}

fn open(file: &Path, durability: Durability) -> SqliteStore {
    SqliteStore::open(file, Options { durability, ..Options::default() }).unwrap()
}

fn new_task(ids: &IdSource, batch: Option<BatchId>) -> NewTask {
    let payload = Payload::trusted(format!("{{\"x\":\"{}\"}}", "y".repeat(92)));
    let id = ids.task(SystemClock.now());
    submit::decide(TaskSpec::new("work", payload), TENANT, id, batch).unwrap()
}

fn composite(ids: &IdSource, kind: TaskKind) -> Composition {
    let mut task = new_task(ids, None);
    task.spec.payload = Plan { max_concurrency: Some(100), ..Plan::default() }.to_payload();
    task.place.kind = kind;
    Composition {
        task,
        members: Vec::new(),
        edges: Vec::new(),
        hooks: Vec::new(),
        depth_limit: None,
    }
}

fn stage(ids: &IdSource, pipeline: TaskId, number: usize, waits: u32) -> NewTask {
    let mut new = new_task(ids, None);
    new.place.parent = Some(Parent { task_id: pipeline, kind: TaskKind::Pipeline });
    new.place.stage = Some(format!("stage-{number}"));
    new.place.waits = waits;
    new
}

/// A composite of very many members.
fn wide(ids: &IdSource, kind: TaskKind) -> Composition {
    let mut all = composite(ids, kind);
    let id = all.task.task_id;
    let most = MEMBERS as u32;
    match kind {
        TaskKind::Batch => {
            all.members = (0..MEMBERS).map(|_| new_task(ids, Some(id.into()))).collect();
        }
        TaskKind::Block => {
            for i in 0..MEMBERS {
                let mut step = new_task(ids, None);
                step.place.parent = Some(Parent { task_id: id, kind });
                step.place.waits = u32::from(i >= 100);
                all.members.push(step);
            }
        }
        _ => {
            // The first, then all between, then the last.
            all.members.push(stage(ids, id, 0, 0));
            all.members.extend((1..=MEMBERS).map(|i| stage(ids, id, i, 1)));
            all.members.push(stage(ids, id, MEMBERS + 1, most));
            all.edges.extend((1..=most).map(|to| Edge { from: 0, to }));
            all.edges.extend((1..=most).map(|from| Edge { from, to: most + 1 }));
        }
    }
    all
}

fn order(ids: &IdSource, limit: u32) -> LeaseOrder {
    LeaseOrder {
        tenant: TENANT.to_owned(),
        request: LeaseRequest {
            worker: "worker-1".to_owned(),
            queues: vec!["default".to_owned()],
            handlers: vec!["work".to_owned()],
            limit,
            ttl: Duration::from_secs(60),
            wait: Duration::ZERO,
            suspects: true,
        },
        token: ids.token(),
    }
}

fn completions(leased: &[LeasedTask]) -> Vec<Transition> {
    let complete = |one: &LeasedTask| {
        let settled = Settle {
            task_id: one.task.task_id,
            token: one.token,
            outcome: Outcome::complete(Payload::trusted("{\"ok\":true}")),
            started: Some(Duration::ZERO),
            updates: Vec::new(),
            declared: RetryOptions::default(),
        };
        settle::complete(&settled, &one.task.tenant).unwrap()
    };
    leased.iter().map(complete).collect()
}

/// Runs all tasks that can be leased; answers how many there were.
async fn run_all(store: &SqliteStore, ids: &IdSource, limit: u32) -> usize {
    let mut done = 0;
    let mut leased = store.lease(order(ids, limit)).await.unwrap();
    while !leased.tasks.is_empty() {
        done += leased.tasks.len();
        leased = store.settle(completions(&leased.tasks), Some(order(ids, limit))).await.unwrap().1;
    }
    done
}

/// What the end of a stage costs among so many siblings that one more stage waits for: each is settled by
/// a call of its own, 400 of them.
async fn ends(file: &Path, durability: Durability, siblings: usize) -> f64 {
    const ENDS: usize = 400;
    let (store, ids) = (open(file, durability), IdSource::default());
    for _ in 0..ENDS.div_ceil(siblings) {
        let mut all = composite(&ids, TaskKind::Pipeline);
        let (id, many) = (all.task.task_id, siblings as u32);
        all.members.extend((0..siblings).map(|i| stage(&ids, id, i, 0)));
        all.members.push(stage(&ids, id, siblings, many));
        all.edges.extend((0..many).map(|from| Edge { from, to: many }));
        store.compose(all).await.unwrap();
    }
    let leased = store.lease(order(&ids, ENDS as u32)).await.unwrap().tasks;
    let begin = Instant::now();
    for one in &leased {
        store.settle(completions(std::slice::from_ref(one)), None).await.unwrap();
    }
    begin.elapsed().as_secs_f64() * 1e6 / leased.len() as f64
}

async fn drain(file: &Path, durability: Durability, kind: Option<TaskKind>) -> f64 {
    let (store, ids) = (open(file, durability), IdSource::default());
    let mut id = None;
    match kind {
        Some(kind) => {
            let all = wide(&ids, kind);
            id = Some(all.task.task_id);
            store.compose(all).await.unwrap();
        }
        None => {
            for _ in 0..MEMBERS / 1000 {
                let tasks = (0..1000).map(|_| new_task(&ids, None)).collect();
                let group = EnqueueGroup { tenant: TENANT.to_owned(), tasks, depth_limit: None };
                store.enqueue(vec![group]).await.unwrap().remove(0).unwrap();
            }
        }
    }
    let started = Instant::now();
    let done = run_all(&store, &ids, 100).await;
    let rate = done as f64 / started.elapsed().as_secs_f64();
    if let Some(id) = id {
        let task = store.get(TENANT, vec![id]).await.unwrap().remove(0).unwrap();
        assert_eq!(task.status, TaskStatus::Completed);
    }
    rate
}

async fn chain(file: &Path, durability: Durability, limit: u32) -> f64 {
    let (store, ids) = (open(file, durability), IdSource::default());
    let mut all = composite(&ids, TaskKind::Pipeline);
    let id = all.task.task_id;
    all.members.extend((0..1000).map(|i| stage(&ids, id, i, u32::from(i > 0))));
    all.edges.extend((1..1000).map(|to| Edge { from: to - 1, to }));
    store.compose(all).await.unwrap();
    let mut hops = Vec::new();
    let mut leased = store.lease(order(&ids, limit)).await.unwrap();
    while !leased.tasks.is_empty() {
        let started = Instant::now();
        let done = completions(&leased.tasks);
        leased = store.settle(done, Some(order(&ids, limit))).await.unwrap().1;
        hops.push(started.elapsed().as_secs_f64() * 1000.0);
    }
    assert_eq!(hops.len(), 1000);
    hops.sort_by(f64::total_cmp);
    hops[500]
}

async fn bulk(file: &Path, durability: Durability) -> f64 {
    let (store, ids) = (open(file, durability), IdSource::default());
    let started = Instant::now();
    for _ in 0..BATCH / CHUNK {
        let tasks = (0..CHUNK).map(|_| new_task(&ids, None)).collect();
        let group = EnqueueGroup { tenant: TENANT.to_owned(), tasks, depth_limit: None };
        store.enqueue(vec![group]).await.unwrap().remove(0).unwrap();
    }
    BATCH as f64 / started.elapsed().as_secs_f64()
}

async fn batch(file: &Path, durability: Durability) -> f64 {
    let (store, ids) = (open(file, durability), IdSource::default());
    let started = Instant::now();
    let mut all = composite(&ids, TaskKind::Batch);
    let id = all.task.task_id.into();
    all.members = (0..BATCH).map(|_| new_task(&ids, Some(id))).collect();
    store.compose(all).await.unwrap();
    BATCH as f64 / started.elapsed().as_secs_f64()
}

async fn chunks(file: &Path, durability: Durability) -> f64 {
    let (store, ids) = (open(file, durability), IdSource::default());
    let started = Instant::now();
    let all = composite(&ids, TaskKind::Batch);
    let id = all.task.task_id.into();
    store.open_batch(all).await.unwrap();
    for chunk in 0..BATCH / CHUNK {
        let tasks = (0..CHUNK).map(|_| new_task(&ids, Some(id))).collect();
        store.extend_batch(TENANT, id, chunk as u32, tasks).await.unwrap();
    }
    let before = memory();
    store.seal_batch(TENANT, id, None).await.unwrap();
    println!("    the seal grew the process by {} KiB", memory().saturating_sub(before));
    BATCH as f64 / started.elapsed().as_secs_f64()
}

async fn pipelines(file: &Path, durability: Durability) -> f64 {
    let (store, ids) = (open(file, durability), IdSource::default());
    let (started, mut done) = (Instant::now(), 0);
    while started.elapsed() < Duration::from_secs(1) {
        let mut all = composite(&ids, TaskKind::Pipeline);
        let id = all.task.task_id;
        all.members.extend((0..10).map(|i| stage(&ids, id, i, u32::from(i > 0))));
        all.edges.extend((1..10).map(|to| Edge { from: to - 1, to }));
        store.compose(all).await.unwrap();
        done += 1;
    }
    f64::from(done) / started.elapsed().as_secs_f64()
}

/// Most memory that the process had, in KiB; 0 where the system does not say.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

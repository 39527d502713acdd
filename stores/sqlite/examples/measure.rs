//! Rough speed of the store, next to plain SQLite statements on the same tables.
//!
//! `cargo run --release -p windlass-sqlite --example measure [FOLDER [NAME]]`; the folder must be
//! on the disk that is to be measured, the default is the temporary folder. Only lines with NAME in
//! them are measured.
#![allow(clippy::print_stdout)]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::{Connection, params};
use windlass_core::engine::settle;
use windlass_core::engine::submit::{self, NewTask};
use windlass_core::engine::transition::Transition;
use windlass_core::rules::ids::IdSource;
use windlass_core::store::{Applied, EnqueueGroup, LeaseOrder};
use windlass_core::{
    Clock, LeaseRequest, LeasedTask, Outcome, Payload, RetryOptions, Settle, Store, SystemClock,
    TaskSpec,
};
use windlass_sqlite::{Durability, Options, SqliteStore};

const DRAIN: usize = 50_000;

fn main() {
    let folder = std::env::args().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    println!("{:<36} {:>12} {:>12}", "per second", "full", "normal");
    let rows: [(&str, fn(&Path, Durability, &tokio::runtime::Runtime) -> f64); 10] = [
        ("submit, one caller", |f, d, r| r.block_on(submits(f, d, 1, 1))),
        ("raw insert, one caller", |f, d, _| raw_insert(f, d, 1)),
        ("submit, 64 callers", |f, d, r| r.block_on(submits(f, d, 64, 1))),
        ("submit, 64 on one thread", |f, d, _| {
            let one = tokio::runtime::Builder::new_current_thread().build().unwrap();
            one.block_on(submits(f, d, 64, 1))
        }),
        ("submit, 1000 at once", |f, d, r| r.block_on(submits(f, d, 1, 1000))),
        ("raw insert, 1000 at once", |f, d, _| raw_insert(f, d, 1000)),
        ("lease 100 + settle 100", |f, d, r| r.block_on(drain(f, d, false))),
        ("settle 100 with lease 100", |f, d, r| r.block_on(drain(f, d, true))),
        ("the same beside 1 000 000 finished", |f, d, r| {
            finished(f, 1_000_000);
            r.block_on(drain(f, d, true))
        }),
        ("raw claim 100 + update 100", |f, d, _| raw_drain(f, d)),
    ];
    let only = std::env::args().nth(2).unwrap_or_default();
    for (name, measure) in rows.into_iter().filter(|(name, _)| name.contains(&only)) {
        let one = |durability| {
            let inside = tempfile::tempdir_in(&folder).unwrap();
            measure(&inside.path().join("tasks.db"), durability, &runtime)
        };
        println!("{name:<36} {:>12.0} {:>12.0}", one(Durability::Full), one(Durability::Normal));
    }
}

fn open(file: &Path, durability: Durability) -> SqliteStore {
    SqliteStore::open(file, Options { durability, ..Options::default() }).unwrap()
}

fn new_task(ids: &IdSource) -> NewTask {
    let payload = Payload::trusted(format!("{{\"x\":\"{}\"}}", "y".repeat(92)));
    submit::decide(TaskSpec::new("work", payload), "default", ids.task(SystemClock.now()), None)
        .unwrap()
}

fn group(ids: &IdSource, size: usize) -> EnqueueGroup {
    let tasks = (0..size).map(|_| new_task(ids)).collect();
    EnqueueGroup { tenant: "default".to_owned(), tasks, depth_limit: None }
}

async fn submits(file: &Path, durability: Durability, callers: usize, size: usize) -> f64 {
    let store = open(file, durability);
    let started = Instant::now();
    let callers = (0..callers).map(|_| {
        let store = store.clone();
        tokio::spawn(async move {
            let (ids, mut done) = (IdSource::default(), 0);
            while started.elapsed() < Duration::from_secs(2) {
                store.enqueue(vec![group(&ids, size)]).await.unwrap().remove(0).unwrap();
                done += size;
            }
            done
        })
    });
    let done = futures_util::future::join_all(callers.collect::<Vec<_>>()).await;
    let done: usize = done.into_iter().map(Result::unwrap).sum();
    done as f64 / started.elapsed().as_secs_f64()
}

fn order(ids: &IdSource) -> LeaseOrder {
    LeaseOrder {
        tenant: "default".to_owned(),
        request: LeaseRequest {
            worker: "worker-1".to_owned(),
            queues: vec!["default".to_owned()],
            handlers: vec!["work".to_owned()],
            limit: 100,
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

async fn drain(file: &Path, durability: Durability, fused: bool) -> f64 {
    let (store, ids) = (open(file, durability), IdSource::default());
    for _ in 0..DRAIN / 1000 {
        store.enqueue(vec![group(&ids, 1000)]).await.unwrap().remove(0).unwrap();
    }
    let (started, mut done) = (Instant::now(), 0);
    let mut leased = store.lease(order(&ids)).await.unwrap();
    while !leased.tasks.is_empty() {
        let then = fused.then(|| order(&ids));
        let (applied, next) = store.settle(completions(&leased.tasks), then).await.unwrap();
        done += applied.iter().filter(|one| matches!(one, Ok(Applied::Done(_)))).count();
        leased = if fused { next } else { store.lease(order(&ids)).await.unwrap() };
    }
    assert_eq!(done, DRAIN);
    done as f64 / started.elapsed().as_secs_f64()
}

/// The tables of a store, by a plain connection.
fn raw(file: &Path) -> Connection {
    drop(open(file, Durability::Normal));
    Connection::open(file).unwrap()
}

/// Tasks that ended long ago.
fn finished(file: &Path, count: u32) {
    let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1) \
               INSERT INTO tasks (id, status, version, tenant, queue, handler, suspect, priority, \
               run_at, created_at, finished_at, attempt, submitted_as, last_seq, first_seq, \
               cancel_requested, lease_counted, task_type, payload, result) \
               SELECT unhex(printf('%032x', i)), 4, 3, 'default', 'default', 'work', 0, 3, i, i, i, \
               1, 2, 3, 1, 0, 0, 'work', printf('%0100d', i), 'null' FROM n";
    raw(file).execute(sql, [count]).unwrap();
}

fn synchronous(connection: &Connection, durability: Durability) {
    let full = durability == Durability::Full;
    connection.pragma_update(None, "synchronous", if full { "FULL" } else { "NORMAL" }).unwrap();
}

fn raw_tasks(connection: &Connection, ids: &IdSource, size: usize) {
    connection.prepare_cached("BEGIN IMMEDIATE").unwrap().execute([]).unwrap();
    let mut insert = connection
        .prepare_cached(
            "INSERT INTO tasks (id, status, version, tenant, queue, handler, suspect, priority, \
             run_at, created_at, attempt, submitted_as, last_seq, first_seq, cancel_requested, \
             lease_counted, task_type, payload) VALUES (?1, 2, 1, 'default', 'default', 'work', 0, \
             3, ?2, ?2, 0, 2, 1, 1, 0, 0, 'work', ?3)",
        )
        .unwrap();
    let payload = format!("{{\"x\":\"{}\"}}", "y".repeat(92));
    for _ in 0..size {
        let now = SystemClock.now();
        insert.execute(params![ids.task(now).as_bytes(), now.as_millis(), payload]).unwrap();
    }
    connection.prepare_cached("COMMIT").unwrap().execute([]).unwrap();
}

fn raw_insert(file: &Path, durability: Durability, size: usize) -> f64 {
    let (connection, ids) = (raw(file), IdSource::default());
    synchronous(&connection, durability);
    let (started, mut done) = (Instant::now(), 0);
    while started.elapsed() < Duration::from_secs(2) {
        raw_tasks(&connection, &ids, size);
        done += size;
    }
    done as f64 / started.elapsed().as_secs_f64()
}

fn raw_drain(file: &Path, durability: Durability) -> f64 {
    let (connection, ids) = (raw(file), IdSource::default());
    for _ in 0..DRAIN / 1000 {
        raw_tasks(&connection, &ids, 1000);
    }
    let (started, mut done) = (Instant::now(), 0);
    loop {
        // As in the store, a claim does not wait for the disk.
        synchronous(&connection, Durability::Normal);
        let token = ids.token();
        let mut claim = connection
            .prepare_cached(
                "UPDATE tasks SET status = 3, token = ?1, lease_worker = 'worker-1', \
                 lease_expires_at = ?2 WHERE num IN (SELECT num FROM tasks WHERE status = 2 \
                 AND tenant = 'default' AND queue = 'default' AND handler = 'work' AND suspect = 0 \
                 ORDER BY priority, run_at, id LIMIT 100) RETURNING id, payload",
            )
            .unwrap();
        let until = SystemClock.now().as_millis() + 60_000;
        let claimed: Vec<([u8; 16], String)> = claim
            .query_map(params![token.as_bytes(), until], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        if claimed.is_empty() {
            assert_eq!(done, DRAIN);
            return done as f64 / started.elapsed().as_secs_f64();
        }
        synchronous(&connection, durability);
        connection.prepare_cached("BEGIN IMMEDIATE").unwrap().execute([]).unwrap();
        let mut update = connection
            .prepare_cached(
                "UPDATE tasks SET status = 4, token = NULL, lease_worker = NULL, \
                 lease_expires_at = NULL, finished_at = ?3, result = ?4 \
                 WHERE tenant = 'default' AND id = ?1 AND token = ?2 AND status = 3",
            )
            .unwrap();
        for (id, _) in &claimed {
            let now = SystemClock.now().as_millis();
            done += update.execute(params![id, token.as_bytes(), now, "{\"ok\":true}"]).unwrap();
        }
        connection.prepare_cached("COMMIT").unwrap().execute([]).unwrap();
    }
}

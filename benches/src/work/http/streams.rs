//! 5,000 readers of events, each of a task of its own, with one update a second each.
//!
//! The worker's side sends heartbeats of 100 tasks every 20 ms, each with a progress whose message says
//! when it was sent; a reader compares that with its own clock when the line arrives. Server and readers
//! are two processes.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use windlass::{Client, Durability, LeaseRequest, LeasedTask, NewUpdate, Renewal, SubmitOptions};

use super::super::process::resident_kib;
use super::super::wake::{nanoseconds, summary};
use super::super::{TASK_TYPE, runtime, specs};
use super::servers::Serving;
use crate::Result;
use crate::place::{Place, discard};
use crate::rounds::{Measure, Target, Unit, Workload};

const READERS: usize = 5_000;
/// Tasks of one call of heartbeats.
const CALL: usize = 100;
/// Between two calls, so that each task has one update a second.
const TICK: Duration = Duration::from_millis(20);
/// Updates of each task.
const SECONDS: usize = 10;
/// Connections that are being opened at once.
const OPENING: usize = 100;
/// How long what was sent may take to arrive before it counts as lost.
const PATIENCE: Duration = Duration::from_secs(10);

/// One run gives all figures; each workload takes its own out of it.
type Figures = Rc<RefCell<[Option<Vec<f64>>; 3]>>;

/// How late, how much lost, and how much memory.
pub(super) fn workloads() -> Vec<Workload> {
    let figures = Figures::default();
    let of = |which: usize| -> Measure {
        let figures = figures.clone();
        Box::new(move |place| {
            if figures.borrow()[which].is_none() {
                *figures.borrow_mut() = measure(place)?.map(Some);
            }
            Ok(figures.borrow_mut()[which].take().unwrap_or_default())
        })
    };
    let one = |name: &str, parts, unit, which, target| Workload {
        name: format!("5,000 readers by http, {name}"),
        parts,
        unit,
        ours: of(which),
        beside: None,
        target: Some(Target::Values(target)),
    };
    vec![
        one("update to reader", &["p50", "p99"], Unit::Milliseconds, 0, &[200.0, 200.0]),
        one("updates lost", &[], Unit::Percent, 1, &[0.0]),
        one("memory for each", &[], Unit::Kibibytes, 2, &[20.0]),
    ]
}

fn measure(place: &Place) -> Result<[Vec<f64>; 3]> {
    let file = place.file();
    let store = format!("sqlite:{}", file.display());
    let figures = runtime()?.block_on(async {
        let serving = Serving::windlass(&store, Durability::Full)?;
        let client = windlass::connect(&serving.url).await?;
        let leased = lease_all(&client).await?;
        let before = resident_kib(serving.pid())?;
        let seen: Arc<Mutex<Vec<i128>>> = Arc::default();
        let readers = open(&serving.url, &leased, &seen).await?;
        let opened = resident_kib(serving.pid())?;
        send(&client, &leased).await?;
        let sent = READERS * SECONDS;
        let end = nanoseconds() + PATIENCE.as_nanos() as i128;
        let arrived = || seen.lock().unwrap_or_else(|p| p.into_inner()).len();
        while arrived() < sent && nanoseconds() < end {
            tokio::time::sleep(TICK).await;
        }
        let memory = opened.max(resident_kib(serving.pid())?) - before;
        drop(readers);
        let times = std::mem::take(&mut *seen.lock().unwrap_or_else(|p| p.into_inner()));
        let lost = 100.0 * sent.saturating_sub(times.len()) as f64 / sent as f64;
        client.close().await?;
        Result::Ok([summary(&times), vec![lost], vec![memory / READERS as f64]])
    })?;
    discard(&file);
    Ok(figures)
}

/// Stores one task for each reader, and leases them all.
async fn lease_all(client: &Client) -> Result<Vec<LeasedTask>> {
    client.submit_many(specs(0, READERS as u64), SubmitOptions::default()).await?;
    let mut leased = Vec::new();
    while leased.len() < READERS {
        let request = LeaseRequest {
            worker: "bench".to_owned(),
            queues: vec!["default".to_owned()],
            handlers: vec![TASK_TYPE.to_owned()],
            limit: 1000,
            ttl: Duration::from_secs(600),
            wait: Duration::ZERO,
            suspects: true,
        };
        let more = client.lease(request).await?.tasks;
        if more.is_empty() {
            return Err("the tasks are not all there".into());
        }
        leased.extend(more);
    }
    Ok(leased)
}

/// Opens a stream for each task; returns when all have their answer.
async fn open(
    url: &str,
    leased: &[LeasedTask],
    seen: &Arc<Mutex<Vec<i128>>>,
) -> Result<JoinSet<std::io::Result<()>>> {
    let address = url.strip_prefix("http://").ok_or("a server without TLS")?.to_owned();
    let mut readers = JoinSet::new();
    let turns = Arc::new(Semaphore::new(OPENING));
    for task in leased {
        let turn = turns.clone().acquire_owned().await?;
        let (address, seen) = (address.clone(), seen.clone());
        let path = format!("/api/v1/tasks/{}/events", task.task.task_id);
        readers.spawn(async move {
            let mut stream = TcpStream::connect(&address).await?;
            let head = format!(
                "GET {path} HTTP/1.1\r\nHost: {address}\r\nAccept: text/event-stream\r\n\r\n"
            );
            stream.write_all(head.as_bytes()).await?;
            let mut lines = BufReader::with_capacity(1024, stream).lines();
            let status = lines.next_line().await?.unwrap_or_default();
            if !status.contains(" 200 ") {
                return Err(std::io::Error::other(format!("a reader was answered {status:?}")));
            }
            drop(turn);
            while let Some(line) = lines.next_line().await? {
                let Some((_, message)) = line.split_once(r#""message":""#) else { continue };
                let sent = message.split('"').next().and_then(|text| text.parse::<i128>().ok());
                if let Some(sent) = sent {
                    let late = nanoseconds() - sent;
                    seen.lock().unwrap_or_else(|p| p.into_inner()).push(late);
                }
            }
            Err(std::io::Error::other("a stream ended"))
        });
        if let Some(ended) = readers.try_join_next() {
            ended??;
        }
    }
    let _all = turns.acquire_many(OPENING as u32).await?;
    match readers.try_join_next() {
        Some(ended) => Err(ended?.err().map_or("a reader ended".into(), Into::into)),
        None => Ok(readers),
    }
}

/// One update a second for each task.
async fn send(client: &Client, leased: &[LeasedTask]) -> Result<()> {
    let mut ticks = tokio::time::interval(TICK);
    let mut calls = JoinSet::new();
    for second in 0..SECONDS {
        for part in leased.chunks(CALL) {
            ticks.tick().await;
            let at = nanoseconds().to_string();
            let renewals = part.iter().map(|task| Renewal {
                task_id: task.task.task_id,
                token: task.token,
                extend: None,
                started: (second == 0).then_some(Duration::ZERO),
                updates: vec![NewUpdate::Progress {
                    progress: (second + 1) as f64,
                    message: Some(at.clone()),
                }],
            });
            let (client, renewals) = (client.clone(), renewals.collect::<Vec<_>>());
            calls.spawn(async move { client.renew(renewals).await.map(drop) });
        }
    }
    while let Some(call) = calls.join_next().await {
        call??;
    }
    Ok(())
}

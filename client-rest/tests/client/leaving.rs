//! Workers that drain while something is on its way to them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use windlass::{Client, DeclaredHandler, TaskStatus, Worker, WorkerConfig};

use crate::stage::{Stage, connect, quick, soon, spec};

/// What becomes of the word that a worker leaves.
#[derive(Clone)]
enum Word {
    /// A task is submitted, and granted to the worker, before the server hears it.
    Overtaken(Client),
    /// The server is an older one, which does not know it.
    Unknown,
    /// A balancer gives it to another server.
    Elsewhere,
}

/// Stands before a server; how often the word came.
async fn before(server: SocketAddr, word: Word) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let words = Arc::new(AtomicUsize::new(0));
    let said = words.clone();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let (word, said) = (word.clone(), said.clone());
            tokio::spawn(async move {
                let (reads, writes) = client.into_split();
                let (answers, asks) = TcpStream::connect(server).await.unwrap().into_split();
                // Either ends when the other does, because they go together.
                tokio::select! {
                    _ = questions(reads, asks, word, &said) => {}
                    _ = slowly(answers, writes) => {}
                }
            });
        }
    });
    (url, words)
}

async fn questions(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    word: Word,
    said: &AtomicUsize,
) -> std::io::Result<()> {
    let mut piece = [0; 16 << 10];
    loop {
        let count = from.read(&mut piece).await?;
        if count == 0 {
            return Ok(());
        }
        let asked = String::from_utf8_lossy(&piece[..count]).into_owned();
        if asked.lines().next().is_some_and(|line| line.contains("/leave ")) {
            said.fetch_add(1, Ordering::Relaxed);
            match &word {
                Word::Overtaken(inside) => granted(inside).await,
                // The path is made one that a server without it, or one without the worker, answers so.
                Word::Unknown => {
                    to.write_all(asked.replace("/leave ", "/leavx ").as_bytes()).await?;
                    continue;
                }
                Word::Elsewhere => {
                    let other = asked.replace("/workers/", "/workers/x");
                    to.write_all(other.as_bytes()).await?;
                    continue;
                }
            }
        }
        to.write_all(&piece[..count]).await?;
    }
}

/// Submits a task; resolves when a worker has been given it.
async fn granted(inside: &Client) {
    let id = inside.submit(spec()).await.unwrap().task_id.to_string();
    while inside.get(&id).await.unwrap().status != TaskStatus::Running {
        tokio::task::yield_now().await;
    }
}

/// Answers that grant something take their time: the worker hears first that its word has come.
async fn slowly(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
) -> std::io::Result<()> {
    let mut piece = [0; 16 << 10];
    loop {
        let count = from.read(&mut piece).await?;
        if count == 0 {
            return Ok(());
        }
        if String::from_utf8_lossy(&piece[..count]).contains("\"token\"") {
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        to.write_all(&piece[..count]).await?;
    }
}

/// A worker whose lease is held open by the server.
async fn waiting(stage: &Stage, url: &str) -> Worker {
    let handler = DeclaredHandler { name: "work".to_owned(), ..DeclaredHandler::default() };
    let config = WorkerConfig {
        handlers: vec![handler],
        lease: Duration::from_secs(3600),
        ..WorkerConfig::default()
    };
    let worker = connect(url, quick()).await.worker(config).unwrap();
    let place = stage.server.address();
    let held = async {
        loop {
            let mut socket = TcpStream::connect(place).await.unwrap();
            let asked =
                format!("GET /metrics HTTP/1.1\r\nhost: {place}\r\nconnection: close\r\n\r\n");
            socket.write_all(asked.as_bytes()).await.unwrap();
            let mut told = String::new();
            socket.read_to_string(&mut told).await.unwrap();
            if told.contains("\nwindlass_http_streams 1\n") {
                return;
            }
        }
    };
    soon(held).await;
    worker
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_granted_to_a_worker_that_drains_goes_back_at_once() {
    let stage = Stage::new().await;
    let (url, words) = before(stage.server.address(), Word::Overtaken(stage.inside.clone())).await;
    let worker = waiting(&stage, &url).await;
    worker.drain();
    soon(worker.stopped()).await;
    assert_eq!(words.load(Ordering::Relaxed), 1);
    let tasks = stage.inside.list(windlass::Filter::default(), None, 10).await.unwrap().tasks;
    let stands: Vec<_> = tasks.iter().map(|task| (task.status, task.attempt)).collect();
    assert_eq!(stands, [(TaskStatus::Pending, 0)]);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_of_a_server_that_does_not_know_the_word_waits_for_nothing() {
    let stage = Stage::new().await;
    let (url, words) = before(stage.server.address(), Word::Unknown).await;
    let worker = waiting(&stage, &url).await;
    let start = Instant::now();
    worker.drain();
    soon(worker.stopped()).await;
    assert!(start.elapsed() < Duration::from_millis(1_500), "{:?}", start.elapsed());
    assert_eq!(words.load(Ordering::Relaxed), 1);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_whose_word_reaches_another_server_waits_for_a_moment_and_no_longer() {
    let stage = Stage::new().await;
    let (url, words) = before(stage.server.address(), Word::Elsewhere).await;
    let worker = waiting(&stage, &url).await;
    let start = Instant::now();
    worker.drain();
    soon(worker.stopped()).await;
    let took = start.elapsed();
    assert!((Duration::from_secs(2)..Duration::from_secs(8)).contains(&took), "{took:?}");
    assert_eq!(words.load(Ordering::Relaxed), 1);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_stops_says_the_word_and_waits_for_nothing() {
    let stage = Stage::new().await;
    let (url, words) = before(stage.server.address(), Word::Elsewhere).await;
    let (stops, hurries) = (waiting(&stage, &url).await, Instant::now());
    stops.stop();
    soon(stops.stopped()).await;
    assert_eq!(words.load(Ordering::Relaxed), 1);
    assert!(hurries.elapsed() < Duration::from_millis(1_500), "{:?}", hurries.elapsed());
    stage.stop().await;
}

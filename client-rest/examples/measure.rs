//! Measures a worker behind a server beside one in process, on SQLite with durability normal.
//!
//! `cargo run --release -p windlass-client --example measure -- [drain|wake|strain] [COUNT]`

use std::time::{Duration, Instant};

use windlass::worker::{DeclaredHandler, Lane, WorkerConfig};
use windlass::{
    Client, ConnectOptions, Durability, Outcome, Payload, Result, SubmitOptions, TaskSpec,
};
use windlass_server::http::{ServeOptions, Server};

const CONCURRENCY: u32 = 100;

fn config() -> WorkerConfig {
    let handler = DeclaredHandler { name: "work".to_owned(), ..DeclaredHandler::default() };
    WorkerConfig { handlers: vec![handler], concurrency: CONCURRENCY, ..WorkerConfig::default() }
}

fn spec(number: usize) -> TaskSpec {
    let text = format!(r#"{{"number":{number},"text":"{}"}}"#, "x".repeat(70));
    TaskSpec::new("work", Payload::new("payload", text).expect("it is JSON"))
}

fn done() -> Outcome {
    Outcome::complete(Payload::null())
}

/// Tasks per second.
async fn drain(client: &Client, inside: &Client, count: usize) -> Result<f64> {
    for chunk in 0..count.div_ceil(5000) {
        let specs = (chunk * 5000..count.min(chunk * 5000 + 5000)).map(spec).collect();
        inside.submit_many(specs, SubmitOptions::default()).await?;
    }
    let start = Instant::now();
    let worker = client.worker(config())?;
    let mut run = 0;
    while run < count {
        let jobs = worker.claim(Lane::Loop, CONCURRENCY as usize).await;
        run += jobs.len();
        worker.complete(jobs.into_iter().map(|job| (job.id, done())).collect());
    }
    worker.drain();
    worker.stopped().await;
    Ok(count as f64 / start.elapsed().as_secs_f64())
}

/// From the call of submit to the start of the handler, in milliseconds: middle and slow end.
async fn wake(producer: &Client, remote: &Client, count: usize) -> Result<(f64, f64)> {
    let worker = remote.worker(config())?;
    let mut times = Vec::new();
    for number in 0..count {
        tokio::time::sleep(Duration::from_millis(7 + number as u64 % 3 * 4)).await;
        let start = Instant::now();
        let stored = producer.submit(spec(number));
        let (stored, jobs) = tokio::join!(stored, worker.claim(Lane::Loop, 1));
        let _ = stored?;
        times.push(start.elapsed().as_secs_f64() * 1000.0);
        worker.complete(jobs.into_iter().map(|job| (job.id, done())).collect());
    }
    worker.drain();
    worker.stopped().await;
    times.sort_by(f64::total_cmp);
    Ok((times[times.len() / 2], times[times.len() * 99 / 100]))
}

/// Calls to a server that breaks every answer off, and what memory is left resident by them, in KiB: after
/// a first round, after all, and after a rest.
async fn strain(count: usize) -> Result<[u64; 3]> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let url = format!("http://{}", listener.local_addr().expect("it has an address"));
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = [0; 4096];
                let head = "HTTP/1.1 200 OK\r\ncontent-length: 99999\r\n\r\n{\"tasks\":[";
                // The client may be gone before.
                if socket.read(&mut request).await.is_ok() {
                    let _ = socket.write_all(head.as_bytes()).await;
                }
            });
        }
    });
    let retry = windlass::RetryConfig { max_retries: 0, ..Default::default() };
    let options = ConnectOptions { retry, breaker: None, ..ConnectOptions::default() };
    let client = windlass::connect_with(&url, options).await?;
    let mut seen = [0; 3];
    for (i, calls) in [count / 10, count].into_iter().enumerate() {
        for _ in 0..calls / 20 {
            let calls = (0..20).map(|number| client.submit(spec(number)));
            let answers = futures_util::future::join_all(calls).await;
            assert!(answers.iter().all(Result::is_err));
            let id = "01981e2c-1d5c-7c11-b0e9-c2b7a9a3a001";
            let _ = client.updates(id, 0)?.next_within(Duration::from_millis(1)).await;
        }
        seen[i] = resident();
    }
    tokio::time::sleep(Duration::from_secs(60)).await;
    seen[2] = resident();
    Ok(seen)
}

/// Resident memory of this process, in KiB; 0 where the system does not tell.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or_default()
}

async fn open(folder: &std::path::Path, name: &str) -> Result<Client> {
    let options = ConnectOptions { durability: Durability::Normal, ..ConnectOptions::default() };
    windlass::connect_with(&format!("sqlite:{}", folder.join(name).display()), options).await
}

#[allow(clippy::print_stdout)]
fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().collect();
    let what = args.get(1).map_or("drain", String::as_str);
    let count = args.get(2).and_then(|count| count.parse().ok());
    let folder = tempfile::tempdir().expect("there is room for a file");
    let serving = tokio::runtime::Runtime::new().expect("a runtime starts");
    let working = tokio::runtime::Runtime::new().expect("a runtime starts");
    let (server, inside) = serving.block_on(async {
        let inside = open(folder.path(), "served.db").await?;
        let listen = "127.0.0.1:0".to_owned();
        let options = ServeOptions { listen, ..ServeOptions::default() };
        Result::Ok((Server::start(inside.clone(), options).await?, inside))
    })?;
    working.block_on(async {
        let remote = windlass::connect(&server.url()).await?;
        if what == "wake" {
            let producer = windlass::connect(&server.url()).await?;
            let (middle, slow) = wake(&producer, &remote, count.unwrap_or(300)).await?;
            println!("submit by HTTP to start: p50 {middle:.2} ms, p99 {slow:.2} ms");
            return Ok(());
        }
        if what == "strain" {
            let [first, all, rest] = strain(count.unwrap_or(20_000)).await?;
            println!("resident: {first} KiB, after all {all} KiB, after 60 s {rest} KiB");
            return Ok(());
        }
        let count = count.unwrap_or(50_000);
        for round in 0..3 {
            let local = open(folder.path(), &format!("local{round}.db")).await?;
            let here = drain(&local, &local, count).await?;
            local.close().await?;
            let there = drain(&remote, &inside, count).await?;
            println!("in process {here:.0}/s, by HTTP {there:.0}/s: {:.2} times", there / here);
        }
        Ok(())
    })
}

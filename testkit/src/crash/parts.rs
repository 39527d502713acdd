//! What the processes do until they are killed.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use windlass::{
    Context, Cursor, Failure, Filter, Handlers, RetryOptions, SubmitOptions, TaskSpec, TaskStatus,
    WorkerConfig,
};

use super::log::{Log, stamped};

/// What ends a process by itself.
type Ended = Box<dyn std::error::Error + Send + Sync>;

/// The task type of everything here.
const WORK: &str = "work";
/// Waiting tasks above which submitters rest.
const ENOUGH: u64 = 400;

/// A number from 0 up to `end`, not included.
fn draw(end: u64) -> u64 {
    (windlass_core::rules::chance::unit() * end as f64) as u64
}

fn spec(number: u64) -> TaskSpec {
    let retry = RetryOptions {
        max_retries: Some(1000),
        initial_delay: Some(Duration::from_millis(5)),
        max_delay: Some(Duration::from_millis(50)),
        ..RetryOptions::default()
    };
    TaskSpec::new(WORK, json!({ "number": number, "text": "x".repeat(draw(200) as usize) }))
        .idempotency_key(format!("{}-{number}", std::process::id()))
        .retry(retry)
}

/// Submits tasks, one or many at a time, and writes down each that was acknowledged.
///
/// # Errors
///
/// Whatever a caller would see.
pub async fn submitter(url: &str, folder: &Path) -> Result<(), Ended> {
    let log = Log::open(folder, "acknowledged")?;
    let client = windlass::connect(url).await?;
    for number in 0.. {
        let count = if draw(4) == 0 { 1 + draw(20) } else { 1 };
        let specs = (0..count).map(|i| spec(number * 100 + i)).collect();
        let options = SubmitOptions { batch: count > 1, ..SubmitOptions::default() };
        let stored = client.submit_many(specs, options).await?;
        let lines: Vec<String> = stored.iter().map(|s| s.task_id.to_string()).collect();
        log.write(&lines.join("\n"))?;
        let waiting = |counts: Vec<windlass::Count>| -> u64 {
            counts.iter().filter(|count| count.status.is_waiting()).map(|count| count.count).sum()
        };
        while waiting(client.counts().await?) > ENOUGH {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    Ok(())
}

/// Runs tasks, and writes down each attempt that begins.
///
/// # Errors
///
/// Whatever a worker would see.
pub async fn worker(url: &str, folder: &Path) -> Result<(), Ended> {
    let log = Arc::new(Log::open(folder, "began")?);
    let client = windlass::connect(url).await?;
    let handlers = Handlers::new().on(WORK, move |ctx: Context, _: serde_json::Value| {
        let log = log.clone();
        async move {
            log.write(&stamped(&ctx.task_id()))?;
            if draw(4) == 0 {
                ctx.progress(50.0, "half")?;
            }
            tokio::time::sleep(Duration::from_millis(draw(12))).await;
            if draw(20) == 0 {
                return Err(Failure::new("the dice said so"));
            }
            Ok(true)
        }
    });
    let config = WorkerConfig { lease: Duration::from_secs(2), ..WorkerConfig::default() };
    handlers.run(&client, config).await?;
    Ok(())
}

/// Looks which tasks have completed, and writes down each when it first sees it.
///
/// # Errors
///
/// Whatever a reader would see.
pub async fn watcher(url: &str, folder: &Path) -> Result<(), Ended> {
    let log = Log::open(folder, "completed")?;
    let client = windlass::connect(url).await?;
    let mut seen = HashSet::new();
    let filter = Filter { status: vec![TaskStatus::Completed], ..Filter::default() };
    loop {
        let mut cursor: Option<Cursor> = None;
        loop {
            let page = client.list(filter.clone(), cursor, 200).await?;
            for task in page.tasks {
                if seen.insert(task.task_id) {
                    log.write(&stamped(&task.task_id.to_string()))?;
                }
            }
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

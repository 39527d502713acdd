//! What the processes do until they are killed.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use windlass::{
    Client, Context, Cursor, Error, Failure, Filter, Handlers, RetryOptions, SubmitOptions,
    TaskSpec, TaskStatus, WorkerConfig,
};
use windlass_server::http::{ServeOptions, Server};

use super::composites;
use super::log::{Log, stamped};

/// What ends a process by itself.
type Ended = Box<dyn std::error::Error + Send + Sync>;

/// The task type of everything here.
pub(super) const WORK: &str = "work";
/// The type of those that count a state up; workers in Python do not take them.
const COUNT: &str = "count";
/// The state keys that they share.
pub(super) const STATES: [&str; 3] = ["s0", "s1", "s2"];
/// Waiting tasks above which submitters rest.
const ENOUGH: u64 = 400;

/// A number from 0 up to `end`, not included.
pub(super) fn draw(end: u64) -> u64 {
    (windlass_core::rules::chance::unit() * end as f64) as u64
}

/// A server that is killed leaves calls without an answer, and a caller cannot know what became of
/// them: nothing was promised. On a file of its own every error is a failure.
fn is_interruption(url: &str, error: &Error) -> bool {
    url.starts_with("http:") && error.is_retryable()
}

pub(super) fn spec(url: &str, number: u64) -> TaskSpec {
    let retry = RetryOptions {
        max_retries: Some(1000),
        initial_delay: Some(Duration::from_millis(5)),
        max_delay: Some(Duration::from_millis(50)),
        ..RetryOptions::default()
    };
    // What was asked for once may be there once, with a key or without: over HTTP the client brings
    // its own from its first request.
    let request = format!("{}-{number}", std::process::id());
    let payload = json!({ "request": request, "text": "x".repeat(draw(200) as usize) });
    let spec = TaskSpec::new(WORK, payload).retry(retry);
    let spec = match url.starts_with("http:") && draw(2) == 0 {
        true => spec,
        false => spec.idempotency_key(request),
    };
    match draw(8) {
        0 => {
            let state_key = Some(STATES[draw(STATES.len() as u64) as usize].to_owned());
            TaskSpec { task_type: COUNT.to_owned(), state_key, ..spec }
        }
        _ => spec,
    }
}

/// Submits tasks, one or many at a time, and writes down each that was acknowledged.
///
/// # Errors
///
/// Whatever a caller would see.
pub async fn submitter(url: &str, folder: &Path) -> Result<(), Ended> {
    let log = Log::open(folder, "acknowledged")?;
    let composed = Log::open(folder, "composed")?;
    let client = windlass::connect(url).await?;
    for number in 0.. {
        if draw(8) == 0 {
            match composites::submit(url, &client, &composed, number).await {
                Ok(written) => written?,
                Err(error) if is_interruption(url, &error) => {}
                Err(error) => return Err(error.into()),
            }
            continue;
        }
        let count = if draw(4) == 0 { 1 + draw(20) } else { 1 };
        let specs = (0..count).map(|i| spec(url, number * 100 + i)).collect();
        let options = SubmitOptions { batch: count > 1, ..SubmitOptions::default() };
        match client.submit_many(specs, options).await {
            Ok(stored) => {
                let lines: Vec<String> = stored.iter().map(|s| s.task_id.to_string()).collect();
                log.write(&lines.join("\n"))?;
                if draw(4) == 0 {
                    awaited(url, &client, &lines[0]).await?;
                }
            }
            Err(error) if is_interruption(url, &error) => {}
            Err(error) => return Err(error.into()),
        }
        while waiting(url, &client).await? > ENOUGH {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    Ok(())
}

/// Waits a while for a task's end: an answer that is held while others die.
async fn awaited(url: &str, client: &Client, id: &str) -> Result<(), Error> {
    match client.result(id, Some(Duration::from_millis(500))).await {
        Ok(_) | Err(Error::TaskTimeout { .. } | Error::WorkerNotAvailable { .. }) => Ok(()),
        Err(error) if is_interruption(url, &error) => Ok(()),
        Err(error) => Err(error),
    }
}

async fn waiting(url: &str, client: &Client) -> Result<u64, Error> {
    match client.counts().await {
        Ok(counts) => {
            let waiting = counts.iter().filter(|count| count.status.is_waiting());
            Ok(waiting.map(|count| count.count).sum())
        }
        Err(error) if is_interruption(url, &error) => Ok(0),
        Err(error) => Err(error),
    }
}

/// Runs tasks, and writes down each attempt that begins.
///
/// # Errors
///
/// Whatever a worker would see.
pub async fn worker(url: &str, folder: &Path) -> Result<(), Ended> {
    let log = Arc::new(Log::open(folder, "began")?);
    let client = windlass::connect(url).await?;
    let work = move |ctx: Context, _: serde_json::Value| {
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
            if ctx.task().state_key.is_some() {
                ctx.set_state(&(ctx.state::<u64>()?.unwrap_or_default() + 1))?;
            }
            Ok(true)
        }
    };
    let handlers = Handlers::new().on(WORK, work.clone()).on(COUNT, work);
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
            let page = match client.list(filter.clone(), cursor, 200).await {
                Ok(page) => page,
                Err(error) if is_interruption(url, &error) => break,
                Err(error) => return Err(error.into()),
            };
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

/// Serves the store on an address.
///
/// # Errors
///
/// Whatever keeps it from serving.
pub async fn server(store: &str, address: &str) -> Result<(), Ended> {
    let client = windlass::connect(store).await?;
    let options = ServeOptions { listen: address.to_owned(), ..ServeOptions::default() };
    Server::start(client, options).await?.stopped().await;
    Ok(())
}

/// Tasks that are followed at once.
const FOLLOWED: usize = 16;

/// Follows tasks from their first entry to their last, and writes down each that it has read whole, with
/// the number of its last entry, and each whose entries were not all there, in order, once.
///
/// # Errors
///
/// Whatever a reader would see.
pub async fn follower(url: &str, folder: &Path) -> Result<(), Ended> {
    let (whole, broken) = (Log::open(folder, "followed")?, Log::open(folder, "broken")?);
    let client = windlass::connect(url).await?;
    loop {
        let page = match client.list(Filter::default(), None, FOLLOWED as u32).await {
            Ok(page) => page,
            Err(error) if is_interruption(url, &error) => continue,
            Err(error) => return Err(error.into()),
        };
        let streams = page.tasks.iter().map(|task| follow(url, &client, task.task_id.to_string()));
        for told in futures_util::future::join_all(streams).await {
            match told? {
                Ok((id, last)) => whole.write(&format!("{id} {last}"))?,
                Err(text) => broken.write(&text)?,
            }
        }
    }
}

/// Reads one task to its end: its last number, or what was wrong.
async fn follow(
    url: &str,
    client: &Client,
    id: String,
) -> Result<Result<(String, u64), String>, Error> {
    let mut stream = client.updates(&id, 0)?;
    let (mut last, mut ended) = (0, false);
    while let Some(update) = stream.next().await {
        match update {
            Ok(update) if update.seq != last + 1 || ended => {
                return Ok(Err(format!("{id}: a reader had {} after {last}", update.seq)));
            }
            Ok(update) => {
                last = update.seq;
                ended = update.is_final();
            }
            // The next call goes on where this one was cut.
            Err(error) if is_interruption(url, &error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(if ended { Ok((id, last)) } else { Err(format!("{id}: a stream ended at {last}")) })
}

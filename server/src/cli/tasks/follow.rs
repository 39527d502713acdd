//! A task's history as it grows, on the terminal or as lines.

use std::time::Duration;

use windlass::{Error, Task, TaskStatus, Update, UpdateKind, Waiting};

use crate::cli::connect::Session;
use crate::cli::failure::{Done, Failure, exit};
use crate::cli::output::Output;
use crate::cli::output::text::{Paint, bar, clean, clean_lines};
use crate::cli::output::time::of_day;

/// Silence after which somebody who waits is told that no worker will come.
const PATIENCE: Duration = Duration::from_secs(2);

/// Prints to `output` the history after entry `after` until the task ends; answers the ended task.
///
/// # Errors
///
/// `task_not_found`; `task_timeout` or `worker_not_available` when `limit` passes first. The task is
/// not touched.
pub(crate) async fn follow(
    session: &Session<'_>,
    output: &Output,
    task_id: &str,
    after: u64,
    limit: Option<Duration>,
) -> Result<Task, Failure> {
    // Asked first, so that an unknown id is refused before anything is printed.
    session.client.get(task_id).await?;
    let printed = async {
        let mut updates = session.client.updates(task_id, after)?;
        let mut told = false;
        while let Some(next) = updates.next_within(PATIENCE).await {
            match next {
                Some(update) => show(output, &update?)?,
                None if !told => told = tell_who_is_missing(session, task_id).await?,
                None => {}
            }
        }
        Ok::<_, Failure>(())
    };
    match limit {
        None => printed.await?,
        Some(limit) => {
            let host = session.client.host().clone();
            match windlass::runtime::host::timeout(&*host, limit, printed).await {
                Some(printed) => printed?,
                None => ran_out(session, task_id, limit).await?,
            }
        }
    }
    output.clear();
    Ok(session.client.get(task_id).await?)
}

/// Whether a worker is missing or the task is slow; nothing if it ended in the very last moment.
async fn ran_out(session: &Session<'_>, task_id: &str, limit: Duration) -> Done {
    let mut error = match session.client.wait(task_id, Some(Duration::ZERO)).await {
        Ok(_) => return Ok(()),
        Err(error) => error,
    };
    if let Error::WorkerNotAvailable { timeout, .. } | Error::TaskTimeout { timeout, .. } =
        &mut error
    {
        *timeout = limit;
    }
    Err(error.into())
}

/// 0 for a completed task, 1 for one that failed or was cancelled.
pub(crate) fn verdict(task: &Task) -> Done {
    if task.status == TaskStatus::Completed { Ok(()) } else { Err(Failure::Printed(exit::FAILED)) }
}

/// Prints one entry.
fn show(output: &Output, update: &Update) -> Done {
    if output.is_json() {
        return Ok(output.json_line(update)?);
    }
    let (paint, text) = match &update.kind {
        UpdateKind::Status { status, attempt, message, error, .. } => {
            let mut text = status.to_string();
            if *attempt > 1 {
                text.push_str(&format!(", attempt {attempt}"));
            }
            let why = error.as_ref().map(|error| &error.message).or(message.as_ref());
            if let Some(why) = why {
                text.push_str(": ");
                text.push_str(&clean(why));
            }
            (Paint::of(*status), text)
        }
        UpdateKind::Progress { progress, message } => {
            let message = message.as_deref();
            let text = bar(*progress)
                + &message.map_or_else(String::new, |text| format!("  {}", clean(text)));
            if output.is_live() {
                return Ok(output.draw_over(&text)?);
            }
            (Paint::Plain, text)
        }
        UpdateKind::Log { .. } => return log(output, update),
        UpdateKind::Member { member_id, stage, status, error, .. } => {
            let name = stage.as_deref().map_or_else(|| member_id.to_string(), clean);
            let mut text = format!("{name} {status}");
            if let Some(error) = error {
                text.push_str(": ");
                text.push_str(&clean(&error.message));
            }
            (Paint::of(*status), text)
        }
        UpdateKind::Resync { status, .. } => {
            (Paint::Dim, format!("older entries were pruned; now {status}"))
        }
    };
    let time = output.painted(Paint::Dim, &of_day(update.at));
    Ok(output.line(&format!("{time}  {}", output.painted(paint, &text)))?)
}

/// Prints one log line; nothing for an entry of another kind.
pub(crate) fn log(output: &Output, update: &Update) -> Done {
    let UpdateKind::Log { level, message } = &update.kind else { return Ok(()) };
    if output.is_json() {
        return Ok(output.json_line(update)?);
    }
    let paint = match level {
        windlass::LogLevel::Error => Paint::Bad,
        windlass::LogLevel::Warning => Paint::Warn,
        windlass::LogLevel::Debug => Paint::Dim,
        windlass::LogLevel::Info => Paint::Plain,
    };
    let time = output.painted(Paint::Dim, &of_day(update.at));
    let level = output.painted(paint, &format!("{:7}", level.as_str()));
    Ok(output.line(&format!("{time}  {level} {}", clean_lines(message)))?)
}

/// Whether there was something to say.
async fn tell_who_is_missing(session: &Session<'_>, task_id: &str) -> Result<bool, Failure> {
    let why = session.client.why(task_id).await?;
    let missing = why.reason == Waiting::NoWorker;
    if missing {
        session.output.note(&why.text);
    }
    Ok(missing)
}

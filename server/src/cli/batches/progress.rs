//! A batch as it goes on: a bar on a terminal, lines elsewhere.

use std::time::Duration;

use windlass::{Batch, Error, TaskStatus};

use crate::cli::connect::Session;
use crate::cli::failure::{Done, Failure};
use crate::cli::output::Output;
use crate::cli::output::text::{Paint, bar};
use crate::cli::output::time::of_day;

/// Between two looks at the counts.
const LOOK: Duration = Duration::from_millis(250);

/// Prints the batch whenever it changed, until it has ended; answers how.
///
/// # Errors
///
/// `batch_not_found`; `task_timeout` when `limit` passes first. The batch is not touched.
pub(super) async fn follow(
    session: &Session<'_>,
    id: &str,
    limit: Option<Duration>,
) -> Result<Batch, Failure> {
    let (client, host) = (&session.client, session.client.host().clone());
    let start = host.monotonic();
    let mut last: Option<Batch> = None;
    loop {
        let batch = client.batch(id).await?;
        let over = batch.is_final();
        if last.as_ref() != Some(&batch) {
            show(session, &batch)?;
        }
        if over {
            return Ok(batch);
        }
        last = Some(batch);
        let left = limit.map(|limit| limit.saturating_sub(host.monotonic().saturating_sub(start)));
        match (left, limit) {
            (Some(Duration::ZERO), Some(timeout)) => {
                let task_id = open_task(session, id).await?;
                return Err(Error::TaskTimeout { task_id, timeout }.into());
            }
            (left, _) => host.sleep(left.unwrap_or(LOOK).min(LOOK)).await,
        }
    }
}

/// A task that has not ended, for the error that says what was waited for.
async fn open_task(session: &Session<'_>, id: &str) -> Result<String, Failure> {
    let open = TaskStatus::ALL.into_iter().filter(|status| !status.is_final()).collect();
    let batch_id = id.parse().ok();
    let filter = windlass::Filter { status: open, batch_id, ..windlass::Filter::default() };
    let page = session.client.list(filter, None, 1).await?;
    Ok(page.tasks.first().map_or_else(String::new, |task| task.task_id.to_string()))
}

fn show(session: &Session<'_>, batch: &Batch) -> Done {
    let output = session.output;
    if output.is_json() {
        return Ok(output.json_line(batch)?);
    }
    let text = line(output, batch);
    if !batch.is_final() && output.is_live() {
        return Ok(output.draw_over(&text)?);
    }
    let time = output.painted(Paint::Dim, &of_day(session.client.now()));
    Ok(output.line(&format!("{time}  {text}"))?)
}

/// The share that has ended, and what the rest does: `[####----]  50%  3 completed, 1 running`.
fn line(output: &Output, batch: &Batch) -> String {
    let count = |status: &TaskStatus| batch.counts.get(status).copied().unwrap_or_default();
    let ended: u64 = TaskStatus::ALL.iter().filter(|s| s.is_final()).map(count).sum();
    let share = 100.0 * ended as f64 / batch.total.max(1) as f64;
    let words: Vec<_> = batch
        .counts
        .iter()
        .map(|(status, n)| output.painted(Paint::of(*status), &format!("{n} {status}")))
        .collect();
    let words = words.join(", ");
    match batch.is_final() {
        true => output.painted(Paint::of(batch.status), batch.status.as_str()) + ": " + &words,
        // Rounded down, so that 100 % is said only of what has ended.
        false => format!("{}  {words}", bar(share.floor())),
    }
}

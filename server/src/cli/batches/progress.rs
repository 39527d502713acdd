//! A batch as it goes on: a bar on a terminal, lines elsewhere.

use std::time::Duration;

use windlass::{Batch, Error, Filter, TaskStatus};

use crate::cli::connect::Session;
use crate::cli::failure::{Done, Failure};
use crate::cli::output::Output;
use crate::cli::output::text::{Paint, bar};
use crate::cli::output::time::{exact, of_day};

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
        let left = limit.map(|limit| limit.saturating_sub(host.monotonic().saturating_sub(start)));
        if let (Some(Duration::ZERO), Some(limit)) = (left, limit) {
            return Err(ran_out(session, &batch, limit).await?);
        }
        last = Some(batch);
        host.sleep(left.unwrap_or(LOOK).min(LOOK)).await;
    }
}

/// The failure that names a task which has not ended, and says that the batch goes on.
async fn ran_out(session: &Session<'_>, batch: &Batch, limit: Duration) -> Result<Failure, Error> {
    let open = TaskStatus::ALL.into_iter().filter(|status| !status.is_final()).collect();
    let filter = Filter { status: open, batch_id: Some(batch.batch_id), ..Filter::default() };
    let page = session.client.list(filter, None, 1).await?;
    let task_id = page.tasks.first().map_or_else(String::new, |task| task.task_id.to_string());
    let mut failure = Failure::from(Error::TaskTimeout { task_id, timeout: limit });
    if let Failure::Report(report) = &mut failure {
        let id = batch.batch_id;
        let counts: Vec<_> =
            batch.counts.iter().map(|(status, n)| format!("{n} {status}")).collect();
        report.text =
            format!("the batch has not ended after {}: {}", exact(limit), counts.join(", "));
        report.hint = Some(format!("it goes on: windlass batches watch {id}"));
    }
    Ok(failure)
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

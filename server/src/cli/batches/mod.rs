//! `windlass batches`: many tasks that were submitted together.

mod ls;
mod progress;

use std::time::Duration;

use clap::{Args, Subcommand};
use windlass::{Batch, TaskStatus};

use crate::cli::connect::{Patience, Session};
use crate::cli::failure::{Done, Failure, exit};
use crate::cli::output::text::Paint;
use crate::cli::values;

/// Commands on batches.
#[derive(Debug, Subcommand)]
pub(crate) enum BatchesCommand {
    /// List batches, newest first
    Ls(ls::LsArgs),
    /// Show how the tasks of a batch stand
    #[command(after_help = "\
Examples:
  windlass batches get 019a0d5e-8f6b-7000-8000-000000000001
  windlass tasks ls --batch ID --status failed")]
    Get(BatchArgs),
    /// Follow a batch until every task has ended
    Watch(WatchArgs),
    /// Cancel every task of a batch that has not ended
    #[command(after_help = "\
Waiting tasks are cancelled at once, running ones as soon as their code has
stopped. A batch that has ended stays as it is, and that is no error.

Example:
  windlass batches cancel 019a0d5e-8f6b-7000-8000-000000000001")]
    Cancel(BatchArgs),
}

/// Which batch.
#[derive(Debug, Args)]
pub(crate) struct BatchArgs {
    /// The batch
    #[arg(value_name = "ID")]
    id: String,
}

/// Arguments of `windlass batches watch`.
#[derive(Debug, Args)]
#[command(after_help = "\
Ends with 0 when every task completed, with 1 when one failed or was
cancelled. Ctrl-C stops watching, not the batch.

Examples:
  windlass batches watch 019a0d5e-8f6b-7000-8000-000000000001
  windlass batches watch ID -o json --timeout 10m")]
pub(crate) struct WatchArgs {
    /// The batch
    #[arg(value_name = "ID")]
    id: String,
    /// Stop watching after this long
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    timeout: Option<Duration>,
}

impl BatchesCommand {
    /// Whether it follows something.
    pub(crate) fn patience(&self) -> Patience {
        if matches!(self, Self::Watch(_)) { Patience::Long } else { Patience::Short }
    }
}

/// Runs the command.
pub(crate) async fn run(command: &BatchesCommand, session: &Session<'_>) -> Done {
    match command {
        BatchesCommand::Ls(args) => ls::run(args, session).await,
        BatchesCommand::Get(args) => show(session, &session.client.batch(&args.id).await?),
        BatchesCommand::Cancel(args) => {
            show(session, &session.client.cancel_batch(&args.id).await?)
        }
        BatchesCommand::Watch(args) => {
            verdict(&progress::follow(session, &args.id, args.timeout).await?)
        }
    }
}

/// 0 for a batch that completed, 1 for one that failed or was cancelled.
fn verdict(batch: &Batch) -> Done {
    if batch.status == TaskStatus::Completed { Ok(()) } else { Err(Failure::Printed(exit::FAILED)) }
}

/// Prints the batch; JSON is its record.
fn show(session: &Session<'_>, batch: &Batch) -> Done {
    let output = session.output;
    if output.is_json() {
        return Ok(output.json(batch)?);
    }
    let status = output.painted(Paint::of(batch.status), batch.status.as_str());
    let mut text = format!("{:13}{}\n{:13}{status}\n", "batch", batch.batch_id, "status");
    text.push_str(&format!("{:13}{}\n", "tasks", batch.total));
    for (status, count) in &batch.counts {
        let status = format!("{:13}", status.as_str());
        text.push_str(&format!("{status}{count}\n"));
    }
    Ok(output.line(&text)?)
}

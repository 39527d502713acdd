//! `windlass tasks watch`

use std::time::Duration;

use clap::Args;

use crate::cli::connect::Session;
use crate::cli::failure::Done;
use crate::cli::tasks::follow::{follow, verdict};
use crate::cli::values;

/// Arguments of `windlass tasks watch`.
#[derive(Debug, Args)]
#[command(after_help = "\
Ends with 0 when the task completed, with 1 when it failed or was cancelled.
Ctrl-C stops watching, not the task.

Examples:
  windlass tasks watch 019a0d5e-8f6b-7000-8000-000000000001
  windlass tasks watch ID -o json --after 12")]
pub(crate) struct WatchArgs {
    /// The task
    #[arg(value_name = "ID")]
    id: String,
    /// Begin after this entry of its history
    #[arg(long, value_name = "SEQ", default_value_t = 0)]
    after: u64,
    /// Stop watching after this long
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    timeout: Option<Duration>,
}

/// Prints the history as it grows; JSON is one update record on each line.
pub(crate) async fn run(args: &WatchArgs, session: &Session<'_>) -> Done {
    verdict(&follow(session, session.output, &args.id, args.after, args.timeout).await?)
}

//! `windlass tasks retry`

use clap::Args;

use crate::cli::connect::Session;
use crate::cli::failure::Done;
use crate::cli::tasks::bulk::{self, Bulk};
use crate::cli::tasks::filter::FilterArgs;
use crate::cli::tasks::many::Many;

/// Arguments of `windlass tasks retry`.
#[derive(Debug, Args)]
#[command(after_help = "\
Only failed and cancelled tasks can be run again; others are refused with
exit code 1.

With options instead of ids, all tasks that match are meant: they are counted
first, and --yes goes on without asking.

Examples:
  windlass tasks retry 019a0d5e-8f6b-7000-8000-000000000001
  windlass tasks retry --error 'connection refused' --since 2h --yes")]
pub(crate) struct RetryArgs {
    /// The tasks
    #[arg(value_name = "ID", required_unless_present = "Filter", conflicts_with = "Filter")]
    ids: Vec<String>,
    #[command(flatten)]
    filter: Option<FilterArgs>,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

/// Retries each; JSON is `tasks` as they stand and `errors`, or `changed` and `more` of all that match.
pub(crate) async fn run(args: &RetryArgs, session: &Session<'_>) -> Done {
    if let Some(filter) = &args.filter {
        let filter = filter.read(&session.client);
        return bulk::run(Bulk::Retry, filter, args.yes, session).await;
    }
    let mut many = Many::new(session);
    for id in &args.ids {
        many.take(id, session.client.retry(id).await, |task| task.status.to_string())?;
    }
    many.end()
}

//! `windlass tasks retry`

use clap::Args;

use crate::cli::connect::Session;
use crate::cli::failure::Done;
use crate::cli::tasks::many::Many;

/// Arguments of `windlass tasks retry`.
#[derive(Debug, Args)]
#[command(after_help = "\
Only failed and cancelled tasks can be run again; others are refused with
exit code 1.

Example:
  windlass tasks ls --error 'connection refused' -q | xargs windlass tasks retry")]
pub(crate) struct RetryArgs {
    /// The tasks
    #[arg(value_name = "ID", required = true)]
    ids: Vec<String>,
}

/// Retries each; JSON is `tasks` as they stand and `errors`.
pub(crate) async fn run(args: &RetryArgs, session: &Session<'_>) -> Done {
    let mut many = Many::new(session);
    for id in &args.ids {
        many.take(id, session.client.retry(id).await, |task| task.status.to_string())?;
    }
    many.end()
}

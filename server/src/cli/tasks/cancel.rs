//! `windlass tasks cancel`

use clap::Args;
use windlass::{Task, TaskStatus};

use crate::cli::connect::Session;
use crate::cli::failure::Done;
use crate::cli::tasks::many::Many;

/// Arguments of `windlass tasks cancel`.
#[derive(Debug, Args)]
#[command(after_help = "\
A waiting task is cancelled at once; a running one as soon as its code has
stopped; a finished one stays as it is, and that is no error.

Example:
  windlass tasks ls --type import -q | xargs windlass tasks cancel")]
pub(crate) struct CancelArgs {
    /// The tasks
    #[arg(value_name = "ID", required = true)]
    ids: Vec<String>,
}

/// Cancels each; JSON is `tasks` as they stand and `errors`.
pub(crate) async fn run(args: &CancelArgs, session: &Session<'_>) -> Done {
    let mut many = Many::new(session);
    for id in &args.ids {
        many.take(id, session.client.cancel(id).await, said)?;
    }
    many.end()
}

fn said(task: &Task) -> String {
    match task.status {
        TaskStatus::Cancelled => "cancelled".to_owned(),
        TaskStatus::Running => "running: its handler is told to stop".to_owned(),
        status => format!("{status}: unchanged"),
    }
}

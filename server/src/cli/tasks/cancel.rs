//! `windlass tasks cancel`

use clap::Args;
use windlass::{Task, TaskStatus};

use crate::cli::connect::Session;
use crate::cli::failure::Done;
use crate::cli::tasks::bulk::{self, Bulk};
use crate::cli::tasks::filter::FilterArgs;
use crate::cli::tasks::many::Many;

/// Arguments of `windlass tasks cancel`.
#[derive(Debug, Args)]
#[command(after_help = "\
A waiting task is cancelled at once; a running one as soon as its code has
stopped; a finished one stays as it is, and that is no error.

With options instead of ids, all tasks that match are meant: they are counted
first, and --yes goes on without asking.

Examples:
  windlass tasks cancel 019a0d5e-8f6b-7000-8000-000000000001
  windlass tasks cancel --type import --status pending --until 1d")]
pub(crate) struct CancelArgs {
    /// The tasks
    #[arg(value_name = "ID", required_unless_present = "Filter", conflicts_with = "Filter")]
    ids: Vec<String>,
    #[command(flatten)]
    filter: Option<FilterArgs>,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

/// Cancels each; JSON is `tasks` as they stand and `errors`, or `changed` and `more` of all that match.
pub(crate) async fn run(args: &CancelArgs, session: &Session<'_>) -> Done {
    if let Some(filter) = &args.filter {
        let filter = filter.read(&session.client);
        return bulk::run(Bulk::Cancel, filter, args.yes, session).await;
    }
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

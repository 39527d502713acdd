//! `windlass pipelines ls`

use clap::Args;
use windlass::{Filter, TaskKind};

use crate::cli::composites::{self, ListArgs};
use crate::cli::connect::Session;
use crate::cli::failure::Done;

/// Which pipelines to list. All that is given must hold.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  windlass pipelines ls --status running
  windlass pipelines ls --name etl --since 2d")]
pub(crate) struct LsArgs {
    #[command(flatten)]
    list: ListArgs,
}

/// Prints the pipelines; JSON is one page: `tasks` and the cursor `next`.
pub(super) async fn run(args: &LsArgs, session: &Session<'_>) -> Done {
    let filter = Filter { kind: Some(TaskKind::Pipeline), ..args.list.filter(&session.client) };
    composites::print(session, filter, &args.list, "pipelines").await
}

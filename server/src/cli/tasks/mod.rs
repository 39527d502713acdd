//! `windlass tasks`: one file per command.

mod bulk;
mod cancel;
mod count;
mod filter;
pub(crate) mod follow;
mod get;
mod logs;
mod ls;
mod many;
mod records;
mod retry;
mod submit;
mod watch;
mod why;

use clap::Subcommand;

pub(crate) use ls::collect;
pub(crate) use submit::PATIENCE;

use crate::cli::connect::{Missing, Patience, Session};
use crate::cli::failure::Done;

/// Commands on tasks.
#[derive(Debug, Subcommand)]
pub(crate) enum TasksCommand {
    /// List tasks, newest first
    Ls(ls::LsArgs),
    /// Count tasks
    Count(count::CountArgs),
    /// Show everything about one task
    Get(get::GetArgs),
    /// Follow a task live until it ends
    Watch(watch::WatchArgs),
    /// Print what a task's handler logged
    Logs(logs::LogsArgs),
    /// Cancel tasks
    Cancel(cancel::CancelArgs),
    /// Run failed or cancelled tasks again
    Retry(retry::RetryArgs),
    /// Say why a task does not run now
    Why(why::WhyArgs),
    /// Store a task for a worker to run
    Submit(submit::SubmitArgs),
}

impl TasksCommand {
    /// Whether the command may make the store.
    pub(crate) fn when_missing(&self) -> Missing {
        match self {
            Self::Submit(_) => Missing::Create,
            _ => Missing::Refuse,
        }
    }

    /// Whether it follows something.
    pub(crate) fn patience(&self) -> Patience {
        let follows = match self {
            Self::Watch(_) => true,
            Self::Logs(args) => args.follows(),
            Self::Submit(args) => args.waits(),
            _ => false,
        };
        if follows { Patience::Long } else { Patience::Short }
    }
}

/// Runs the command.
pub(crate) async fn run(command: &TasksCommand, session: &Session<'_>) -> Done {
    match command {
        TasksCommand::Ls(args) => ls::run(args, session).await,
        TasksCommand::Count(args) => count::run(args, session).await,
        TasksCommand::Get(args) => get::run(args, session).await,
        TasksCommand::Watch(args) => watch::run(args, session).await,
        TasksCommand::Logs(args) => logs::run(args, session).await,
        TasksCommand::Cancel(args) => cancel::run(args, session).await,
        TasksCommand::Retry(args) => retry::run(args, session).await,
        TasksCommand::Why(args) => why::run(args, session).await,
        TasksCommand::Submit(args) => submit::run(args, session).await,
    }
}

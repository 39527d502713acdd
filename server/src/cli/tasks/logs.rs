//! `windlass tasks logs`

use std::time::Duration;

use clap::Args;
use windlass::{LogLevel, TaskId, Update, UpdateKind};

use crate::cli::connect::Session;
use crate::cli::failure::{Done, Failure};
use crate::cli::tasks::follow::log;

/// Entries asked for at once.
const CHUNK: u32 = 1_000;

/// Arguments of `windlass tasks logs`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  windlass tasks logs 019a0d5e-8f6b-7000-8000-000000000001 --follow
  windlass tasks logs ID --level warning")]
pub(crate) struct LogsArgs {
    /// The task
    #[arg(value_name = "ID")]
    id: String,
    /// Go on until the task ends
    #[arg(short, long)]
    follow: bool,
    /// Only lines as grave as this: debug, info, warning, error
    #[arg(long, value_name = "LEVEL", default_value = "debug", hide_default_value = true, value_parser = level)]
    level: LogLevel,
}

impl LogsArgs {
    /// Whether it goes on until the task ends.
    pub(super) fn follows(&self) -> bool {
        self.follow
    }
}

fn level(word: &str) -> Result<LogLevel, String> {
    word.parse().map_err(|_| "must be debug, info, warning or error".to_owned())
}

/// Prints log lines; JSON is one update record on each line.
pub(crate) async fn run(args: &LogsArgs, session: &Session<'_>) -> Done {
    if args.follow {
        let mut updates = session.client.updates(&args.id, 0)?;
        while let Some(update) = updates.next().await {
            show(args, session, &update?)?;
        }
        return Ok(());
    }
    let (client, id) = (&session.client, TaskId::parse(&args.id)?);
    let mut after = 0;
    loop {
        let updates = client.service().updates(client.tenant(), id, after, CHUNK, Duration::ZERO);
        let updates = updates.await?;
        let Some(last) = updates.last() else { return Ok(()) };
        after = last.seq;
        updates.iter().try_for_each(|update| show(args, session, update))?;
    }
}

fn show(args: &LogsArgs, session: &Session<'_>, update: &Update) -> Result<(), Failure> {
    match &update.kind {
        UpdateKind::Log { level, .. } if *level as u8 >= args.level as u8 => {
            log(session.output, update)
        }
        _ => Ok(()),
    }
}

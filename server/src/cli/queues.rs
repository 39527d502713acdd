//! `windlass queues`: what waits where, and holding a queue still.

use clap::{Args, Subcommand};
use windlass::{QueueInfo, TaskStatus, Timestamp};

use crate::cli::connect::Session;
use crate::cli::failure::Done;
use crate::cli::output::table::{Cell, Table};
use crate::cli::output::text::{Paint, clean};
use crate::cli::output::time::span;

/// Commands on queues.
#[derive(Debug, Subcommand)]
pub(crate) enum QueuesCommand {
    /// List queues with their counts
    #[command(after_help = "\
OLDEST is how long the first pending task has been due.

Example:
  windlass queues ls -o json")]
    Ls,
    /// Give workers nothing more from a queue
    #[command(after_help = "\
Tasks are still accepted, and what runs goes on. It holds for every worker, of
every process, until `windlass queues resume`.

Example:
  windlass queues pause emails")]
    Pause(NameArgs),
    /// Let a paused queue go on
    #[command(after_help = "Example:\n  windlass queues resume emails")]
    Resume(NameArgs),
}

/// Which queue.
#[derive(Debug, Args)]
pub(crate) struct NameArgs {
    /// The queue
    #[arg(value_name = "NAME")]
    name: String,
}

/// In the order in which a task passes through them.
const COLUMNS: [TaskStatus; 7] = [
    TaskStatus::Blocked,
    TaskStatus::Scheduled,
    TaskStatus::Pending,
    TaskStatus::Running,
    TaskStatus::Completed,
    TaskStatus::Failed,
    TaskStatus::Cancelled,
];

/// What one looks for first, also when there is none.
const ALWAYS: [TaskStatus; 3] = [TaskStatus::Pending, TaskStatus::Running, TaskStatus::Failed];

/// Runs the command.
pub(crate) async fn run(command: &QueuesCommand, session: &Session<'_>) -> Done {
    match command {
        QueuesCommand::Ls => ls(session).await,
        QueuesCommand::Pause(args) => pause(&args.name, true, session).await,
        QueuesCommand::Resume(args) => pause(&args.name, false, session).await,
    }
}

/// Prints the queues; JSON is the list of their records.
async fn ls(session: &Session<'_>) -> Done {
    let queues = session.client.queues().await?;
    let output = session.output;
    if output.is_json() {
        return Ok(output.json(&queues)?);
    }
    if queues.is_empty() {
        return Ok(output.line(&format!("no tasks in {}", session.location()))?);
    }
    Ok(output.table(&table(&queues, session.client.now()))?)
}

/// A column of nothing but zeros is left out, so that the rest fits 80 columns.
fn table(queues: &[QueueInfo], now: Timestamp) -> Table {
    let shown = COLUMNS.into_iter().filter(|status| {
        ALWAYS.contains(status) || queues.iter().any(|queue| count(queue, *status) > 0)
    });
    let shown: Vec<_> = shown.collect();
    let paused = queues.iter().any(|queue| queue.paused);
    let waits = queues.iter().any(|queue| queue.oldest_pending_at.is_some());
    let mut head = vec!["QUEUE".to_owned()];
    head.extend(paused.then(|| "STATE".to_owned()));
    head.extend(shown.iter().map(|status| status.as_str().to_uppercase()));
    head.extend(waits.then(|| "OLDEST".to_owned()));
    let mut table = Table::new(head);
    for queue in queues {
        let state =
            if queue.paused { Cell::painted(Paint::Warn, "paused") } else { Cell::dim("-") };
        let mut row = vec![Cell::text(&queue.queue)];
        row.extend(paused.then_some(state));
        row.extend(shown.iter().map(|status| match count(queue, *status) {
            0 => Cell::dim("-").right(),
            n => Cell::of_status(*status, n.to_string()).right(),
        }));
        row.extend(waits.then(|| match queue.oldest_pending_at {
            Some(at) => Cell::text(&span(now.since(at))).right(),
            None => Cell::dim("-").right(),
        }));
        table.row(row);
    }
    table
}

fn count(queue: &QueueInfo, status: TaskStatus) -> u64 {
    queue.counts.get(&status).copied().unwrap_or_default()
}

/// Pauses or resumes; JSON is the queue's record as it stands then.
async fn pause(name: &str, paused: bool, session: &Session<'_>) -> Done {
    let queue = session.client.pause(name, paused).await?;
    let output = session.output;
    if output.is_json() {
        return Ok(output.json(&queue)?);
    }
    let (name, depth) = (clean(&queue.queue), queue.depth);
    let running = count(&queue, TaskStatus::Running);
    Ok(match queue.paused {
        true => output.line(&format!("{name} is paused: waiting {depth}, still running {running}")),
        false => output.line(&format!("{name} goes on: waiting {depth}, running {running}")),
    }?)
}

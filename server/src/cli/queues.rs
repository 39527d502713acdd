//! `windlass queues`: how many tasks each queue has in each status.

use std::collections::BTreeMap;

use clap::Subcommand;
use windlass::TaskStatus;

use crate::cli::connect::Session;
use crate::cli::failure::Done;
use crate::cli::output::table::{Cell, Table};

/// Commands on queues.
#[derive(Debug, Subcommand)]
pub(crate) enum QueuesCommand {
    /// List queues with their counts
    #[command(after_help = "Example:\n  windlass queues ls -o json")]
    Ls,
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

/// Prints the counts; JSON is the list of count records.
pub(crate) async fn ls(session: &Session<'_>) -> Done {
    let counts = session.client.counts().await?;
    if session.output.is_json() {
        return Ok(session.output.json(&counts)?);
    }
    let mut queues: BTreeMap<&str, [u64; 7]> = BTreeMap::new();
    for count in &counts {
        let place = COLUMNS.iter().position(|status| *status == count.status);
        if let (Some(place), row) = (place, queues.entry(&count.queue).or_default()) {
            row[place] += count.count;
        }
    }
    if queues.is_empty() {
        return Ok(session.output.line(&format!("no tasks in {}", session.location()))?);
    }
    // A column of nothing but zeros is left out, so that the rest fits 80 columns.
    let shown: Vec<usize> = (0..COLUMNS.len())
        .filter(|i| ALWAYS.contains(&COLUMNS[*i]) || queues.values().any(|row| row[*i] > 0))
        .collect();
    let heads = shown.iter().map(|i| COLUMNS[*i].as_str().to_uppercase());
    let mut table = Table::new(std::iter::once("QUEUE".to_owned()).chain(heads));
    for (queue, row) in queues {
        let numbers = shown.iter().map(|i| match row[*i] {
            0 => Cell::dim("-").right(),
            n => Cell::of_status(COLUMNS[*i], n.to_string()).right(),
        });
        table.row(std::iter::once(Cell::text(queue)).chain(numbers));
    }
    Ok(session.output.table(&table)?)
}

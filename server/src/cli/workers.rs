//! `windlass workers`: who is alive.

use clap::Subcommand;

use crate::cli::connect::Session;
use crate::cli::failure::Done;
use crate::cli::output::table::{Cell, Table};
use crate::cli::output::time::ago;

/// Commands on workers.
#[derive(Debug, Subcommand)]
pub(crate) enum WorkersCommand {
    /// List live workers
    #[command(after_help = "Example:\n  windlass workers ls")]
    Ls,
}

/// Prints the live workers; JSON is the list of worker records.
pub(crate) async fn ls(session: &Session<'_>) -> Done {
    let workers = session.client.workers().await?;
    if session.output.is_json() {
        return Ok(session.output.json(&workers)?);
    }
    if workers.is_empty() {
        session.output.line(&format!("no live workers on {}", session.location()))?;
        session.output.note("start one: windlass worker MODULE:APP");
        return Ok(());
    }
    let now = session.client.now();
    let mut table = Table::new(["WORKER", "HOST", "RUNS", "QUEUES", "HANDLERS", "SEEN"]);
    for worker in &workers {
        let handlers = worker.handlers.iter().map(|name| match name.as_str() {
            "" => "(default)",
            name => name,
        });
        table.row([
            Cell::text(&worker.worker_id),
            Cell::text(&worker.host),
            Cell::text(&worker.concurrency.to_string()).right(),
            Cell::text(&worker.queues.join(", ")),
            Cell::text(&handlers.collect::<Vec<_>>().join(", ")),
            Cell::text(&ago(worker.seen_at, now)),
        ]);
    }
    Ok(session.output.table(&table)?)
}

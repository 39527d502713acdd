//! `windlass workers`: who is alive.

use clap::Subcommand;
use windlass::WorkerInfo;

use crate::cli::connect::Session;
use crate::cli::failure::Done;
use crate::cli::output::table::{Cell, Table};
use crate::cli::output::text::Paint;
use crate::cli::output::time::ago;

/// Commands on workers.
#[derive(Debug, Subcommand)]
pub(crate) enum WorkersCommand {
    /// List live workers
    #[command(after_help = "\
HOLDS is how many tasks a worker has, of how many it runs at once. A deaf
worker is heard of, but asks its server for no work although it has room and
work waits: restart it.

Example:
  windlass workers ls")]
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
    let mut table = Table::new(["WORKER", "HOLDS", "QUEUES", "HANDLERS", "SEEN"]);
    for worker in &workers {
        let handlers = worker.handlers.iter().map(|name| match name.as_str() {
            "" => "(default)",
            name => name,
        });
        table.row([
            Cell::text(&worker.worker_id),
            Cell::text(&format!("{}/{}", worker.holds, worker.concurrency)).right(),
            Cell::text(&worker.queues.join(", ")),
            Cell::text(&handlers.collect::<Vec<_>>().join(", ")),
            seen(worker, &ago(worker.seen_at, now)),
        ]);
    }
    session.output.table(&table)?;
    if workers.iter().any(|worker| worker.deaf) {
        session.output.note("a deaf worker takes nothing although work waits: restart it");
    }
    Ok(())
}

fn seen(worker: &WorkerInfo, ago: &str) -> Cell {
    match worker.deaf {
        true => Cell::painted(Paint::Warn, &format!("{ago}, deaf")),
        false => Cell::text(ago),
    }
}

//! Lists of batches and pipelines: tasks that stand for others.

use clap::Args;
use windlass::{Client, Cursor, Filter, Task, TaskStatus};

use crate::cli::connect::Session;
use crate::cli::failure::Done;
use crate::cli::output::table::{Cell, Table};
use crate::cli::output::text::cut;
use crate::cli::output::time::ago;
use crate::cli::tasks::collect;
use crate::cli::values::{self, Since};

/// Options that say which ones, and how many.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Of this status; may be given more than once
    #[arg(long, value_name = "STATUS", value_parser = values::status, value_delimiter = ',')]
    status: Vec<TaskStatus>,
    /// Of this name
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// With this label; may be given more than once, then all must hold
    #[arg(long, value_name = "KEY=VALUE", value_parser = values::label)]
    label: Vec<(String, String)>,
    /// Submitted since this RFC 3339 instant, or this long ago: 10m, 2h, 3d
    #[arg(long, value_name = "WHEN")]
    since: Option<Since>,
    /// Submitted before this RFC 3339 instant, or before this long ago
    #[arg(long, value_name = "WHEN")]
    until: Option<Since>,
    /// Most to list
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: u32,
    /// Go on where another list stopped
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<Cursor>,
    /// Print ids only, one on each line
    #[arg(short, long, conflicts_with = "output")]
    quiet: bool,
}

impl ListArgs {
    /// What they say, given the store's clock.
    pub(crate) fn filter(&self, client: &Client) -> Filter {
        Filter {
            status: self.status.clone(),
            task_type: self.name.clone(),
            labels: self.label.iter().cloned().collect(),
            since: self.since.map(|since| since.resolve(client.now())),
            until: self.until.map(|until| until.resolve(client.now())),
            ..Filter::default()
        }
    }
}

/// Prints those that match; JSON is one page: `tasks` and the cursor `next`.
pub(crate) async fn print(
    session: &Session<'_>,
    filter: Filter,
    args: &ListArgs,
    noun: &str,
) -> Done {
    let page = collect(session, filter, args.cursor, args.limit).await?;
    let output = session.output;
    if output.is_json() {
        return Ok(output.json(&page)?);
    }
    if args.quiet {
        let ids = page.tasks.iter().map(|task| task.task_id.to_string());
        return Ok(ids.into_iter().try_for_each(|id| output.line(&id))?);
    }
    if page.tasks.is_empty() {
        output.note(&format!("no {noun} match in {}", session.location()));
    } else {
        let now = session.client.now();
        let mut table = Table::new([
            &*noun.trim_end_matches('s').to_uppercase(),
            "STATUS",
            "DONE",
            "NAME",
            "AGE",
        ]);
        for task in &page.tasks {
            table.row([
                Cell::text(&task.task_id.to_string()),
                Cell::of_status(task.status, task.status.to_string()),
                Cell::text(&done(task)),
                Cell::text(&cut(&task.task_type, 40)),
                Cell::text(ago(task.created_at, now).trim_end_matches(" ago")),
            ]);
        }
        output.table(&table)?;
    }
    if let Some(next) = page.next {
        output.note(&format!("more: --cursor {next}"));
    }
    Ok(())
}

/// How many members have ended: `3/5`, `3/5, 1 failed`.
fn done(task: &Task) -> String {
    let members = task.members.unwrap_or_default();
    let mut text = format!("{}/{}", members.ended(), members.total);
    if members.failed > 0 {
        text.push_str(&format!(", {} failed", members.failed));
    }
    text
}

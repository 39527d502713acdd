//! `windlass tasks ls`

use clap::Args;
use windlass::{Cursor, Filter, Page, Task, TaskStatus};

use crate::cli::connect::Session;
use crate::cli::failure::Done;
use crate::cli::output::table::{Cell, Table};
use crate::cli::output::text::cut;
use crate::cli::output::time::ago;
use crate::cli::tasks::filter::FilterArgs;

/// Tasks asked for at once.
const CHUNK: u32 = 1_000;

/// Which tasks to list. All that is given must hold.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  windlass tasks ls --status failed --since 2h
  windlass tasks ls --label env=prod --type thumbnail --limit 20
  windlass tasks ls --since 2d --until 1d --error 'connection refused'")]
pub(crate) struct LsArgs {
    #[command(flatten)]
    filter: FilterArgs,
    /// Most tasks to list
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: u32,
    /// Go on where another list stopped
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<Cursor>,
    /// Print ids only, one on each line
    #[arg(short, long, conflicts_with = "output")]
    quiet: bool,
}

/// Prints the tasks; JSON is one page: `tasks` and the cursor `next`.
pub(crate) async fn run(args: &LsArgs, session: &Session<'_>) -> Done {
    let filter = args.filter.read(&session.client);
    let page = collect(session, filter, args.cursor, args.limit).await?;
    let output = session.output;
    if output.is_json() {
        return Ok(output.json(&page)?);
    }
    if args.quiet {
        return Ok(page
            .tasks
            .iter()
            .try_for_each(|task| output.line(&task.task_id.to_string()))?);
    }
    if page.tasks.is_empty() {
        output.note(&format!("no tasks match in {}", session.location()));
    } else {
        output.table(&table(session, &page.tasks))?;
    }
    if let Some(next) = page.next {
        output.note(&format!("more: --cursor {next}"));
    }
    Ok(())
}

/// Up to `limit` tasks. One page of a store may be short, since it looks at a bounded number of rows.
pub(crate) async fn collect(
    session: &Session<'_>,
    filter: Filter,
    mut cursor: Option<Cursor>,
    limit: u32,
) -> Result<Page, windlass::Error> {
    let mut tasks: Vec<Task> = Vec::new();
    loop {
        let left = limit - u32::try_from(tasks.len()).unwrap_or(limit);
        let page = session.client.list(filter.clone(), cursor, left.min(CHUNK)).await?;
        tasks.extend(page.tasks);
        cursor = page.next;
        if cursor.is_none() || tasks.len() >= limit as usize {
            return Ok(Page { tasks, next: cursor });
        }
    }
}

/// Fits 80 columns with types of up to 16 characters; the queue is shown where one is not `default`.
fn table(session: &Session<'_>, tasks: &[Task]) -> Table {
    let queues = tasks.iter().any(|task| task.queue != "default");
    let mut head = vec!["TASK", "STATUS", "TYPE", "AGE"];
    if queues {
        head.insert(3, "QUEUE");
    }
    let now = session.client.now();
    let mut table = Table::new(head);
    for task in tasks {
        let mut row = vec![
            Cell::text(&task.task_id.to_string()),
            Cell::of_status(task.status, standing(task)),
            Cell::text(&cut(&task.task_type, 40)),
            Cell::text(ago(task.created_at, now).trim_end_matches(" ago")),
        ];
        if queues {
            row.insert(3, Cell::text(&cut(&task.queue, 24)));
        }
        table.row(row);
    }
    table
}

/// The status, and in a word what goes with it: how far it is, how often it was tried.
fn standing(task: &Task) -> String {
    match (task.status, task.progress) {
        (TaskStatus::Running, Some(progress)) => format!("running {progress:.0}%"),
        (TaskStatus::Scheduled, _) if task.attempt > 0 => {
            format!("scheduled #{}", task.attempt + 1)
        }
        (status, _) => status.to_string(),
    }
}

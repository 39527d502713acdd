//! `windlass parallel`: steps as tasks, judged by a strategy.

use std::time::Duration;

use clap::Args;
use windlass::{BlockResult, BlockSpec, SubmitOptions, TaskStatus};

use crate::cli::connect::{Patience, Session};
use crate::cli::failure::{Done, Failure, exit};
use crate::cli::output::table::{Cell, Table};
use crate::cli::output::text::{Paint, cut};
use crate::cli::output::time::exact;
use crate::cli::tasks::PATIENCE;
use crate::cli::{source, values};

/// Arguments of `windlass parallel`.
#[derive(Debug, Args)]
#[command(after_help = "\
The file holds the block as on the wire. It is on disk when its id is printed;
`windlass tasks watch ID` follows it, `windlass tasks cancel ID` cancels it:

  {\"name\": \"mirrors\", \"strategy\": \"any_success\", \"task_type\": \"fetch\",
   \"steps\": [{\"url\": \"https://a.example\"}, {\"url\": \"https://b.example\"}]}

With --wait its result is printed, and the command ends with 1 when it failed
or was cancelled; Ctrl-C stops waiting, not the block.

Examples:
  windlass parallel mirrors.json --wait
  generate | windlass parallel - --key mirrors-7")]
pub(crate) struct ParallelArgs {
    /// The file; - reads standard input
    #[arg(value_name = "FILE")]
    file: String,
    /// Idempotency key: the same block under one key is stored once
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Wait for the end, for this long if given, and print the result
    #[arg(long, value_name = "DURATION", num_args = 0..=1, require_equals = true, value_parser = values::duration)]
    wait: Option<Option<Duration>>,
}

impl ParallelArgs {
    /// Whether it follows something.
    pub(crate) fn patience(&self) -> Patience {
        if self.wait.is_some() { Patience::Long } else { Patience::Short }
    }
}

/// Stores the block. JSON is the submission record; with `--wait` the block's result.
pub(crate) async fn run(args: &ParallelArgs, session: &Session<'_>) -> Done {
    let mut spec = BlockSpec::from_wire(&source::read(&args.file)?)?;
    if args.key.is_some() {
        spec.idempotency_key.clone_from(&args.key);
    }
    let (client, output) = (&session.client, session.output);
    let options = SubmitOptions { batch: false, patience: PATIENCE };
    let stored = client.service().submit_block(client.tenant(), spec, options).await?;
    if stored.deduplicated {
        output.note(&format!("its key was known; the block is {}", stored.status));
    }
    let Some(limit) = args.wait else {
        if output.is_json() {
            return Ok(output.json(&stored)?);
        }
        return Ok(output.line(&stored.task_id.to_string())?);
    };
    output.note(&stored.task_id.to_string());
    let task = client.wait(&stored.task_id.to_string(), limit).await?;
    let block = client.service().block(client.tenant(), stored.task_id).await?;
    show(session, &block)?;
    match task.status {
        TaskStatus::Completed => Ok(()),
        _ => Err(Failure::Printed(exit::FAILED)),
    }
}

/// Prints what the block came to; JSON is its record.
fn show(session: &Session<'_>, block: &BlockResult) -> Done {
    let output = session.output;
    if output.is_json() {
        return Ok(output.json(block)?);
    }
    let mut table = Table::new(["STEP", "STATUS", "TOOK", "RESULT"]);
    for (place, step) in block.results.iter().enumerate() {
        let result = step.result.as_ref().map(|result| result.as_str());
        let told = step.error_message.as_deref().or(result).unwrap_or_default();
        let status = match step.status.parse() {
            Ok(status) => Cell::of_status(status, step.status.clone()),
            Err(_) => Cell::text(&step.status),
        };
        let took = Duration::try_from_secs_f64(step.execution_time).unwrap_or_default();
        table.row([
            Cell::text(&place.to_string()),
            status,
            Cell::text(&exact(took)),
            Cell::text(&cut(told, 60)),
        ]);
    }
    if !block.results.is_empty() {
        output.table(&table)?;
    }
    let paint = match block.overall_status.as_str() {
        "completed" => Paint::Good,
        "partial" => Paint::Warn,
        _ => Paint::Bad,
    };
    let verdict = output.painted(paint, &block.overall_status);
    let counts = [
        (block.completed_tasks, "completed"),
        (block.failed_tasks, "failed"),
        (block.cancelled_tasks, "cancelled"),
    ];
    let counts = counts.iter().filter(|(count, _)| *count > 0);
    let counts: Vec<_> = counts.map(|(count, word)| format!("{count} {word}")).collect();
    Ok(output.line(&format!("{verdict}: {}", counts.join(", ")))?)
}

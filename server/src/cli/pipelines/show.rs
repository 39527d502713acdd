//! `windlass pipelines show`: once, or as long as it goes on.

use std::time::Duration;

use clap::Args;
use windlass::{Error, Pipeline, TaskId, TaskStatus};

use super::draw::{Drawing, Room};
use super::{look, parse};
use crate::cli::connect::Session;
use crate::cli::failure::{Done, Failure, exit};
use crate::cli::output::Output;
use crate::cli::tasks::follow;
use crate::cli::values;

/// Least time from one drawing to the next.
const CALM: Duration = Duration::from_millis(80);
/// Time after which it is drawn again although nothing happened: progress and times go on.
const LOOK: Duration = Duration::from_secs(1);

/// Arguments of `windlass pipelines show`.
#[derive(Debug, Args)]
#[command(after_help = "\
With --watch it is drawn anew until it has ended, and the command ends with 1
when it failed or was cancelled. Where nobody watches a terminal it prints what
happens, line by line. JSON is the pipeline's record, with --watch its history.

Examples:
  windlass pipelines show 019a0d5e-8f6b-7000-8000-000000000001
  windlass pipelines show ID --watch --timeout 10m")]
pub(crate) struct ShowArgs {
    /// The pipeline
    #[arg(value_name = "ID")]
    id: String,
    /// Go on until it has ended
    #[arg(short, long)]
    watch: bool,
    /// Stop watching after this long
    #[arg(long, value_name = "DURATION", requires = "watch", value_parser = values::duration)]
    timeout: Option<Duration>,
}

impl ShowArgs {
    pub(super) fn watches(&self) -> bool {
        self.watch
    }
}

/// Runs the command.
pub(super) async fn run(args: &ShowArgs, session: &Session<'_>) -> Done {
    let id = parse(&args.id)?;
    if args.watch {
        return watch(session, id, args.timeout).await;
    }
    print(session, &look(session, id).await?)
}

/// Prints the pipeline as it stands; JSON is its record.
pub(super) fn print(session: &Session<'_>, pipeline: &Pipeline) -> Done {
    let output = session.output;
    if output.is_json() {
        return Ok(output.json(pipeline)?);
    }
    // What scrolls has no height.
    let room = Room { height: usize::MAX, ..room(output) };
    let drawing = Drawing::of(pipeline, room);
    Ok(output.line(&drawing.text(pipeline, output, session.client.now()))?)
}

/// Follows a pipeline to its end.
pub(super) async fn watch(session: &Session<'_>, id: TaskId, limit: Option<Duration>) -> Done {
    let output = session.output;
    let pipeline = look(session, id).await?;
    if !output.is_live() {
        follow::follow(session, output, &id.to_string(), 0, limit).await?;
        let pipeline = look(session, id).await?;
        if !output.is_json() {
            print(session, &pipeline)?;
        }
        return verdict(&pipeline);
    }
    let drawn = draw(session, pipeline);
    let ended = match limit {
        None => Some(drawn.await?),
        Some(limit) => {
            let host = session.client.host().clone();
            windlass::runtime::host::timeout(&*host, limit, drawn).await.transpose()?
        }
    };
    match (ended, limit) {
        (Some(pipeline), _) => verdict(&pipeline),
        (None, limit) => {
            let timeout = limit.unwrap_or_default();
            Err(Error::TaskTimeout { task_id: id.to_string(), timeout }.into())
        }
    }
}

/// Draws the pipeline whenever it has changed, until it has ended.
async fn draw(session: &Session<'_>, mut pipeline: Pipeline) -> Result<Pipeline, Failure> {
    let (output, client) = (session.output, &session.client);
    let id = pipeline.pipeline_id;
    // Before the pipeline is looked at again, so that nothing is missed between.
    let seen = client.get(&id.to_string()).await?.last_seq;
    let mut updates = client.updates(&id.to_string(), seen)?;
    let drawing = Drawing::of(&pipeline, room(output));
    loop {
        output.redraw(&drawing.text(&pipeline, output, client.now()))?;
        if pipeline.status.is_final() {
            return Ok(pipeline);
        }
        if let Some(Some(Err(error))) = updates.next_within(LOOK).await {
            return Err(error.into());
        }
        client.host().sleep(CALM).await;
        pipeline = look(session, id).await?;
    }
}

/// 0 for a pipeline that completed, 1 for one that failed or was cancelled.
fn verdict(pipeline: &Pipeline) -> Done {
    match pipeline.status {
        TaskStatus::Completed => Ok(()),
        _ => Err(Failure::Printed(exit::FAILED)),
    }
}

fn room(output: &Output) -> Room {
    let (width, height) = output.size();
    Room { width, height: height.saturating_sub(1) }
}

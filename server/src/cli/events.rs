//! `windlass events`: what happens to tasks, as it happens.

use clap::{Args, Subcommand};
use windlass::client::{FollowOptions, Follower};
use windlass::{Error, TaskEvent};

use crate::cli::connect::Session;
use crate::cli::failure::Done;
use crate::cli::output::text::{Paint, clean, cut};
use crate::cli::output::time::of_day;

/// Commands on events.
#[derive(Debug, Subcommand)]
pub(crate) enum EventsCommand {
    /// Follow what happens to all tasks, from now on
    Tail(TailArgs),
}

/// Arguments of `windlass events tail`.
#[derive(Debug, Args)]
#[command(after_help = "\
One line for each change of status: submitted, scheduled, pending, started,
completed, failed, cancelled. It goes on until Ctrl-C, also when the store or
the server is away for a while. For one task's whole history, with progress
and logs: windlass tasks watch ID.

Examples:
  windlass events tail --queue emails
  windlass events tail -o json | jq -r 'select(.event == \"task.failed\").task_id'")]
pub(crate) struct TailArgs {
    /// Of tasks in this queue
    #[arg(long, value_name = "NAME")]
    queue: Option<String>,
    /// Of tasks of this type
    #[arg(long = "type", value_name = "TYPE")]
    task_type: Option<String>,
    /// End after so many
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
}

/// Prints events as they come; JSON is one event record on each line.
pub(crate) async fn tail(args: &TailArgs, session: &Session<'_>) -> Done {
    let options =
        FollowOptions { queue: args.queue.clone(), task_type: args.task_type.clone(), since: None };
    let mut follower = session.client.follow(options);
    session.output.note("following what happens from now on; Ctrl-C ends it");
    for _ in 0..args.count.unwrap_or(u64::MAX) {
        match next(&mut follower, session).await? {
            Some(event) => show(session, &event)?,
            None => return Ok(()),
        }
    }
    Ok(())
}

/// The next event. A store that is away is waited for, and said once.
async fn next(follower: &mut Follower, session: &Session<'_>) -> Result<Option<TaskEvent>, Error> {
    let mut told = false;
    loop {
        match follower.next().await {
            None => return Ok(None),
            Some(Ok(event)) => {
                if told {
                    session.output.note("going on");
                }
                return Ok(Some(event));
            }
            Some(Err(error)) if error.is_retryable() => {
                if !std::mem::replace(&mut told, true) {
                    session.output.note(&format!("{error}; trying again until Ctrl-C"));
                }
            }
            Some(Err(error)) => return Err(error),
        }
    }
}

fn show(session: &Session<'_>, event: &TaskEvent) -> Done {
    let output = session.output;
    if output.is_json() {
        return Ok(output.json_line(event)?);
    }
    let time = output.painted(Paint::Dim, &of_day(event.at));
    let name = event.event.as_str();
    let name = name.strip_prefix("task.").unwrap_or(name);
    let name = output.painted(Paint::of(event.status), &format!("{name:9}"));
    let mut text = clean(&cut(&event.task_type, 40));
    if event.queue != "default" {
        text.push_str(&format!(" in {}", clean(&event.queue)));
    }
    if event.attempt > 1 {
        text.push_str(&format!(", attempt {}", event.attempt));
    }
    let why = event.error.as_ref().map(|error| &error.message).or(event.message.as_ref());
    if let Some(why) = why {
        text.push_str(&format!(": {}", clean(why)));
    }
    Ok(output.line(&format!("{time}  {name}  {}  {text}", event.task_id))?)
}

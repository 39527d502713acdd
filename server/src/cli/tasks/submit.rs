//! `windlass tasks submit`

use std::io::Read;
use std::time::Duration;

use clap::Args;
use serde_json::json;
use windlass::rules::limits::PAYLOAD_BYTES;
use windlass::{Error, Payload, Priority, SubmitOptions, Task, TaskSpec, TaskStatus, Timestamp};

use crate::cli::connect::Session;
use crate::cli::failure::{Done, Failure};
use crate::cli::output::text::{Paint, clean_lines};
use crate::cli::output::time::exact;
use crate::cli::tasks::follow::{follow, verdict};
use crate::cli::tasks::records;
use crate::cli::values;

/// How long a submit waits for room in a full queue.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Arguments of `windlass tasks submit`.
#[derive(Debug, Args)]
#[command(override_usage = "\
windlass tasks submit [OPTIONS] <TYPE> [PAYLOAD]
       windlass tasks submit [OPTIONS] --batch <SOURCE>")]
#[command(after_help = "\
The task is on disk when its id is printed. With --wait the command follows
it on standard error, prints its result alone on standard output, and ends
with 1 when it failed or was cancelled; Ctrl-C stops waiting, not the task.

With --batch each line is a task as on the wire, such as
{\"task_type\": \"thumbnail\", \"payload\": {\"path\": \"a.jpg\"}}. All are stored or
none, and the batch's id is printed.

Examples:
  windlass tasks submit thumbnail '{\"path\": \"a.jpg\"}' --key thumb-a --wait
  windlass tasks submit import @rows.json --queue slow --delay 10m
  generate | windlass tasks submit import - --wait=30s
  windlass tasks submit --batch @tasks.jsonl")]
pub(crate) struct SubmitArgs {
    /// Selects the handler
    #[arg(value_name = "TYPE", required_unless_present = "batch")]
    task_type: Option<String>,
    /// JSON text; - reads standard input, @FILE a file
    #[arg(value_name = "PAYLOAD", default_value = "{}", allow_hyphen_values = true)]
    payload: String,
    /// Line of tasks to join
    #[arg(long, value_name = "NAME", default_value = "default")]
    queue: String,
    /// 1 to 5, or critical, high, normal, low, background
    #[arg(long, value_name = "PRIORITY", default_value = "normal", value_parser = values::priority)]
    priority: Priority,
    /// Start no earlier than this from now: 30s, 10m, 2h
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    delay: Option<Duration>,
    /// Start no earlier than this RFC 3339 instant
    #[arg(long, value_name = "INSTANT", conflicts_with = "delay")]
    run_at: Option<Timestamp>,
    /// Longest one attempt may run
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    timeout: Option<Duration>,
    /// Retries after the first attempt [default: the handler's, else 3]
    #[arg(long, value_name = "N")]
    max_retries: Option<u32>,
    /// Idempotency key: the same request under one key is stored once
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Label to find it by; may be given more than once
    #[arg(long, value_name = "KEY=VALUE", value_parser = values::label)]
    label: Vec<(String, String)>,
    /// Wait for the end, for this long if given, and print the result
    #[arg(long, value_name = "DURATION", num_args = 0..=1, require_equals = true, value_parser = values::duration)]
    wait: Option<Option<Duration>>,
    /// Many tasks instead: JSON lines from @FILE, or - for standard input
    #[arg(long, value_name = "SOURCE", conflicts_with_all = ALONE)]
    batch: Option<String>,
}

/// What a single task is given; the lines of a batch say it themselves.
const ALONE: [&str; 11] = [
    "task_type",
    "payload",
    "queue",
    "priority",
    "delay",
    "run_at",
    "timeout",
    "max_retries",
    "key",
    "label",
    "wait",
];

impl SubmitArgs {
    /// Whether it waits for the end.
    pub(super) fn waits(&self) -> bool {
        self.wait.is_some()
    }
}

/// Stores the task. JSON is the submission record; with `--wait` the task's record at its end.
pub(crate) async fn run(args: &SubmitArgs, session: &Session<'_>) -> Done {
    if let Some(source) = &args.batch {
        return batch(source, session).await;
    }
    let wait = args.wait;
    let submitted = session.client.submit(spec(args)?).await?;
    let (output, id) = (session.output, submitted.task_id.to_string());
    let Some(limit) = wait else {
        if output.is_json() {
            return Ok(output.json(&submitted)?);
        }
        if submitted.deduplicated {
            output.note(&format!("its key was known; the task is {}", submitted.status));
        }
        return Ok(output.line(&id)?);
    };
    if output.is_json() {
        let task = session.client.wait(&id, limit).await?;
        output.json(&task)?;
        return verdict(&task);
    }
    output.note(&id);
    let task = follow(session, &output.aside(), &id, 0, limit).await?;
    end(session, &task)?;
    verdict(&task)
}

/// Stores the tasks of a file. JSON is `batch_id` and `submissions`, in order.
async fn batch(source: &str, session: &Session<'_>) -> Done {
    let specs = records::read(source)?;
    let options = SubmitOptions { batch: true, patience: PATIENCE };
    let submissions = session.client.submit_many(specs, options).await?;
    let batch_id = submissions.iter().find_map(|submission| submission.batch_id);
    let (output, total) = (session.output, submissions.len());
    if output.is_json() {
        return Ok(output.json(&json!({ "batch_id": batch_id, "submissions": submissions }))?);
    }
    let known = submissions.iter().filter(|submission| submission.deduplicated).count();
    output.note(&match known {
        0 => format!("tasks stored: {total}"),
        known => format!("tasks stored: {}; keys known before: {known}", total - known),
    });
    match batch_id {
        Some(id) => Ok(output.line(&id.to_string())?),
        None => Ok(()),
    }
}

fn spec(args: &SubmitArgs) -> Result<TaskSpec, Failure> {
    let payload = Payload::new("payload", text(&args.payload)?)?;
    let mut spec = TaskSpec::new(args.task_type.clone().unwrap_or_default(), payload)
        .queue(args.queue.clone())
        .priority(args.priority);
    spec.delay = args.delay;
    spec.run_at = args.run_at;
    spec.timeout = args.timeout;
    spec.retry.max_retries = args.max_retries;
    spec.idempotency_key.clone_from(&args.key);
    spec.labels = args.label.iter().cloned().collect();
    Ok(spec)
}

/// The payload's text, from where the argument says.
fn text(argument: &str) -> Result<String, Failure> {
    let unreadable = |what: &str, error: std::io::Error| {
        let reason = format!("cannot read {what}: {error}");
        Failure::from(Error::invalid("payload", reason))
    };
    // One byte more than is taken, so that what is too long is refused without being read whole.
    let most = PAYLOAD_BYTES as u64 + 1;
    let mut bytes = Vec::new();
    match argument.strip_prefix('@') {
        _ if argument == "-" => {
            let read = std::io::stdin().lock().take(most).read_to_end(&mut bytes);
            read.map_err(|error| unreadable("standard input", error))?;
        }
        Some(path) => {
            let read =
                std::fs::File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes));
            read.map_err(|error| unreadable(path, error))?;
        }
        None => return Ok(argument.to_owned()),
    }
    windlass::rules::limits::size("payload", bytes.len(), PAYLOAD_BYTES)?;
    String::from_utf8(bytes).map_err(|error| {
        let reason = format!("not UTF-8: {}", error.utf8_error());
        Error::InvalidPayload { field: "payload".to_owned(), reason }.into()
    })
}

/// The result alone on standard output; what went wrong on standard error.
fn end(session: &Session<'_>, task: &Task) -> Done {
    let output = session.output;
    match (task.status, &task.result, &task.error) {
        (TaskStatus::Completed, Some(result), _) => output.line(&clean_lines(result.as_str()))?,
        (TaskStatus::Failed, _, Some(error)) => {
            let trace = error.traceback.as_deref().unwrap_or(&error.message);
            let aside = output.aside();
            aside.line(&aside.painted(Paint::Bad, &clean_lines(trace.trim_end())))?;
        }
        _ => {}
    }
    if let Some(took) = task.duration() {
        output.note(&format!("took {}", exact(took)));
    }
    Ok(())
}

//! `windlass tasks get`

use clap::Args;
use windlass::{Payload, RetryOptions, Task, Timestamp};

use crate::cli::connect::Session;
use crate::cli::failure::Done;
use crate::cli::output::text::{Paint, clean, clean_lines, size};
use crate::cli::output::time::{ago, exact};

/// Arguments of `windlass tasks get`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  windlass tasks get 019a0d5e-8f6b-7000-8000-000000000001
  windlass tasks get ID -o json | jq .result")]
pub(crate) struct GetArgs {
    /// The task
    #[arg(value_name = "ID")]
    id: String,
    /// Print payload and result too; they may hold secrets
    #[arg(long)]
    show_payload: bool,
}

/// Prints the task; JSON is its record.
pub(crate) async fn run(args: &GetArgs, session: &Session<'_>) -> Done {
    let task = session.client.get(&args.id).await?;
    if session.output.is_json() {
        return Ok(session.output.json(&task)?);
    }
    let status = session.output.painted(Paint::of(task.status), task.status.as_str());
    let mut text = format!("{:13}{}\n", "task", task.task_id);
    text.push_str(&format!("{:13}{status}\n", "status"));
    for (name, value) in lines(&task, session.client.now(), args.show_payload) {
        text.push_str(&format!("{name:13}{value}\n"));
    }
    Ok(session.output.line(&text)?)
}

/// What there is to say about a task, as name and value; what was never given is left out.
fn lines(task: &Task, now: Timestamp, show: bool) -> Vec<(&'static str, String)> {
    let at = |at: Timestamp| format!("{at}  ({})", ago(at, now));
    let mut lines = vec![
        ("type", clean(&task.task_type)),
        ("queue", clean(&task.queue)),
        ("priority", format!("{} ({})", task.priority.number(), task.priority.name())),
        ("attempt", task.attempt.to_string()),
        ("created", at(task.created_at)),
    ];
    let mut add = |name, value: Option<String>| lines.extend(value.map(|value| (name, value)));
    add("due", (task.status.is_waiting() && task.run_at > now).then(|| at(task.run_at)));
    add("started", task.started_at.map(at));
    add("finished", task.finished_at.map(at));
    add("took", task.duration().map(exact));
    add("progress", progress(task));
    add("worker", task.executed_on.as_deref().map(clean));
    add(
        "lease",
        task.lease.as_ref().map(|lease| {
            format!("held by {} until {}", clean(&lease.worker), at(lease.expires_at))
        }),
    );
    add(
        "cancel",
        (task.cancel_requested && !task.status.is_final()).then(|| "asked for".to_owned()),
    );
    add("suspect", task.suspect.then(|| "a worker was lost with it; it runs alone".to_owned()));
    add("timeout", task.timeout.map(exact));
    add("retry", retry(&task.retry));
    add("key", task.idempotency_key.as_deref().map(clean));
    add("batch", task.batch_id.map(|id| id.to_string()));
    add("state key", task.state_key.as_deref().map(clean));
    add(
        "labels",
        (!task.labels.is_empty()).then(|| {
            let pairs = task.labels.iter().map(|(key, value)| clean(&format!("{key}={value}")));
            pairs.collect::<Vec<_>>().join(", ")
        }),
    );
    add("trace", task.traceparent.as_deref().map(clean));
    add("payload", Some(content(&task.payload, show)));
    add("metadata", task.metadata.as_ref().map(|metadata| content(metadata, show)));
    add("result", task.result.as_ref().map(|result| content(result, show)));
    add(
        "error",
        task.error.as_ref().map(|error| {
            let kind = error.error_type.as_deref().unwrap_or(&error.code);
            format!("{}: {}", clean(kind), clean(&error.message))
        }),
    );
    add(
        "traceback",
        task.error
            .as_ref()
            .and_then(|error| error.traceback.as_deref())
            .map(|trace| format!("\n{}", clean_lines(trace.trim_end()))),
    );
    lines
}

fn progress(task: &Task) -> Option<String> {
    let message = task.message.as_deref().map(clean);
    match (task.progress, message) {
        (Some(progress), Some(message)) => Some(format!("{progress}% {message}")),
        (Some(progress), None) => Some(format!("{progress}%")),
        (None, message) => message,
    }
}

fn content(payload: &Payload, show: bool) -> String {
    if show {
        return clean_lines(payload.as_str());
    }
    format!("{}, not shown (--show-payload)", size(payload.len()))
}

fn retry(retry: &RetryOptions) -> Option<String> {
    let parts = [
        retry.max_retries.map(|n| format!("{n} retries")),
        retry.initial_delay.map(|delay| format!("first after {}", exact(delay))),
        retry.exponential_base.map(|base| format!("base {base}")),
        retry.max_delay.map(|delay| format!("at most {}", exact(delay))),
        retry.jitter.map(|jitter| format!("jitter {jitter}")),
        retry.retry_on_timeout.filter(|on| !on).map(|_| "not after a timeout".to_owned()),
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

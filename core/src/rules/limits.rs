//! How large and how odd input may be.

use std::time::Duration;

use crate::error::{Error, Result};
use crate::words::{
    LeaseRequest, NewUpdate, Payload, RetryOptions, TaskError, TaskSpec, WorkerInfo, number,
};

/// Payload, result and state, in bytes.
pub const PAYLOAD_BYTES: usize = 1 << 20;
/// Results of blocks that are put together for one answer, in bytes.
pub const BLOCK_RESULT_BYTES: usize = 32 << 20;
/// Message and traceback of an error together, in bytes.
pub const ERROR_BYTES: usize = 64 << 10;
/// A log line or progress message, in bytes.
pub const LOG_BYTES: usize = 16 << 10;
/// Labels of a task.
pub const LABELS: usize = 64;
/// Characters of a label's key.
pub const LABEL_KEY: usize = 64;
/// Characters of a label's value.
pub const LABEL_VALUE: usize = 256;
/// Characters of an idempotency key.
pub const IDEMPOTENCY_KEY: usize = 256;
/// Characters of a queue, a task type, a worker id.
pub const NAME: usize = 128;
/// Tasks of one submit.
pub const SUBMIT_TASKS: usize = 100_000;
/// Batches of a tenant that are begun and not sealed.
pub const OPEN_BATCHES: u64 = 256;
/// How long a batch that is begun and not sealed is kept at most.
pub const OPEN_FOR: Duration = Duration::from_secs(24 * 3600);
/// Stages of a pipeline.
pub const STAGES: usize = 20_000;
/// What the stages of a pipeline depend on, all together.
pub const EDGES: usize = 200_000;
/// Steps of a durable block.
pub const STEPS: usize = 10_000;
/// Tasks that a count counts at most.
pub const COUNT_MOST: u32 = 1_000_000;
/// Tasks that a count counts when it is not told.
pub const COUNT_DEFAULT: u32 = 100_000;
/// Tasks that one verb over a filter changes at most, and when it is not told.
pub const CHANGE_MOST: u32 = 10_000;
/// Tasks of one lease call.
pub const LEASE_TASKS: u32 = 1000;
/// Queues of one worker times its handlers: each pair is a line of tasks that a lease looks at, and
/// while it looks nobody else writes.
pub const LINES: usize = 10_000;
/// Characters of the place that a worker says it runs at.
pub const HOST: usize = 512;
/// Retries of a task.
pub const RETRIES: u32 = 1000;

/// Checks how many tasks a page may have.
///
/// # Errors
///
/// `invalid_argument`, field `limit`.
pub fn check_page(limit: u32) -> Result<()> {
    if (1..=1000).contains(&limit) {
        return Ok(());
    }
    Err(Error::invalid("limit", format!("must be 1 to 1000, not {limit}")))
}

/// Checks whether a tenant that has begun so many batches and sealed none of them may begin another.
///
/// # Errors
///
/// `quota_exceeded`, of `open_batches`.
pub fn check_open_batches(current: u64) -> Result<()> {
    if current < OPEN_BATCHES {
        return Ok(());
    }
    let quota_type = "open_batches".to_owned();
    Err(Error::QuotaExceeded { quota_type, current, limit: OPEN_BATCHES })
}

/// Checks how many tasks a verb over a filter may count or change.
///
/// # Errors
///
/// `invalid_argument`, field `most`.
pub fn check_most(most: u32, limit: u32) -> Result<()> {
    if (1..=limit).contains(&most) {
        return Ok(());
    }
    Err(Error::invalid("most", format!("must be 1 to {limit}, not {most}")))
}

/// Checks a task to submit.
///
/// # Errors
///
/// `invalid_argument` or `payload_too_large`, naming the field and the limit.
pub fn check_spec(spec: &TaskSpec) -> Result<()> {
    name("task_type", &spec.task_type)?;
    name("queue", &spec.queue)?;
    let [state, metadata] =
        [&spec.initial_state, &spec.metadata].map(|json| json.as_ref().map_or(0, Payload::len));
    check_sizes(spec.payload.len(), state, metadata)?;
    if let Some(metadata) = &spec.metadata
        && !metadata.as_str().trim_start().starts_with('{')
    {
        return Err(Error::invalid("metadata", "must be a JSON object"));
    }
    text("idempotency_key", spec.idempotency_key.as_deref(), IDEMPOTENCY_KEY)?;
    text("state_key", spec.state_key.as_deref(), IDEMPOTENCY_KEY)?;
    text("traceparent", spec.traceparent.as_deref(), IDEMPOTENCY_KEY)?;
    if spec.run_at.is_some() && spec.delay.is_some() {
        return Err(Error::invalid("delay_seconds", "cannot be given together with run_at"));
    }
    if spec.timeout == Some(Duration::ZERO) {
        return Err(Error::invalid("timeout_seconds", "must be more than 0"));
    }
    if spec.labels.len() > LABELS {
        let reason = format!("has {} pairs, over the limit of {LABELS}", spec.labels.len());
        return Err(Error::invalid("labels", reason));
    }
    for (key, value) in &spec.labels {
        characters("labels", &format!("key {key:?}"), key, 1, LABEL_KEY)?;
        characters("labels", &format!("value of {key:?}"), value, 0, LABEL_VALUE)?;
    }
    check_retry(&spec.retry)
}

/// Checks the bytes of a task's JSON texts; 0 for one that is not given.
///
/// # Errors
///
/// `payload_too_large`.
pub fn check_sizes(payload: usize, initial_state: usize, metadata: usize) -> Result<()> {
    size("payload", payload, PAYLOAD_BYTES)?;
    size("initial_state", initial_state, PAYLOAD_BYTES)?;
    size("metadata", metadata, ERROR_BYTES)
}

/// Checks retry options.
///
/// # Errors
///
/// `invalid_argument`.
pub fn check_retry(retry: &RetryOptions) -> Result<()> {
    if retry.max_retries.is_some_and(|n| n > RETRIES) {
        return Err(Error::invalid("max_retries", format!("must be 0 to {RETRIES}")));
    }
    if retry.exponential_base.is_some_and(|base| !(1.0..=100.0).contains(&base)) {
        return Err(Error::invalid("exponential_base", "must be 1 to 100"));
    }
    if retry.jitter.is_some_and(|jitter| !(0.0..=1.0).contains(&jitter)) {
        return Err(Error::invalid("jitter", "must be a fraction from 0 to 1"));
    }
    Ok(())
}

/// Checks what a worker asks for.
///
/// # Errors
///
/// `invalid_argument`.
pub fn check_lease(request: &LeaseRequest) -> Result<()> {
    name("worker", &request.worker)?;
    if request.limit == 0 || request.limit > LEASE_TASKS {
        return Err(Error::invalid("limit", format!("must be 1 to {LEASE_TASKS}")));
    }
    check_ttl(request.ttl)?;
    if request.queues.is_empty() {
        return Err(Error::invalid("queues", "must name at least one queue"));
    }
    check_lines(request.queues.len(), request.handlers.len())?;
    request.queues.iter().try_for_each(|queue| name("queues", queue))
}

/// Checks how many queues and handlers a worker has.
///
/// # Errors
///
/// `invalid_argument`, naming what there is more of.
pub fn check_lines(queues: usize, handlers: usize) -> Result<()> {
    if queues.saturating_mul(handlers.max(1)) <= LINES {
        return Ok(());
    }
    let field = if queues > handlers { "queues" } else { "handlers" };
    let reason = format!("{queues} queues times {handlers} handlers is over the limit of {LINES}");
    Err(Error::invalid(field, reason))
}

/// Checks how a worker announces itself.
///
/// # Errors
///
/// `invalid_argument` or `payload_too_large`.
pub fn check_worker(worker: &WorkerInfo) -> Result<()> {
    name("worker_id", &worker.worker_id)?;
    // One that only announces itself may have no queue.
    check_lines(worker.queues.len().max(1), worker.handlers.len())?;
    worker.queues.iter().try_for_each(|queue| name("queues", queue))?;
    // The empty name is the default handler's.
    let handlers = worker.handlers.iter().chain(worker.declared.keys());
    handlers.filter(|handler| !handler.is_empty()).try_for_each(|h| name("handlers", h))?;
    if worker.declared.len() > LINES {
        return Err(Error::invalid("declared", format!("must hold at most {LINES} handlers")));
    }
    worker.declared.values().try_for_each(check_retry)?;
    characters("host", "it", &worker.host, 0, HOST)?;
    if let Some(metadata) = &worker.metadata {
        size("metadata", metadata.len(), ERROR_BYTES)?;
        if !metadata.as_str().trim_start().starts_with('{') {
            return Err(Error::invalid("metadata", "must be a JSON object"));
        }
    }
    Ok(())
}

/// Checks how long a lease is to last.
///
/// # Errors
///
/// `invalid_argument`.
pub fn check_ttl(ttl: Duration) -> Result<()> {
    if ttl < Duration::from_secs(1) || ttl > Duration::from_secs(3600) {
        return Err(Error::invalid("lease_seconds", "must be 1 to 3600"));
    }
    Ok(())
}

/// Checks what a handler reports on its way.
///
/// # Errors
///
/// `invalid_argument` or `payload_too_large`.
pub fn check_update(update: &NewUpdate) -> Result<()> {
    match update {
        NewUpdate::Progress { progress, message } => {
            if !(0.0..=100.0).contains(progress) {
                return Err(Error::invalid(
                    "progress",
                    format!("must be 0 to 100, not {}", number::text(*progress)),
                ));
            }
            size("message", message.as_ref().map_or(0, String::len), LOG_BYTES)
        }
        NewUpdate::Log { message, .. } => size("message", message.len(), LOG_BYTES),
    }
}

/// Cuts an error's message and traceback to the limit, at a character's border: an error that is too
/// long is still worth having.
#[must_use]
pub fn cut_error(mut error: TaskError) -> TaskError {
    cut(&mut error.message, ERROR_BYTES / 2);
    cut(&mut error.code, NAME);
    if let Some(traceback) = &mut error.traceback {
        cut(traceback, ERROR_BYTES / 2);
    }
    if let Some(error_type) = &mut error.error_type {
        cut(error_type, LABEL_VALUE);
    }
    error
}

fn cut(text: &mut String, bytes: usize) {
    if text.len() > bytes {
        let end = (0..=bytes).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
        text.truncate(end);
    }
}

/// Checks a name: 1 to 128 characters, none of them a control character.
///
/// # Errors
///
/// `invalid_argument`.
pub fn name(field: &str, value: &str) -> Result<()> {
    // Most names are plain: no character of theirs has to be decoded.
    if (1..=NAME).contains(&value.len()) && value.bytes().all(|byte| (b' '..0x7f).contains(&byte)) {
        return Ok(());
    }
    characters(field, "a name", value, 1, NAME)?;
    if value.chars().any(char::is_control) {
        return Err(Error::invalid(field, "must not hold control characters"));
    }
    Ok(())
}

/// Checks the bytes of the results of blocks that are put together for one answer.
///
/// # Errors
///
/// `payload_too_large`, field `result`.
pub fn block_result(bytes: usize) -> Result<()> {
    size("result", bytes, BLOCK_RESULT_BYTES)
}

/// Checks a size in bytes.
///
/// # Errors
///
/// `payload_too_large`.
pub fn size(field: &str, bytes: usize, limit: usize) -> Result<()> {
    if bytes > limit {
        return Err(Error::PayloadTooLarge {
            field: field.to_owned(),
            size_bytes: bytes as u64,
            limit_bytes: limit as u64,
        });
    }
    Ok(())
}

fn text(field: &str, value: Option<&str>, most: usize) -> Result<()> {
    value.map_or(Ok(()), |value| characters(field, "it", value, 1, most))
}

fn characters(field: &str, what: &str, value: &str, least: usize, most: usize) -> Result<()> {
    let count = value.chars().count();
    if count < least || count > most {
        let reason = format!("{what} must have {least} to {most} characters, not {count}");
        return Err(Error::invalid(field, reason));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_has_so_many_queues_and_handlers() {
        let names = |count: usize| (0..count).map(|n| format!("n{n}")).collect::<Vec<_>>();
        let lease = |queues, handlers| LeaseRequest {
            worker: "w".to_owned(),
            queues: names(queues),
            handlers: names(handlers),
            limit: 1,
            ttl: Duration::from_secs(60),
            wait: Duration::ZERO,
            suspects: true,
        };
        for (queues, handlers) in [(1, 0), (1, LINES), (LINES, 1), (LINES, 0), (100, 100)] {
            assert!(check_lease(&lease(queues, handlers)).is_ok(), "{queues} {handlers}");
        }
        for (queues, handlers, field) in [
            (1, LINES + 1, "handlers"),
            (LINES + 1, 0, "queues"),
            (LINES + 1, 1, "queues"),
            (100, 101, "handlers"),
            (101, 100, "queues"),
        ] {
            let error = check_lease(&lease(queues, handlers)).unwrap_err();
            assert_eq!(error.fields()["field"], field, "{queues} {handlers}");
        }
        assert!(check_lines(usize::MAX, usize::MAX).is_err());
    }
}

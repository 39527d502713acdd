//! Why a command did not do what was asked: what to print, and the exit code.

use std::io;

use serde_json::{Map, Value};
use windlass::Error;

/// Exit codes, the same for every command.
pub(crate) mod exit {
    /// Done.
    pub(crate) const OK: i32 = 0;
    /// The task or the operation failed.
    pub(crate) const FAILED: i32 = 1;
    /// The command line or a value on it is wrong; nothing was done.
    pub(crate) const USAGE: i32 = 2;
    /// No task, batch, pipeline or state has this id.
    pub(crate) const NOT_FOUND: i32 = 3;
    /// The store or the server cannot be reached, read or written, or refuses who asks.
    pub(crate) const STORE: i32 = 4;
    /// Ctrl-C.
    pub(crate) const INTERRUPTED: i32 = 130;
}

/// What a command answers: everything is printed, or a failure is to be.
pub(crate) type Done = Result<(), Failure>;

/// Why a command ended otherwise than well.
#[derive(Debug)]
pub(crate) enum Failure {
    /// To print as `error: text (code)` with a hint.
    Report(Box<Report>),
    /// Printed already, as part of the command's output; this is the exit code.
    Printed(i32),
    /// What is printed could not be written. A closed pipe is how `| head` ends us: no failure.
    Output(io::Error),
}

/// A failure for people and programs.
#[derive(Debug)]
pub(crate) struct Report {
    /// Exit code.
    pub(crate) exit: i32,
    /// Stable code of `spec/errors.toml`.
    pub(crate) code: &'static str,
    /// What is wrong.
    pub(crate) text: String,
    /// What to do.
    pub(crate) hint: Option<String>,
    /// The error's values by their wire names.
    pub(crate) fields: Map<String, Value>,
}

impl Failure {
    /// A wrong command line.
    pub(crate) fn usage(text: impl Into<String>, hint: &str) -> Self {
        Self::report(exit::USAGE, "invalid_argument", text.into(), hint)
    }

    /// A store that is not where it was looked for, or that cannot be opened for this command.
    pub(crate) fn store(text: impl Into<String>, hint: &str) -> Self {
        Self::report(exit::STORE, "invalid_store", text.into(), hint)
    }

    fn report(exit: i32, code: &'static str, text: String, hint: &str) -> Self {
        let hint = Some(hint.to_owned());
        Self::Report(Box::new(Report { exit, code, text, hint, fields: Map::new() }))
    }

    /// The exit code.
    pub(crate) fn exit(&self) -> i32 {
        match self {
            Self::Report(report) => report.exit,
            Self::Printed(code) => *code,
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => exit::OK,
            Self::Output(_) => exit::FAILED,
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Report(Box::new(Report {
            exit: exit_of(&error),
            code: error.code(),
            text: error.to_string(),
            hint: hint_for(&error),
            fields: error.fields(),
        }))
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// The exit code that stands for an error.
pub(crate) fn exit_of(error: &Error) -> i32 {
    match error.code() {
        "invalid_argument" | "invalid_payload" | "payload_too_large" => exit::USAGE,
        "task_not_found" | "batch_not_found" | "pipeline_not_found" => exit::NOT_FOUND,
        "invalid_url"
        | "store_unavailable"
        | "store_full"
        | "store_read_only"
        | "invalid_store"
        | "schema_incompatible"
        | "authentication_failed"
        | "service_unavailable"
        | "circuit_breaker_open"
        | "api_error"
        | "client_closed" => exit::STORE,
        _ => exit::FAILED,
    }
}

/// What a person at a terminal can do about an error.
fn hint_for(error: &Error) -> Option<String> {
    Some(match error {
        Error::InvalidArgument { field, .. } if field == "listen" => {
            "name a key with --api-key-file FILE or WINDLASS_SERVER_KEY to let others in, or listen \
             on 127.0.0.1:8420"
                .to_owned()
        }
        Error::PayloadTooLarge { field, .. } if field == "body" => {
            "send less at once, or raise the server's --body-limit".to_owned()
        }
        Error::TaskNotFound { .. } => {
            "`windlass tasks ls` lists tasks; was it another --url or --tenant, or pruned?"
                .to_owned()
        }
        Error::BatchNotFound { .. } => {
            "`windlass tasks get ID` shows a task's batch; was it another --url or --tenant, or \
             pruned?"
                .to_owned()
        }
        Error::PipelineNotFound { .. } => {
            "`windlass pipelines ls` lists pipelines; was it another --url or --tenant, or pruned?"
                .to_owned()
        }
        Error::InvalidTransition { task_id, .. } => {
            format!("`windlass tasks get {task_id}` shows where it stands")
        }
        Error::IdempotencyConflict { task_id, .. } => format!(
            "`windlass tasks get {task_id}` shows the task that holds the key; use another key for \
             another request"
        ),
        Error::QueueFull { retry_after, .. } => {
            format!("start more workers, or try again in {}s", retry_after.as_secs_f64())
        }
        Error::TaskFailed { task_id, .. } => format!(
            "`windlass tasks get {task_id}` shows the error, `windlass tasks retry {task_id}` runs it \
             again"
        ),
        Error::WorkerNotAvailable { .. } => {
            "start one, for example: windlass worker MODULE:APP".to_owned()
        }
        Error::TaskTimeout { task_id, .. } => {
            format!("the task goes on: `windlass tasks watch {task_id}` follows it")
        }
        Error::InvalidUrl { .. } => {
            "for example --url sqlite:windlass.db or --url http://127.0.0.1:8420".to_owned()
        }
        Error::StoreUnavailable { .. } => {
            "`windlass doctor` checks the store, or the server, and the way to it".to_owned()
        }
        Error::Authentication { .. } => {
            "put the server's key into WINDLASS_API_KEY, or into a file named by --api-key-file"
                .to_owned()
        }
        Error::RateLimited { retry_after }
        | Error::ServiceUnavailable { retry_after, .. }
        | Error::CircuitBreakerOpen { retry_after, .. } => {
            format!("try again in {}s", retry_after.as_secs_f64())
        }
        Error::QuotaExceeded { quota_type, .. } => {
            format!("free some of {quota_type:?}, or have the limit raised")
        }
        Error::Api { status_code, .. } => match status_code {
            404 | 405 => {
                "is the URL that of a Windlass server of this version? `windlass doctor` looks"
                    .to_owned()
            }
            _ => "`windlass doctor` looks whether the URL is that of a Windlass server".to_owned(),
        },
        Error::StoreFull { .. } => "free space on that disk, then try again".to_owned(),
        Error::StoreReadOnly { .. } => {
            "make the file and its folder writable for this user".to_owned()
        }
        Error::InvalidStore { .. } => {
            "check the path in --url or WINDLASS_URL; nothing was changed".to_owned()
        }
        Error::SchemaIncompatible { found, supported, .. } if found > supported => {
            "a newer Windlass wrote it: install that version here".to_owned()
        }
        Error::SchemaIncompatible { .. } => "`windlass migrate` brings it up to date".to_owned(),
        Error::Internal { .. } => "this is a bug in Windlass: please report it".to_owned(),
        _ => return None,
    })
}

//! What core logs, for Python's `logging`.
//!
//! Events gather in a list; they are handed to the logger `windlass` by whichever Python thread comes
//! back from native code, or by the messenger.

use std::fmt::{self, Write as _};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Mutex, TryLockError};

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::{Interest, Subscriber};
use tracing::{Event, Level, Metadata};

use crate::messenger::Word;
use crate::runtime;

/// Lines kept while Python is too busy to take them; what comes then is dropped.
const MOST: usize = 10_000;

static LEVEL: AtomicU8 = AtomicU8::new(20);
static WAITING: AtomicBool = AtomicBool::new(false);
/// Guards the list only; never held while Python runs.
static LINES: Mutex<Vec<(u8, String)>> = Mutex::new(Vec::new());

/// Takes in the events of this module's Rust code, once.
pub(crate) fn install() {
    // An error means that it is installed already, by another interpreter of this process.
    let _ = tracing::subscriber::set_global_default(Forward);
}

/// The least grave level that is taken, in Python's numbers.
#[pyfunction]
pub(crate) fn set_log_level(level: u8) {
    LEVEL.store(level, Ordering::Relaxed);
}

/// Hands what waits to the logger.
#[pyfunction]
pub(crate) fn flush_logs(py: Python<'_>) {
    static EMIT: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    if !WAITING.swap(false, Ordering::AcqRel) {
        return;
    }
    let lines = std::mem::take(&mut *LINES.lock().unwrap_or_else(|e| e.into_inner()));
    for (level, line) in lines {
        let emitted =
            EMIT.import(py, "windlass._log", "emit").and_then(|emit| emit.call1((level, line)));
        if let Err(error) = emitted {
            error.write_unraisable(py, None);
        }
    }
}

/// Another thread of the parent may have held the lock: it stays locked here, for good.
pub(crate) fn after_fork_in_child() {
    if matches!(LINES.try_lock(), Err(TryLockError::WouldBlock)) {
        LEVEL.store(u8::MAX, Ordering::Relaxed);
    }
}

struct Forward;

impl Subscriber for Forward {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        // Its level can change at any time.
        if is_ours(metadata) { Interest::sometimes() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        is_ours(metadata) && number(metadata.level()) >= LEVEL.load(Ordering::Relaxed)
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        let mut lines = LINES.lock().unwrap_or_else(|e| e.into_inner());
        if lines.len() < MOST {
            lines.push((number(event.metadata().level()), line.finish()));
        }
        drop(lines);
        if !WAITING.swap(true, Ordering::AcqRel)
            && let Some(process) = runtime::started()
        {
            process.messenger.send(Word::Logs);
        }
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

fn is_ours(metadata: &Metadata<'_>) -> bool {
    metadata.is_event() && metadata.target().starts_with("windlass")
}

fn number(level: &Level) -> u8 {
    match *level {
        Level::ERROR => 40,
        Level::WARN => 30,
        Level::INFO => 20,
        Level::DEBUG => 10,
        Level::TRACE => 5,
    }
}

/// The message, then the fields.
#[derive(Default)]
struct Line {
    message: String,
    fields: String,
}

impl Line {
    fn finish(mut self) -> String {
        self.message.push_str(&self.fields);
        self.message
    }
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a String never fails.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}

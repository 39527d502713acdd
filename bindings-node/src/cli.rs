//! The command line, and where warnings go.

use std::sync::Once;

use napi_derive::napi;
use serde_json::json;
use tracing::level_filters::LevelFilter;
use windlass_server::cli::{Finished, run};

/// Version of the engine within.
#[napi]
pub(crate) fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// Runs a command and blocks until it is done: JSON text of `{"exit": code}`, or of `{"worker": …}` with
/// the arguments of the worker to run.
#[napi]
pub(crate) fn run_cli(args: Vec<String>) -> String {
    let finished = match run(args) {
        Finished::Exit(code) => json!({"exit": code}),
        Finished::Worker(worker) => json!({"worker": {
            "app": worker.app,
            "concurrency": worker.concurrency,
            "queues": worker.queues,
            "lease": worker.lease,
            "url": worker.url,
            "tenant": worker.tenant,
            "api_key": worker.api_key,
        }}),
    };
    finished.to_string()
}

/// What core warns of goes to standard error.
pub(crate) fn log_to_stderr() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let lines = tracing_subscriber::fmt().with_writer(std::io::stderr);
        // Somebody else may listen already.
        let _ = lines.with_max_level(LevelFilter::WARN).with_ansi(false).try_init();
    });
}

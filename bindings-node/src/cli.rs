//! The command line, and where warnings go.

use std::sync::Once;

use napi_derive::napi;
use tracing::level_filters::LevelFilter;
use windlass::Error;
use windlass_server::cli::{Finished, run};

use crate::failure::exception;

/// Version of the engine within.
#[napi]
pub(crate) fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// Runs a command and blocks until it is done; the code to exit with.
#[napi]
pub(crate) fn run_cli(args: Vec<String>) -> napi::Result<i32> {
    match run(args) {
        Finished::Exit(code) => Ok(code),
        Finished::Worker(_) => Err(exception(&Error::NotImplemented {
            feature: "windlass worker for JavaScript: call client.worker() in a script".to_owned(),
        })),
    }
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

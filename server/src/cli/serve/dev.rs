//! Arguments of `windlass dev`.

use clap::Args;

use crate::cli::connect::DEFAULT_URL;
use crate::cli::serve::Logs;
use crate::console::Console;
use crate::http::ServeOptions;
use crate::observe::LogFormat;

/// The default of `--port`.
const PORT: u16 = 8420;

/// A server to develop with. No variable says where its store is: one that is meant for production would
/// point it at production.
#[derive(Debug, Args)]
#[command(after_help = "\
The store is made when it is not there. Only this machine reaches the server,
without a key; windlass serve is the one for others.

Examples:
  windlass dev
  windlass dev --port 0 --store sqlite:/tmp/try.db")]
pub(crate) struct DevArgs {
    /// Port on 127.0.0.1; 0 takes a free one
    #[arg(long, value_name = "PORT", default_value_t = PORT)]
    port: u16,
    /// The store
    #[arg(long, value_name = "URL", default_value = DEFAULT_URL)]
    pub(super) store: String,
    /// The web console at /: on, read-only (it offers nothing that changes tasks), off
    #[arg(long, value_name = "MODE", default_value_t, env = "WINDLASS_CONSOLE")]
    #[arg(hide_env_values = true)]
    console: Console,
}

impl DevArgs {
    /// Begins to log to standard error what a developer should know.
    pub(crate) fn begin_logs() -> Logs {
        let filter = "warn".parse().unwrap_or_default();
        Logs::begin(LogFormat::Text, filter)
    }

    pub(super) fn serve_options(&self) -> ServeOptions {
        ServeOptions {
            listen: format!("127.0.0.1:{}", self.port),
            console: self.console,
            ..ServeOptions::default()
        }
    }
}

//! Arguments of `windlass serve`, and what they mean for store and server.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use windlass::{ConnectOptions, Durability};

use crate::cli::args::Global;
use crate::cli::connect::DEFAULT_URL;
use crate::cli::failure::Failure;
use crate::cli::key::{Holder, Key};
use crate::cli::serve::Logs;
use crate::cli::values::{self, Size, Span};
use crate::console::Console;
use crate::http::{ServeOptions, TlsFiles};
use crate::observe::{LogFilter, LogFormat};

/// A server as operators run it. Defaults are those of the library.
#[derive(Debug, Args)]
#[command(after_help = "\
Without a key only this machine may reach it. The key is never given on the
command line: --api-key-file FILE, or the variable WINDLASS_SERVER_KEY.

Ctrl-C and SIGTERM let what is open finish within --grace and end with 0; a
second one ends at once. One line on standard output says that it is ready;
logs go to standard error.

Examples:
  windlass serve --store sqlite:/var/lib/app/tasks.db
  windlass serve --listen 0.0.0.0:8420 --api-key-file /etc/windlass/server.key
  windlass config explain serve")]
pub(crate) struct ServeArgs {
    /// The store
    #[arg(long, value_name = "URL", default_value = DEFAULT_URL, env = "WINDLASS_STORE")]
    #[arg(hide_env_values = true)]
    pub(super) store: String,
    /// Address and port; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value_t = default().listen, env = "WINDLASS_LISTEN")]
    #[arg(hide_env_values = true, value_parser = values::listen)]
    listen: String,
    /// Web pages that may call, by commas: https://app.example.com, or * for any
    #[arg(long, value_name = "ORIGIN", value_delimiter = ',', env = "WINDLASS_CORS_ORIGIN")]
    #[arg(hide_env_values = true)]
    cors_origin: Vec<String>,
    /// PEM file with the certificate; with it the server speaks only TLS
    #[arg(long, value_name = "FILE", requires = "tls_key", env = "WINDLASS_TLS_CERT")]
    #[arg(hide_env_values = true)]
    tls_cert: Option<PathBuf>,
    /// PEM file with the certificate's private key
    #[arg(long, value_name = "FILE", requires = "tls_cert", env = "WINDLASS_TLS_KEY")]
    #[arg(hide_env_values = true)]
    tls_key: Option<PathBuf>,
    /// The web console at /: on, read-only (it offers nothing that changes tasks), off
    #[arg(long, value_name = "MODE", default_value_t, env = "WINDLASS_CONSOLE")]
    #[arg(hide_env_values = true)]
    console: Console,
    /// Connections at once
    #[arg(long, value_name = "N", default_value_t = default().max_connections as u64)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    #[arg(env = "WINDLASS_MAX_CONNECTIONS", hide_env_values = true)]
    max_connections: u64,
    /// Streams and held answers at once
    #[arg(long, value_name = "N", default_value_t = default().max_streams as u64)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    #[arg(env = "WINDLASS_MAX_STREAMS", hide_env_values = true)]
    max_streams: u64,
    /// Longest body of a request
    #[arg(long, value_name = "SIZE", default_value_t = Size(default().body_limit))]
    #[arg(env = "WINDLASS_BODY_LIMIT", hide_env_values = true)]
    body_limit: Size,
    /// How long what is open may go on once the server stops
    #[arg(long, value_name = "DURATION", default_value_t = Span(default().grace))]
    #[arg(env = "WINDLASS_GRACE", hide_env_values = true)]
    grace: Span,
    /// Logs for people or for programs: text, json
    #[arg(
        long,
        value_name = "FORMAT",
        value_enum,
        default_value = "text",
        env = "WINDLASS_LOG_FORMAT"
    )]
    #[arg(hide_env_values = true, hide_possible_values = true)]
    log_format: Lines,
    /// What is logged: off, error, warn, info, debug or trace, or by target: info,windlass=debug
    #[arg(long, value_name = "LEVEL", default_value = "info", env = "WINDLASS_LOG_LEVEL")]
    #[arg(hide_env_values = true, value_parser = log_filter)]
    log_level: LogFilter,
    /// How long finished tasks are kept
    #[arg(long, value_name = "DURATION", default_value_t = Span(store().retention))]
    #[arg(env = "WINDLASS_RETENTION", hide_env_values = true)]
    retention: Span,
    /// Finished tasks that are kept at most; any number when left out
    #[arg(long, value_name = "N", env = "WINDLASS_KEEP_FINISHED", hide_env_values = true)]
    keep_finished: Option<u64>,
    /// Waiting tasks that a queue may hold; 0 for any number
    #[arg(long, value_name = "N", default_value_t = store().queue_depth_limit.unwrap_or_default())]
    #[arg(env = "WINDLASS_QUEUE_DEPTH_LIMIT", hide_env_values = true)]
    queue_depth_limit: u64,
    /// What a write survives: full, a power cut; normal, a killed process
    #[arg(
        long,
        value_name = "LEVEL",
        value_enum,
        default_value = "full",
        env = "WINDLASS_DURABILITY"
    )]
    #[arg(hide_env_values = true, hide_possible_values = true)]
    durability: Level,
}

/// How logs are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Lines {
    Text,
    Json,
}

/// How hard a write is pressed to the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Level {
    Full,
    Normal,
}

fn default() -> ServeOptions {
    ServeOptions::default()
}

fn store() -> ConnectOptions {
    ConnectOptions::default()
}

impl ServeArgs {
    pub(super) fn connect_options(&self) -> ConnectOptions {
        ConnectOptions {
            durability: match self.durability {
                Level::Full => Durability::Full,
                Level::Normal => Durability::Normal,
            },
            retention: self.retention.0,
            keep_finished: self.keep_finished,
            queue_depth_limit: (self.queue_depth_limit > 0).then_some(self.queue_depth_limit),
            ..store()
        }
    }

    /// # Errors
    ///
    /// Exit 2 for a key that cannot be read or used.
    pub(super) fn serve_options(&self, global: &Global) -> Result<ServeOptions, Failure> {
        let key = Key::find(global.api_key_file.as_deref(), Holder::Server)?;
        let number = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        Ok(ServeOptions {
            listen: self.listen.clone(),
            api_key: key.map(|key| key.secret().to_owned()),
            cors_origins: self.cors_origin.clone(),
            tls: match (&self.tls_cert, &self.tls_key) {
                (Some(cert), Some(key)) => Some(TlsFiles { cert: cert.clone(), key: key.clone() }),
                _ => None,
            },
            console: self.console,
            max_connections: number(self.max_connections),
            max_streams: number(self.max_streams),
            body_limit: self.body_limit.0,
            grace: self.grace.0,
            ..default()
        })
    }

    /// Whether programs read the logs.
    pub(super) fn logs_json(&self) -> bool {
        self.log_format == Lines::Json
    }

    /// Begins to log to standard error.
    pub(crate) fn begin_logs(&self) -> Logs {
        let format = if self.logs_json() { LogFormat::Json } else { LogFormat::Text };
        Logs::begin(format, self.log_level.clone())
    }
}

/// # Errors
///
/// The levels there are.
fn log_filter(text: &str) -> Result<LogFilter, String> {
    text.parse().map_err(|error: windlass::Error| match error {
        windlass::Error::InvalidArgument { reason, .. } => reason,
        other => other.to_string(),
    })
}

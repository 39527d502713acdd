//! What a run can be told.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand};

/// Measure Windlass beside raw SQLite: same tables, same durability, interleaved rounds, medians
#[derive(Debug, Parser)]
#[command(name = "windlass-bench", max_term_width = 100, args_override_self = true)]
pub(crate) struct Options {
    /// Rounds at most; each runs every workload once, ours and raw
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) rounds: u32,
    /// Seconds after which no round is begun, so that a slow disk does not take for ever
    #[arg(long, default_value_t = 120, value_name = "SECONDS")]
    pub(crate) within: u64,
    /// Milliseconds for which each submit workload runs in a round
    #[arg(long, default_value_t = 200, value_name = "MS")]
    pub(crate) time: u64,
    /// Tasks that are drained in a round
    #[arg(long, default_value_t = 20_000, value_name = "N")]
    pub(crate) tasks: u32,
    /// Wake-ups that are measured in a round
    #[arg(long, default_value_t = 50, value_name = "N")]
    pub(crate) wakes: u32,
    /// Folder for the databases: on the disk to be measured [default: the system's temporary folder]
    #[arg(long, value_name = "PATH")]
    pub(crate) dir: Option<PathBuf>,
    /// Only workloads whose name contains this text; may be given more than once
    #[arg(long, value_name = "TEXT")]
    pub(crate) only: Vec<String>,
    /// Python with the package windlass in it: adds its drains
    #[arg(long, value_name = "PATH", requires = "python_worker")]
    pub(crate) python: Option<PathBuf>,
    /// The script that drains in Python
    #[arg(long, value_name = "PATH")]
    pub(crate) python_worker: Option<PathBuf>,
    /// Folder with the Node package in it: adds its drains and submits
    #[arg(long, value_name = "PATH", requires = "node_work")]
    pub(crate) node_package: Option<PathBuf>,
    /// The program that drains and submits in Node
    #[arg(long, value_name = "PATH")]
    pub(crate) node_work: Option<PathBuf>,
    /// What takes long instead: peers, a million finished tasks, memory, idle workers
    #[arg(long)]
    pub(crate) long: bool,
    /// Folder in which the peers are installed
    #[arg(long, value_name = "PATH")]
    pub(crate) peers: Option<PathBuf>,
    /// Folder of the programs that the peers run
    #[arg(long, value_name = "PATH")]
    pub(crate) peer_programs: Option<PathBuf>,
    /// Write every figure to this file, as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// What the second process of the wake-up workload runs
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// The second processes.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// A worker that tells when its handler starts
    #[command(hide = true)]
    Listen {
        /// The store.
        url: String,
    },
    /// The same with SQLite and a pipe alone
    #[command(hide = true)]
    RawListen {
        /// The store's file.
        file: PathBuf,
    },
    /// A server on a store, on a free port
    #[command(hide = true)]
    Serve {
        /// The store.
        url: String,
        /// At the durability that survives a killed process only.
        #[arg(long)]
        normal: bool,
    },
    /// A bare route that reads the body of a submit and answers
    #[command(hide = true)]
    BareServe,
}

impl Options {
    /// How long a submit workload runs.
    pub(crate) fn time(&self) -> Duration {
        Duration::from_millis(self.time)
    }

    /// Whether what goes through a server is asked for: it takes its own while.
    pub(crate) fn wants_http(&self) -> bool {
        self.only.iter().any(|text| "http".contains(text.as_str()) || text.contains("http"))
    }

    /// Whether the workload is asked for.
    pub(crate) fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|text| name.contains(text))
    }
}

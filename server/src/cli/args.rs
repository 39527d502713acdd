//! The command tree and what every command takes.

use std::path::PathBuf;

use clap::{Args, CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

use crate::cli::batches::BatchesCommand;
use crate::cli::config::ConfigCommand;
use crate::cli::doctor::DoctorArgs;
use crate::cli::events::EventsCommand;
use crate::cli::failure::Failure;
use crate::cli::finished::WorkerArgs;
use crate::cli::key::{Holder, Key};
use crate::cli::migrate::MigrateArgs;
use crate::cli::output::Format;
use crate::cli::parallel::ParallelArgs;
use crate::cli::pipelines::PipelinesCommand;
use crate::cli::serve::{DevArgs, ServeArgs};
use crate::cli::state::StateCommand;
use crate::cli::tasks::TasksCommand;
use crate::cli::{queues, values, workers};

const AFTER_HELP: &str = "\
The store is --url, else WINDLASS_URL, else WINDLASS_API_ENDPOINT, else
sqlite:windlass.db in the current folder. A URL http:// or https:// is a
server's; its key is in WINDLASS_API_KEY. `windlass config explain` shows
which settings hold here, and where each comes from.

Exit codes:
  0    done
  1    the task or the operation failed
  2    the command line or a value on it is wrong; nothing was done
  3    no task, batch, pipeline or state has this id
  4    the store or the server cannot be reached, read or written
  130  interrupted by Ctrl-C

Examples:
  windlass dev
  windlass tasks submit thumbnail '{\"path\": \"a.jpg\"}' --wait";

/// Durable tasks: submit, watch and repair them, run workers and servers.
#[derive(Debug, Parser)]
#[command(
    name = "windlass",
    bin_name = "windlass",
    version,
    after_help = AFTER_HELP,
    subcommand_required = true,
    arg_required_else_help = true,
    max_term_width = 100
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// The store, such as sqlite:tasks.db, or a server: http://HOST:8420 [env: WINDLASS_URL]
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// Whose tasks [default: default] [env: WINDLASS_TENANT_ID]
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) tenant: Option<String>,
    /// File that holds the server's key; WINDLASS_API_KEY holds the key itself
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) api_key_file: Option<PathBuf>,
    /// For people: table; for programs: json, or JSON lines where it goes on
    #[arg(short, long, global = true, value_enum, value_name = "table|json", default_value_t)]
    #[arg(hide_possible_values = true, hide_default_value = true)]
    pub(crate) output: Format,
}

impl Global {
    /// What is given here, else what `other` says.
    pub(crate) fn or(&self, other: &Self) -> Self {
        let output = if self.output == Format::Json { self.output } else { other.output };
        Self {
            url: self.url.clone().or_else(|| other.url.clone()),
            tenant: self.tenant.clone().or_else(|| other.tenant.clone()),
            api_key_file: self.api_key_file.clone().or_else(|| other.api_key_file.clone()),
            output,
        }
    }
}

/// The command tree. A variable that is set to nothing counts as not set.
pub(crate) fn tree() -> clap::Command {
    // What is a client's is refused by a server, and need not be in its help.
    let hidden = |name: &'static str| clap::Arg::new(name).long(name).global(true).hide(true);
    let key = || {
        let key = clap::Arg::new("api_key_file").long("api-key-file").value_name("FILE");
        key.global(true).value_parser(clap::value_parser!(PathBuf))
    };
    let of_serve =
        "File with the key that requests must carry; WINDLASS_SERVER_KEY holds the key itself";
    let tree = Cli::command().mut_subcommand("serve", |serve| {
        serve.arg(hidden("url")).arg(hidden("tenant")).arg(key().help(of_serve))
    });
    let tree = tree.mut_subcommand("dev", |dev| {
        dev.arg(hidden("url")).arg(hidden("tenant")).arg(key().hide(true))
    });
    without_empty(tree)
}

fn without_empty(command: clap::Command) -> clap::Command {
    let is_empty =
        |name: &std::ffi::OsStr| std::env::var_os(name).is_some_and(|value| value.is_empty());
    command
        .mut_args(|arg| if arg.get_env().is_some_and(is_empty) { arg.env(None) } else { arg })
        .mut_subcommands(without_empty)
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve a SQLite file in this folder, to develop with
    Dev(DevArgs),
    /// Serve a store to clients and workers of other machines
    Serve(Box<ServeArgs>),
    /// Run a worker with the handlers of an app
    #[command(after_help = "Example:\n  windlass worker photos:app --concurrency 8")]
    Worker(Worker),
    /// List, inspect, submit and repair tasks
    #[command(subcommand)]
    Tasks(TasksCommand),
    /// Batches: tasks that were submitted together
    #[command(subcommand)]
    Batches(BatchesCommand),
    /// Pipelines: stages that wait for each other, drawn with how they stand
    #[command(subcommand)]
    Pipelines(PipelinesCommand),
    /// Run steps as tasks under a strategy
    Parallel(ParallelArgs),
    /// States that tasks with one key share
    #[command(subcommand)]
    State(StateCommand),
    /// Queues: what waits in them; pause and resume
    #[command(subcommand)]
    Queues(queues::QueuesCommand),
    /// Workers that are alive
    #[command(subcommand)]
    Workers(workers::WorkersCommand),
    /// What happens to tasks, as it happens
    #[command(subcommand)]
    Events(EventsCommand),
    /// Settings that hold here
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Check the store or the server and everything around it, and say what to do
    Doctor(DoctorArgs),
    /// Bring the store's tables to this version
    Migrate(MigrateArgs),
    /// Print a completion script for a shell
    #[command(
        after_help = "Example:\n  windlass completions bash > ~/.local/share/bash-completion/completions/windlass"
    )]
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// Arguments of `windlass worker`.
#[derive(Debug, Args)]
pub(crate) struct Worker {
    /// Where the app is: module and variable, such as photos:app
    #[arg(value_name = "MODULE:APP", value_parser = values::app)]
    app: String,
    /// Tasks to run at once [default: the app's, else 8]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    concurrency: Option<u32>,
    /// Queues to take from, by commas [default: the app's]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    queues: Vec<String>,
    /// Seconds until the tasks of a worker that died go to another [default: 60]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=3600))]
    lease: Option<u32>,
}

impl Worker {
    /// What the host of the worker needs to know.
    ///
    /// # Errors
    ///
    /// Exit 2 for a key that cannot be read or used.
    pub(crate) fn with(self, global: Global) -> Result<WorkerArgs, Failure> {
        let key = Key::find(global.api_key_file.as_deref(), Holder::Client)?;
        Ok(WorkerArgs {
            app: self.app,
            concurrency: self.concurrency,
            queues: self.queues,
            lease: self.lease,
            url: global.url,
            tenant: global.tenant,
            api_key: key.map(|key| key.secret().to_owned()),
        })
    }
}

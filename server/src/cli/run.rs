//! Parse, connect, dispatch, exit code.

use std::time::Duration;

use clap::FromArgMatches;

use crate::cli::args::{Cli, Command, Global, tree};
use crate::cli::config::ConfigCommand;
use crate::cli::connect::{Missing, Patience, Session};
use crate::cli::events::EventsCommand;
use crate::cli::failure::{Done, Failure, exit};
use crate::cli::finished::Finished;
use crate::cli::output::Output;
use crate::cli::serve::{self, DevArgs, Logs};
use crate::cli::workers::WorkersCommand;
use crate::cli::{
    batches, config, doctor, events, migrate, parallel, pipelines, queues, state, tasks, workers,
};

/// Runs one command line; `args` begins with the program's name.
///
/// Prints results to standard output and everything else to standard error, and never ends the
/// process. Blocks until the command is done; Ctrl-C ends it with 130. Makes a runtime of its own,
/// so it must not be called from within one.
pub fn run(args: Vec<String>) -> Finished {
    let parsed = tree().try_get_matches_from(args);
    let cli = match parsed.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no errors: they go to standard output with code 0.
            let code = error.exit_code();
            let _ = error.print();
            return Finished::Exit(code);
        }
    };
    let output = Output::new(cli.global.output);
    match cli.command {
        Command::Worker(worker) => match worker.with(cli.global) {
            Ok(worker) => Finished::Worker(worker),
            Err(failure) => {
                output.failure(&failure);
                Finished::Exit(failure.exit())
            }
        },
        Command::Completions { shell } => Finished::Exit(completions(shell, &output)),
        command => Finished::Exit(drive(command, &cli.global, &output)),
    }
}

fn completions(shell: clap_complete::Shell, output: &Output) -> i32 {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut tree(), "windlass", &mut script);
    match output.line(&String::from_utf8_lossy(&script)) {
        Ok(()) => exit::OK,
        Err(error) => Failure::from(error).exit(),
    }
}

fn drive(command: Command, global: &Global, output: &Output) -> i32 {
    let mut threads = tokio::runtime::Builder::new_multi_thread();
    threads.enable_all();
    match logs(&command) {
        Some(logs) => {
            logs.on_thread();
            threads.on_thread_start(move || logs.on_thread());
        }
        // A command has little to do at once; a server uses every processor.
        None => {
            threads.worker_threads(2);
        }
    }
    let runtime = match threads.build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let error = windlass::Error::unavailable("starting the runtime", error);
            output.failure(&error.into());
            return exit::STORE;
        }
    };
    let done = runtime.block_on(async {
        tokio::select! {
            // In this order, so that Ctrl-C is listened for before anything is begun.
            biased;
            () = interrupted(&command) => {
                output.note("interrupted");
                Err(Failure::Printed(exit::INTERRUPTED))
            }
            done = dispatch(&command, global, output) => done,
        }
    });
    let code = done.map_or_else(
        |failure| {
            output.failure(&failure);
            failure.exit()
        },
        |()| exit::OK,
    );
    // A store that does not let go must not hold the command up.
    runtime.shutdown_timeout(Duration::from_secs(2));
    code
}

/// The log that a server writes; other commands write none.
fn logs(command: &Command) -> Option<Logs> {
    match command {
        Command::Dev(_) => Some(DevArgs::begin_logs()),
        Command::Serve(args) => Some(args.begin_logs()),
        _ => None,
    }
}

async fn interrupted(command: &Command) {
    // A server has its own way to end. Without a handler Ctrl-C ends the process as ever.
    let own = matches!(command, Command::Dev(_) | Command::Serve(_));
    if own || tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

async fn dispatch(command: &Command, global: &Global, output: &Output) -> Done {
    match command {
        Command::Dev(args) => serve::dev(args, global, output).await,
        Command::Serve(args) => serve::serve(args, global, output).await,
        Command::Doctor(_) => doctor::run(global, output).await,
        Command::Migrate(args) => migrate::run(args, global, output),
        Command::Tasks(command) => {
            let (missing, patience) = (command.when_missing(), command.patience());
            let session = Session::open(global, output, missing, patience).await?;
            let done = tasks::run(command, &session).await;
            session.end(done).await
        }
        Command::Batches(command) => {
            let session =
                Session::open(global, output, Missing::Refuse, command.patience()).await?;
            let done = batches::run(command, &session).await;
            session.end(done).await
        }
        Command::Pipelines(command) => {
            let (missing, patience) = (command.when_missing(), command.patience());
            let session = Session::open(global, output, missing, patience).await?;
            let done = pipelines::run(command, &session).await;
            session.end(done).await
        }
        Command::Parallel(args) => {
            let session = Session::open(global, output, Missing::Create, args.patience()).await?;
            let done = parallel::run(args, &session).await;
            session.end(done).await
        }
        Command::State(command) => {
            let session = Session::open(global, output, Missing::Refuse, Patience::Short).await?;
            let done = state::run(command, &session).await;
            session.end(done).await
        }
        Command::Queues(command) => {
            let session = Session::open(global, output, Missing::Refuse, Patience::Short).await?;
            let done = queues::run(command, &session).await;
            session.end(done).await
        }
        Command::Events(EventsCommand::Tail(args)) => {
            let session = Session::open(global, output, Missing::Refuse, Patience::Long).await?;
            let done = events::tail(args, &session).await;
            session.end(done).await
        }
        Command::Workers(WorkersCommand::Ls) => {
            let session = Session::open(global, output, Missing::Refuse, Patience::Short).await?;
            let done = workers::ls(&session).await;
            session.end(done).await
        }
        Command::Config(ConfigCommand::Explain(args)) => config::explain(args, global),
        Command::Worker(_) | Command::Completions { .. } => Ok(()), // answered without a runtime
    }
}

//! How fast Windlass is beside what SQLite alone can do with the same tables and durability, and how
//! soon a worker in another process wakes up.
//!
//! Rounds are interleaved: each runs every workload once, ours then raw, so that what else the machine
//! does falls on both. Shown are medians; ratios are medians of the rounds' own ratios. Nothing here is
//! a test: no figure passes or fails.

mod machine;
mod options;
mod place;
mod raw;
mod report;
mod rounds;
mod work;

use std::process::ExitCode;

use clap::Parser;

use options::{Command, Options};

/// Whatever went wrong: a benchmark only reports it.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    let options = Options::parse();
    let done = match &options.command {
        Some(Command::Listen { url }) => work::wake::listen(url),
        Some(Command::RawListen { file }) => work::wake::raw_listen(file),
        Some(Command::Serve { url, normal }) => work::http::serve(url, *normal),
        Some(Command::BareServe) => work::http::serve_bare(),
        None => run(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report::failure(&*error);
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<()> {
    let place = place::Place::make(options.dir.as_deref())?;
    let mut workloads = work::all(options)?;
    workloads.retain(|workload| options.wants(&workload.name));
    if workloads.is_empty() {
        return Err("no workload has a name with that text".into());
    }
    let machine = machine::Machine::look(place.path());
    report::head(&machine);
    let within = std::time::Duration::from_secs(options.within);
    let figures = rounds::run(&workloads, options.rounds, within, &place)?;
    report::table(&figures);
    match &options.json {
        Some(file) => report::json(file, &machine, options, &figures),
        None => Ok(()),
    }
}

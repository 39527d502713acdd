//! `windlass migrate`

use clap::Args;
use serde::Serialize;
use windlass_sqlite::Plan;

use crate::cli::args::Global;
use crate::cli::connect::Address;
use crate::cli::failure::{Done, Failure};
use crate::cli::output::Output;
use crate::cli::output::table::{Cell, Table};

/// Arguments of `windlass migrate`.
#[derive(Debug, Args)]
#[command(after_help = "\
Opening a store migrates it as well; this command does it ahead of a
deployment, and shows what would be done. All steps are taken in one
transaction or none.

Examples:
  windlass migrate --dry-run
  windlass migrate --url sqlite:/var/lib/app/tasks.db")]
pub(crate) struct MigrateArgs {
    /// Only show the steps that are pending, with their SQL in -o json
    #[arg(long)]
    dry_run: bool,
}

/// What was found and what was, or would be, done, for programs.
#[derive(Debug, Serialize)]
struct Answer<'a> {
    location: String,
    /// The schema version found.
    found: u32,
    /// The schema version of this build.
    supported: u32,
    dry_run: bool,
    steps: Vec<Step<'a>>,
}

#[derive(Debug, Serialize)]
struct Step<'a> {
    version: u32,
    title: &'a str,
    sql: &'a str,
}

/// Takes the pending steps, or shows them; JSON is one answer with `steps`.
pub(crate) fn run(args: &MigrateArgs, global: &Global, output: &Output) -> Done {
    let address = Address::find(global);
    let Some(file) = address.file() else {
        return nothing_to_migrate(&address, output);
    };
    if !file.exists() {
        return Err(address.missing(&file));
    }
    let plan = windlass_sqlite::migrate(&file, args.dry_run)?;
    let location = file.display().to_string();
    if output.is_json() {
        let steps = plan.pending.iter();
        let steps =
            steps.map(|s| Step { version: s.version, title: s.title, sql: s.sql }).collect();
        let (found, supported, dry_run) = (plan.found, plan.supported, args.dry_run);
        return Ok(output.json(&Answer { location, found, supported, dry_run, steps })?);
    }
    say(&plan, args.dry_run, &location, output)
}

fn say(plan: &Plan, dry_run: bool, location: &str, output: &Output) -> Done {
    if plan.pending.is_empty() {
        let newer =
            if plan.found > plan.supported { ", newer than this build but compatible" } else { "" };
        return Ok(
            output.line(&format!("{location} has schema {}{newer}: nothing to do", plan.found))?
        );
    }
    let mut table = Table::new(["STEP", "WHAT"]);
    for step in &plan.pending {
        table.row([Cell::text(&step.version.to_string()), Cell::text(step.title)]);
    }
    output.table(&table)?;
    let (found, to) = (plan.found, plan.supported);
    let done = if dry_run { "would be brought" } else { "was brought" };
    Ok(output.line(&format!("{location} {done} from schema {found} to {to}"))?)
}

/// A store in memory is made by the build that uses it; other URLs name no store that is known.
fn nothing_to_migrate(address: &Address, output: &Output) -> Done {
    if address.is_remote() {
        return Err(Failure::usage(
            format!(
                "{} (from {}) is a server: it migrates its own store",
                address.shown(),
                address.origin
            ),
            "where the store is: windlass migrate --url sqlite:tasks.db; starting the server does it \
             as well",
        ));
    }
    if !address.is_memory() {
        return Err(Failure::usage(
            format!(
                "{:?} (from {}) names no store with migrations",
                address.shown(),
                address.origin
            ),
            "for example: windlass migrate --url sqlite:tasks.db",
        ));
    }
    if output.is_json() {
        let location = address.url.clone();
        let answer = Answer { location, found: 0, supported: 0, dry_run: true, steps: Vec::new() };
        return Ok(output.json(&answer)?);
    }
    Ok(output.line("a store in memory has no migrations: nothing to do")?)
}

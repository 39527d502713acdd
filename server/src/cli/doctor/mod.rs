//! `windlass doctor`: one file per thing that is looked at.

mod check;
mod file;
mod remote;
mod tasks;

use clap::Args;
use serde::Serialize;

use crate::cli::args::Global;
use crate::cli::connect::{Address, options};
use crate::cli::failure::{Done, Failure, exit};
use crate::cli::output::Output;
use check::{Check, Level};

/// Arguments of `windlass doctor`.
#[derive(Debug, Args)]
#[command(after_help = "\
Changes nothing. Ends with 1 when a check failed; a warning is no failure.

Examples:
  windlass doctor
  windlass doctor --url sqlite:/var/lib/app/tasks.db -o json")]
pub(crate) struct DoctorArgs {}

/// Every check, for programs.
#[derive(Debug, Serialize)]
struct Answer {
    /// Whether no check failed.
    ok: bool,
    checks: Vec<Check>,
}

/// Prints every check; JSON is `ok` and `checks`.
pub(crate) async fn run(global: &Global, output: &Output) -> Done {
    let checks = look(global).await;
    let failed = checks.iter().any(|check| check.level == Level::Fail);
    if output.is_json() {
        output.json(&Answer { ok: !failed, checks })?;
    } else {
        checks.iter().try_for_each(|check| check.print(output))?;
    }
    if failed { Err(Failure::Printed(exit::FAILED)) } else { Ok(()) }
}

async fn look(global: &Global) -> Vec<Check> {
    let address = Address::find(global);
    let mut checks =
        vec![Check::ok("url", format!("{} (from {})", address.shown(), address.origin))];
    if let Some(path) = address.file() {
        // What is not there, or is no store, is not opened: that would make or change it.
        if !file::look(&path, &address.origin.to_string(), &mut checks) {
            return checks;
        }
    } else if address.is_memory() {
        let hint = "tasks in memory are gone with their process; name a file for what must last";
        checks.push(Check::warn("location", "in memory, private to this process".to_owned(), hint));
    }
    let options = match options(global) {
        Ok(options) => options,
        Err(failure) => {
            checks.push(Check::failure("key", &failure));
            return checks;
        }
    };
    let client = match windlass::connect_with(&address.url, options.clone()).await {
        Ok(client) => client,
        Err(error) => {
            checks.push(Check::error("open", &error));
            return checks;
        }
    };
    if address.is_remote() {
        let host = client.host().clone();
        let Some(time) = remote::look(&address, &options, host, &mut checks).await else {
            return checks;
        };
        tasks::look(&client, time, &mut checks).await;
    } else {
        checks.push(Check::ok("open", format!("{} answers", client.location())));
        tasks::look(&client, client.now(), &mut checks).await;
    }
    if let Err(error) = client.close().await {
        checks.push(Check::error("close", &error));
    }
    checks
}

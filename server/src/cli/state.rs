//! `windlass state`: what tasks with one key share.

use clap::{Args, Subcommand};
use serde_json::json;

use crate::cli::connect::Session;
use crate::cli::failure::{Done, Failure, exit};
use crate::cli::output::text::clean_lines;

/// Commands on states.
#[derive(Debug, Subcommand)]
pub(crate) enum StateCommand {
    /// Print the state that was stored last under a key
    Get(StateArgs),
}

/// Which state.
#[derive(Debug, Args)]
#[command(after_help = "\
Ends with 3 when there is no state under the key.

Example:
  windlass state get counter-7")]
pub(crate) struct StateArgs {
    /// The key
    #[arg(value_name = "KEY")]
    key: String,
}

/// Prints the state, as JSON text; JSON output says whether there is one.
pub(crate) async fn run(command: &StateCommand, session: &Session<'_>) -> Done {
    let StateCommand::Get(StateArgs { key }) = command;
    let (client, output) = (&session.client, session.output);
    let state = client.service().state(client.tenant(), key).await?;
    if output.is_json() {
        let exists = state.is_some();
        output.json(&json!({ "state_key": key, "exists": exists, "state": state }))?;
    } else if let Some(state) = &state {
        output.line(&clean_lines(state.as_str()))?;
    } else {
        output.note(&format!("there is no state {key:?} in {}", session.location()));
    }
    state.map(drop).ok_or(Failure::Printed(exit::NOT_FOUND))
}

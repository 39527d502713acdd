//! `windlass tasks why`

use clap::Args;

use crate::cli::connect::Session;
use crate::cli::failure::Done;
use crate::cli::output::text::{Paint, clean};
use crate::cli::output::time::ago;

/// Arguments of `windlass tasks why`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  windlass tasks why 019a0d5e-8f6b-7000-8000-000000000001")]
pub(crate) struct WhyArgs {
    /// The task
    #[arg(value_name = "ID")]
    id: String,
}

/// Prints the reason; JSON is its record.
pub(crate) async fn run(args: &WhyArgs, session: &Session<'_>) -> Done {
    let why = session.client.why(&args.id).await?;
    let output = session.output;
    if output.is_json() {
        return Ok(output.json(&why)?);
    }
    let status = output.painted(Paint::of(why.status), why.status.as_str());
    let until = why.until.filter(|_| !why.status.is_final());
    let until =
        until.map_or_else(String::new, |at| format!(" ({})", ago(at, session.client.now())));
    Ok(output.line(&format!("{status}: {}{until}", clean(&why.text)))?)
}

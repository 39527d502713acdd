//! `windlass tasks count`

use clap::Args;
use windlass::rules::limits;

use crate::cli::connect::Session;
use crate::cli::failure::Done;
use crate::cli::tasks::filter::FilterArgs;

/// Which tasks to count.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  windlass tasks count --status failed --since 2h
  windlass tasks count --label env=prod --type thumbnail")]
pub(crate) struct CountArgs {
    #[command(flatten)]
    filter: FilterArgs,
    /// Where counting stops
    #[arg(long, value_name = "N", default_value_t = limits::COUNT_DEFAULT,
        value_parser = clap::value_parser!(u32).range(1..=i64::from(limits::COUNT_MOST)))]
    most: u32,
}

/// Prints how many; JSON is `count` and `exact`.
pub(crate) async fn run(args: &CountArgs, session: &Session<'_>) -> Done {
    let filter = args.filter.read(&session.client);
    let tally = session.client.count(filter, args.most).await?;
    let output = session.output;
    if output.is_json() {
        return Ok(output.json(&tally)?);
    }
    output.line(&tally.count.to_string())?;
    if !tally.exact {
        output.note("or more: counting stopped there, --most N counts further");
    }
    Ok(())
}

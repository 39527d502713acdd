//! `windlass config`: which settings hold here.

mod setting;

use clap::error::ErrorKind;
use clap::{ArgMatches, Args, Command, FromArgMatches, Subcommand};

use crate::cli::args::{Global, tree};
use crate::cli::failure::{Done, Failure};
use crate::cli::origin::Origin;
use crate::cli::output::Output;
use crate::cli::output::text::{Paint, clean};
use setting::{Answer, Setting};

/// Commands on settings.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Say which settings hold here, where each comes from, and what it does
    Explain(ExplainArgs),
}

/// Arguments of `windlass config explain`.
#[derive(Debug, Args)]
#[command(after_help = "\
A setting is an option of the command line, else a variable of the
environment, else its default. Keys are never shown. Nothing is opened or
started.

Examples:
  windlass config explain
  windlass config explain serve --listen 0.0.0.0:8420
  windlass config explain tasks ls -o json")]
pub(crate) struct ExplainArgs {
    /// The command line to explain, without `windlass` [default: serve]
    #[arg(value_name = "COMMAND", trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<String>,
}

/// Prints every setting; JSON is `command` and `settings`.
pub(crate) fn explain(args: &ExplainArgs, global: &Global) -> Done {
    let words: Vec<&str> = match args.command.as_slice() {
        [] => vec!["serve"],
        words => words.iter().map(String::as_str).collect(),
    };
    let tree = tree();
    let matches = match parse(&tree, &words) {
        Ok(matches) => matches,
        Err(error) => {
            let _ = error.print();
            return Err(Failure::Printed(error.exit_code()));
        }
    };
    let refused = |error: clap::Error| {
        Failure::usage(error.to_string(), "see windlass config explain --help")
    };
    let global = Global::from_arg_matches(&matches).map_err(refused)?.or(global);
    let (name, leaf, matches) = leaf(&tree, &matches);
    let mut settings = setting::global(&name, &global)?;
    settings.extend(leaf.get_arguments().filter_map(|arg| Setting::of(arg, matches)));
    let output = &Output::new(global.output);
    if output.is_json() {
        return Ok(output.json(&Answer { command: name, settings })?);
    }
    Ok(settings.iter().try_for_each(|setting| print(setting, output))?)
}

/// Reads the command line. What a command must be told besides settings need not be given here.
fn parse(tree: &Command, words: &[&str]) -> Result<ArgMatches, clap::Error> {
    let line = std::iter::once("windlass").chain(words.iter().copied());
    match relaxed(tree.clone()).try_get_matches_from(line) {
        Err(error) if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            Err(tree.clone().error(
                ErrorKind::MissingSubcommand,
                format!("{:?} is a group: name one of its commands", words.join(" ")),
            ))
        }
        other => other,
    }
}

fn relaxed(command: Command) -> Command {
    command.mut_args(|arg| arg.required(false)).mut_subcommands(relaxed)
}

/// The command that was named, by its words, and what it was given.
fn leaf<'a>(tree: &'a Command, matches: &'a ArgMatches) -> (String, &'a Command, &'a ArgMatches) {
    let (mut words, mut command, mut matches) = (Vec::new(), tree, matches);
    while let Some((name, inner)) = matches.subcommand() {
        let Some(found) = command.find_subcommand(name) else { break };
        words.push(name);
        (command, matches) = (found, inner);
    }
    (words.join(" "), command, matches)
}

/// Two lines: what holds and where it came from, and what it does.
fn print(setting: &Setting, output: &Output) -> std::io::Result<()> {
    let name = format!("{:20}", setting.name());
    let value = clean(setting.value.as_deref().unwrap_or("-"));
    let (paint, from) = match setting.origin {
        Origin::Default => (Paint::Dim, setting.from()),
        Origin::Option(_) | Origin::Variable(_) => (Paint::Good, setting.from()),
    };
    let from = output.painted(paint, &format!("({from})"));
    let what = output.painted(Paint::Dim, &setting.what);
    output.line(&format!("{name} {value}  {from}\n  {what}"))
}

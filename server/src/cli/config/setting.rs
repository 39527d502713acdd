//! One setting: its value, where it came from, what it does. The command tree is the list of them.

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches};
use serde::{Serialize, Serializer};

use windlass::rules::urls;

use crate::cli::args::Global;
use crate::cli::connect::{
    Address, CA_VARIABLE, DEFAULT_TENANT, TENANT_VARIABLE, URL_VARIABLES, tenant,
};
use crate::cli::failure::Failure;
use crate::cli::key::{Holder, Key};
use crate::cli::origin::{Origin, variable};

/// Every setting of a command, for programs.
#[derive(Debug, Serialize)]
pub(super) struct Answer {
    /// The command's words.
    pub(super) command: String,
    pub(super) settings: Vec<Setting>,
}

/// One setting as it holds.
#[derive(Debug, Serialize)]
pub(super) struct Setting {
    /// Its option, such as `--listen`; none where only a variable sets it.
    option: Option<String>,
    /// Variables that set it; the first that is set wins.
    variables: Vec<String>,
    /// The value that holds; none where nothing is set. A secret is masked.
    pub(super) value: Option<String>,
    /// Where it came from.
    #[serde(rename = "from", serialize_with = "kind")]
    pub(super) origin: Origin,
    /// The variable that set it.
    variable: Option<String>,
    /// What it does.
    pub(super) what: String,
}

/// A kind of origin for programs: `option`, `variable` or `default`.
fn kind<S: Serializer>(origin: &Origin, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(match origin {
        Origin::Option(_) => "option",
        Origin::Variable(_) => "variable",
        Origin::Default => "default",
    })
}

impl Setting {
    /// The setting that an argument of the tree is; none for positional ones and for help.
    pub(super) fn of(arg: &Arg, matches: &ArgMatches) -> Option<Self> {
        let option = format!("--{}", arg.get_long()?);
        let is_help = matches!(arg.get_action(), ArgAction::Help | ArgAction::Version);
        if is_help || arg.is_global_set() {
            return None;
        }
        let name = arg.get_env().map(|name| name.to_string_lossy().into_owned());
        let id = arg.get_id().as_str();
        let (origin, variable) = match matches.value_source(id) {
            Some(ValueSource::CommandLine) => (Origin::Option("option"), None),
            Some(ValueSource::EnvVariable) => (Origin::Variable("variable"), name.clone()),
            _ => (Origin::Default, None),
        };
        let values = matches.get_raw(id).into_iter().flatten();
        let values: Vec<_> = values.map(|value| value.to_string_lossy()).collect();
        let value = match arg.get_action() {
            ArgAction::SetTrue => Some(matches.get_flag(id).to_string()),
            // It may hold a password.
            _ if id == "store" => values.first().map(|url| urls::shown(url)),
            _ => (!values.is_empty()).then(|| values.join(",")),
        };
        let what = arg.get_help().map(ToString::to_string).unwrap_or_default();
        // The default and the variables have columns of their own.
        let what = what.split(" [").next().unwrap_or_default().to_owned();
        Some(Self {
            option: Some(option),
            variables: name.into_iter().collect(),
            value,
            origin,
            variable,
            what,
        })
    }

    fn by_hand(
        option: Option<&str>,
        variables: &[&str],
        found: Option<(String, Origin)>,
        what: &str,
    ) -> Self {
        let (value, origin) = found.map_or((None, Origin::Default), |(v, o)| (Some(v), o));
        let variable = match origin {
            Origin::Variable(name) => Some(name.to_owned()),
            Origin::Option(_) | Origin::Default => None,
        };
        let variables = variables.iter().map(|name| (*name).to_owned()).collect();
        Self {
            option: option.map(str::to_owned),
            variables,
            value,
            origin,
            variable,
            what: what.to_owned(),
        }
    }

    /// What to call it: the option, else its variable.
    pub(super) fn name(&self) -> &str {
        self.option.as_deref().or_else(|| self.variables.first().map(String::as_str)).unwrap_or("-")
    }

    /// Where its value came from; for a default also what would change it.
    pub(super) fn from(&self) -> String {
        match (&self.variable, self.origin, self.variables.as_slice()) {
            (Some(variable), ..) => format!("from {variable}"),
            (None, Origin::Option(_), _) => "from the option".to_owned(),
            (None, ..) if self.option.is_none() => "not set".to_owned(),
            (None, _, []) => "default".to_owned(),
            (None, _, variables) => format!("default; or {}", variables.join(", ")),
        }
    }
}

/// Settings that have no single place in the tree, as far as they apply to a command.
///
/// # Errors
///
/// Exit 2 for a key that cannot be read or used.
pub(super) fn global(command: &str, global: &Global) -> Result<Vec<Setting>, Failure> {
    let mut settings = Vec::new();
    let serves = command == "serve";
    if !serves && command != "dev" {
        let address = Address::find(global);
        settings.push(Setting::by_hand(
            Some("--url"),
            &URL_VARIABLES,
            Some((address.shown(), address.origin)),
            "The store, or the server in front of it",
        ));
        settings.push(Setting::by_hand(
            Some("--tenant"),
            &[TENANT_VARIABLE],
            tenant(global).or_else(|| Some((DEFAULT_TENANT.to_owned(), Origin::Default))),
            "Whose tasks",
        ));
    }
    if command != "dev" {
        let (holder, what) = match serves {
            true => {
                (Holder::Server, "The key that every request must carry; only the file is shown")
            }
            false => (Holder::Client, "The key that is sent to a server; only the file is shown"),
        };
        let key = Key::find(global.api_key_file.as_deref(), holder)?;
        settings.push(Setting::by_hand(
            Some("--api-key-file"),
            &holder.variables(),
            key.map(|key| (key.masked(), key.origin())),
            what,
        ));
    }
    if !serves && command != "dev" {
        let file = variable(CA_VARIABLE).map(|value| (value, Origin::Variable(CA_VARIABLE)));
        let what = "PEM file of certificates to trust beside those of the system";
        settings.push(Setting::by_hand(None, &[CA_VARIABLE], file, what));
    }
    let plain = variable("NO_COLOR").map(|value| (value, Origin::Variable("NO_COLOR")));
    settings.push(Setting::by_hand(None, &["NO_COLOR"], plain, "Set: no colours on a terminal"));
    Ok(settings)
}

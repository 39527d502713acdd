//! One thing that was looked at, and what to do about it.

use std::io;

use serde::Serialize;
use windlass::Error;

use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::cli::output::text::{Paint, clean};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    /// As it should be.
    Ok,
    /// Works, but somebody should look.
    Warn,
    /// Does not work.
    Fail,
}

/// One line of the report.
#[derive(Debug, Serialize)]
pub(super) struct Check {
    /// What was looked at, in a word.
    pub(super) name: &'static str,
    /// How bad it is.
    #[serde(rename = "status")]
    pub(super) level: Level,
    /// What was found.
    pub(super) detail: String,
    /// What to do; none when all is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hint: Option<String>,
}

impl Check {
    /// As it should be.
    pub(super) fn ok(name: &'static str, detail: String) -> Self {
        Self { name, level: Level::Ok, detail, hint: None }
    }

    /// To be looked at.
    pub(super) fn warn(name: &'static str, detail: String, hint: impl Into<String>) -> Self {
        Self { name, level: Level::Warn, detail, hint: Some(hint.into()) }
    }

    /// Does not work.
    pub(super) fn fail(name: &'static str, detail: String, hint: impl Into<String>) -> Self {
        Self { name, level: Level::Fail, detail, hint: Some(hint.into()) }
    }

    /// Does not work, as an error says.
    pub(super) fn error(name: &'static str, error: &Error) -> Self {
        Self::failure(name, &Failure::from(error.clone()))
    }

    /// Does not work, as a failure says.
    pub(super) fn failure(name: &'static str, failure: &Failure) -> Self {
        let Failure::Report(report) = failure else {
            return Self { name, level: Level::Fail, detail: String::new(), hint: None };
        };
        let detail = format!("{} ({})", report.text, report.code);
        Self { name, level: Level::Fail, detail, hint: report.hint.clone() }
    }

    pub(super) fn print(&self, output: &Output) -> io::Result<()> {
        let (paint, word) = match self.level {
            Level::Ok => (Paint::Good, "ok  "),
            Level::Warn => (Paint::Warn, "warn"),
            Level::Fail => (Paint::Bad, "fail"),
        };
        let detail = clean(&self.detail);
        output.line(&format!("{}  {:13} {detail}", output.painted(paint, word), self.name))?;
        match &self.hint {
            Some(hint) => output.line(&format!("{:20}{hint}", "")),
            None => Ok(()),
        }
    }
}

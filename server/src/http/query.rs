//! The query of a URL, with every parameter accounted for.

use std::time::Duration;

use axum::extract::Query as Pairs;
use axum::http::Uri;
use windlass_core::{Error, Result};

/// Longest hold of an answer, in seconds.
pub(crate) const LONGEST_WAIT: f64 = 60.0;

/// Parameters, each known and given once.
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads the query; `known` names its parameters. A name that ends with a dot stands for all that
    /// begin with it, and one that ends with `*` may be given again.
    ///
    /// # Errors
    ///
    /// `invalid_argument` with the name of a parameter that is unknown or given twice.
    pub(crate) fn of(uri: &Uri, known: &[&str]) -> Result<Self> {
        if uri.query().is_none_or(str::is_empty) {
            return Ok(Self(Vec::new()));
        }
        let Pairs(pairs): Pairs<Vec<(String, String)>> =
            Pairs::try_from_uri(uri).map_err(|error| Error::invalid("query", error.to_string()))?;
        for (place, (name, _)) in pairs.iter().enumerate() {
            let again = known.iter().any(|k| k.strip_suffix('*') == Some(name));
            let family = known.iter().any(|k| {
                k.ends_with('.') && name.strip_prefix(k).is_some_and(|rest| !rest.is_empty())
            });
            let plain = known.contains(&name.as_str()) && !name.ends_with(['.', '*']);
            if !again && !family && !plain {
                let names = known.join(", ").replace('*', "").replace("label.", "label.KEY");
                let reason = match names.as_str() {
                    "" => "is not known; there are no parameters here".to_owned(),
                    _ => format!("is not known; the parameters are {names}"),
                };
                return Err(Error::invalid(name, reason));
            }
            if !again && pairs[..place].iter().any(|(before, _)| before == name) {
                return Err(Error::invalid(name, "is given twice"));
            }
        }
        Ok(Self(pairs))
    }

    /// The value of a parameter.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    /// The values of a parameter that may be given again or hold commas.
    pub(crate) fn list<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(given, _)| given == name)
            .flat_map(|(_, values)| values.split(','))
            .map(str::trim)
    }

    /// Rest of the name and value of every parameter that begins with `prefix`.
    pub(crate) fn family<'a>(
        &'a self,
        prefix: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.0.iter().filter_map(move |(name, value)| Some((name.strip_prefix(prefix)?, &**value)))
    }

    /// A whole number from `least` to `most`.
    ///
    /// # Errors
    ///
    /// `invalid_argument` with the name.
    pub(crate) fn number(&self, name: &str, least: u64, most: u64) -> Result<Option<u64>> {
        let Some(text) = self.text(name) else { return Ok(None) };
        // `+1` is a number to Rust and no whole number to the description.
        let number = text.parse().ok().filter(|_| text.bytes().all(|b| b.is_ascii_digit()));
        match number {
            Some(number) if (least..=most).contains(&number) => Ok(Some(number)),
            _ => Err(Error::invalid(
                name,
                format!("must be a whole number from {least} to {most}, not {text:?}"),
            )),
        }
    }

    /// `true` or `false`; the latter when left out.
    ///
    /// # Errors
    ///
    /// `invalid_argument` with the name.
    pub(crate) fn truth(&self, name: &str) -> Result<bool> {
        match self.text(name) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(text) => Err(Error::invalid(name, format!("must be true or false, not {text:?}"))),
        }
    }

    /// How long to hold the answer: `wait`, 0 when left out.
    ///
    /// # Errors
    ///
    /// `invalid_argument`.
    pub(crate) fn wait(&self) -> Result<Duration> {
        match self.text("wait") {
            None => Ok(Duration::ZERO),
            Some(text) => {
                // Rust reads `inf` and `nan`, too.
                let digits = text.bytes().all(|b| b.is_ascii_digit() || b".eE+-".contains(&b));
                wait("wait", text.parse().ok().filter(|_| digits).unwrap_or(f64::NAN))
            }
        }
    }
}

/// A number of seconds to hold an answer.
///
/// # Errors
///
/// `invalid_argument` outside 0 to 60.
pub(crate) fn wait(field: &str, seconds: f64) -> Result<Duration> {
    if (0.0..=LONGEST_WAIT).contains(&seconds) {
        return Ok(Duration::from_secs_f64(seconds));
    }
    Err(Error::invalid(field, "must be a number of seconds from 0 to 60"))
}

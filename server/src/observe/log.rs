//! What is logged, where and how.

use std::io::IsTerminal;
use std::str::FromStr;

use tracing::Subscriber;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::{self, MakeWriter};
use tracing_subscriber::layer::SubscriberExt;
use windlass_core::{Error, Result};

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// For people; in colours on a terminal, unless `NO_COLOR` is set.
    #[default]
    Text,
    /// One JSON object a line, for programs.
    Json,
}

/// Which lines are logged: a level for all, or levels by target, such as `info,windlass=debug`. A target
/// is the beginning of a module's path.
#[derive(Debug, Clone, PartialEq)]
pub struct LogFilter(Targets);

impl Default for LogFilter {
    /// `info`.
    fn default() -> Self {
        Self(Targets::new().with_default(tracing::Level::INFO))
    }
}

impl FromStr for LogFilter {
    type Err = Error;

    /// # Errors
    ///
    /// `invalid_argument` with field `log_level`.
    fn from_str(text: &str) -> Result<Self> {
        let levels = ["off", "error", "warn", "info", "debug", "trace"];
        let is_level = |text: &str| levels.contains(&text.to_ascii_lowercase().as_str());
        let refused = || {
            let reason = format!(
                "must be one of {}, or levels by target such as info,windlass=debug, not {text:?}",
                levels.join(", ")
            );
            Error::invalid("log_level", reason)
        };
        for part in text.split(',') {
            let level = part.split_once('=').map_or(part, |(_, level)| level);
            if !is_level(level.trim()) {
                return Err(refused());
            }
        }
        let parts: Vec<&str> = text.split(',').map(str::trim).collect();
        parts.join(",").parse().map(Self).map_err(|_| refused())
    }
}

/// Logs to standard error from now on. False when something else takes the log of this process already:
/// a program that this one is a part of.
pub fn init_logs(format: LogFormat, filter: LogFilter) -> bool {
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let subscriber = subscriber(format, filter, colours, std::io::stderr);
    tracing::subscriber::set_global_default(subscriber).is_ok()
}

/// What writes log lines to `writer`.
pub fn subscriber<W>(
    format: LogFormat,
    filter: LogFilter,
    colours: bool,
    writer: W,
) -> Box<dyn Subscriber + Send + Sync>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = fmt::layer().with_writer(writer);
    let registry = tracing_subscriber::registry().with(filter.0);
    match format {
        LogFormat::Text => Box::new(registry.with(lines.with_ansi(colours).with_target(false))),
        LogFormat::Json => {
            let lines = lines.json().flatten_event(true).with_span_list(false);
            Box::new(registry.with(lines))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_a_level_or_levels_by_target() {
        for good in ["info", "WARN", "off", "info,windlass=debug", "warn, windlass_core=trace"] {
            assert!(good.parse::<LogFilter>().is_ok(), "{good}");
        }
        for bad in ["", "verbose", "windlass", "windlass=", "info,windlass=loud", "info,,", "=,"] {
            let refused = bad.parse::<LogFilter>().unwrap_err();
            assert_eq!(refused.code(), "invalid_argument", "{bad}");
            assert_eq!(refused.fields()["field"], "log_level", "{bad}");
        }
    }
}

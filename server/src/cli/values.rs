//! Values as people type them: durations, instants and labels.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use windlass::{Error, Priority, TaskStatus, Timestamp};

/// A duration: a number with `ms`, `s`, `m`, `h` or `d`; without a unit, seconds. Up to ten years.
///
/// # Errors
///
/// What is allowed, as text for the parser of the command line.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let refused = || {
        format!("must be a number with a unit, such as 500ms, 10s, 1.5m, 2h or 3d, not {text:?}")
    };
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor = match &text[digits.len()..] {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" => 60.0,
        "h" => 3_600.0,
        "d" => 86_400.0,
        _ => return Err(refused()),
    };
    // f64 also reads words such as "inf", which trimming the unit left as nothing or a sign.
    let number = digits.parse::<f64>().map_err(|_| refused())?;
    let longest = 10.0 * 366.0 * 86_400.0;
    let seconds = number * factor;
    if !(0.0..=longest).contains(&seconds) {
        return Err("must be from 0 to ten years".to_owned());
    }
    Ok(Duration::from_secs_f64(seconds))
}

/// A duration as people type it, that prints as it was typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span(pub(crate) Duration);

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        duration(text).map(Self)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        match (self.0.subsec_millis(), seconds) {
            (0, 0) => f.write_str("0s"),
            (0, _) if seconds.is_multiple_of(86_400) => write!(f, "{}d", seconds / 86_400),
            (0, _) if seconds.is_multiple_of(3_600) => write!(f, "{}h", seconds / 3_600),
            (0, _) => write!(f, "{seconds}s"),
            _ => write!(f, "{}ms", self.0.as_millis()),
        }
    }
}

/// A number of bytes: plain, or with `KiB`, `MiB` or `GiB`. At least 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size(pub(crate) usize);

/// Units, the greatest first, so that a size prints by the greatest that fits.
const UNITS: [(&str, usize); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = UNITS.iter().find_map(|(unit, size)| Some((text.strip_suffix(unit)?, *size)));
        let (digits, factor) = found.unwrap_or((text, 1));
        let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let number = plain.then(|| digits.parse::<usize>().ok()).flatten();
        number
            .and_then(|number| number.checked_mul(factor))
            .filter(|size| *size > 0)
            .map(Self)
            .ok_or_else(|| {
                format!("must be a number of bytes, such as 1048576, 512KiB or 16MiB, not {text:?}")
            })
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match UNITS.iter().find(|(_, size)| self.0.is_multiple_of(*size)) {
            Some((unit, size)) => write!(f, "{}{unit}", self.0 / size),
            None => write!(f, "{}", self.0),
        }
    }
}

/// A moment in the past: an RFC 3339 instant, or how long ago.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Since {
    /// This instant.
    At(Timestamp),
    /// This long before now.
    Ago(Duration),
}

impl Since {
    /// The instant, given the store's clock.
    pub(crate) fn resolve(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::Ago(ago) => now.before(ago),
        }
    }
}

impl FromStr for Since {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(at) = text.parse() {
            return Ok(Self::At(at));
        }
        duration(text).map(Self::Ago).map_err(|_| {
            format!("must be an RFC 3339 instant with its offset, or how long ago, such as 10m, 2h or 3d, not {text:?}")
        })
    }
}

/// A label `KEY=VALUE`; the value may hold further `=`.
///
/// # Errors
///
/// What is allowed.
pub(crate) fn label(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(format!("must be KEY=VALUE, not {text:?}")),
    }
}

/// A status by its word.
///
/// # Errors
///
/// The words there are.
pub(crate) fn status(text: &str) -> Result<TaskStatus, String> {
    text.parse().map_err(reason)
}

/// A priority by name or number.
///
/// # Errors
///
/// The names and numbers there are.
pub(crate) fn priority(text: &str) -> Result<Priority, String> {
    text.parse().map_err(reason)
}

/// `ADDRESS:PORT`.
///
/// # Errors
///
/// What is missing.
pub(crate) fn listen(text: &str) -> Result<String, String> {
    let port = text.rsplit_once(':').filter(|(host, _)| !host.is_empty());
    match port.map(|(_, port)| port.parse::<u16>()) {
        Some(Ok(_)) => Ok(text.to_owned()),
        _ => Err("give an address and a port up to 65535, such as 127.0.0.1:8420".to_owned()),
    }
}

/// `MODULE:APP`.
///
/// # Errors
///
/// What is missing.
pub(crate) fn app(text: &str) -> Result<String, String> {
    match text.split_once(':') {
        Some((module, app)) if !module.is_empty() && !app.is_empty() && !app.contains(':') => {
            Ok(text.to_owned())
        }
        _ => Err(format!("must be MODULE:APP, such as photos:app, not {text:?}")),
    }
}

fn reason(error: Error) -> String {
    match error {
        Error::InvalidArgument { reason, .. } => reason,
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_to_listen_on_has_a_port() {
        for text in ["127.0.0.1:0", "[::1]:8420", "localhost:8420"] {
            assert_eq!(listen(text), Ok(text.to_owned()));
        }
        for text in ["", ":8420", "127.0.0.1", "127.0.0.1:70000", "127.0.0.1:http", "localhost:"] {
            assert!(listen(text).is_err(), "{text}");
        }
    }

    #[test]
    fn durations_take_a_unit_or_seconds() {
        for (text, millis) in [
            ("500ms", 500),
            ("10", 10_000),
            ("1.5s", 1_500),
            ("10m", 600_000),
            ("2h", 7_200_000),
            ("3d", 259_200_000),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "m", "-1s", "10w", "1h30m", "inf", "nan", "1e300", "5000d", "1 s", "é"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_and_spans_print_as_they_are_typed() {
        for text in ["16MiB", "1KiB", "1500", "2GiB"] {
            assert_eq!(text.parse::<Size>().unwrap().to_string(), text);
        }
        assert_eq!("1048576".parse::<Size>().unwrap().to_string(), "1MiB");
        for text in ["", "0", "-1", "+1", "1MB", "1.5MiB", "MiB", "99999999999GiB"] {
            assert!(text.parse::<Size>().is_err(), "{text}");
        }
        for text in ["10s", "7d", "90s", "36h", "250ms", "0s"] {
            assert_eq!(text.parse::<Span>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn since_takes_an_instant_or_an_age() {
        let now = Timestamp::from_millis(100_000);
        assert_eq!("10s".parse::<Since>().unwrap().resolve(now), Timestamp::from_millis(90_000));
        let at = "1970-01-01T00:00:05Z".parse::<Since>().unwrap();
        assert_eq!(at.resolve(now), Timestamp::from_millis(5_000));
        assert!("yesterday".parse::<Since>().is_err());
    }

    #[test]
    fn a_label_keeps_what_follows_its_first_equals_sign() {
        assert_eq!(label("a=b=c"), Ok(("a".to_owned(), "b=c".to_owned())));
        assert_eq!(label("a="), Ok(("a".to_owned(), String::new())));
        assert!(label("=b").is_err() && label("a").is_err());
    }
}

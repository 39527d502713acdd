//! Instants and durations as they are kept and written.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::error::Error;
use crate::words::{calendar, number};

/// An instant: whole milliseconds since 1970 UTC. RFC 3339 UTC with milliseconds on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
pub struct Timestamp(i64);

impl Timestamp {
    /// From milliseconds since 1970 UTC.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since 1970 UTC.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// This instant, `duration` later; saturates.
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }

    /// This instant, `duration` earlier; saturates.
    pub fn before(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }

    /// Time from `earlier` to this instant; zero when it lies in the future.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        calendar::write(self.0, f)
    }
}

impl FromStr for Timestamp {
    type Err = Error;

    /// Reads RFC 3339 with any offset; finer than a millisecond is cut off.
    fn from_str(text: &str) -> Result<Self, Error> {
        calendar::read(text).map(Self).ok_or_else(|| {
            Error::invalid(
                "run_at",
                format!("must be an RFC 3339 instant with its offset, not {text:?}"),
            )
        })
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// When something is due, for a store to resolve by its own clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Now.
    Now,
    /// This long after now.
    After(Duration),
    /// At an instant that the caller named.
    At(Timestamp),
}

impl When {
    /// The instant, given the store's clock.
    pub fn resolve(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Now => now,
            Self::After(duration) => now.after(duration),
            Self::At(at) => at,
        }
    }
}

/// Longest duration that any option takes: ten years.
const MAX_DURATION: Duration = Duration::from_secs(10 * 366 * 24 * 3600);

/// A duration from a number of seconds, fractions allowed.
///
/// # Errors
///
/// `invalid_argument` with `field` when the number is negative, not finite or over ten years.
pub fn duration_from_seconds(field: &str, number: f64) -> Result<Duration, Error> {
    if !number.is_finite() || number < 0.0 || number > MAX_DURATION.as_secs_f64() {
        return Err(Error::invalid(
            field,
            format!(
                "must be a number of seconds from 0 to ten years, not {}",
                number::text(number)
            ),
        ));
    }
    Ok(Duration::from_secs_f64(number))
}

/// A duration in words and on the wire: its number of seconds, fractions only where there are some.
///
/// Written without a number with a floating point: what formats those is large, and not every place
/// has it.
#[derive(Debug, Clone, Copy)]
pub struct Seconds(pub Duration);

impl Seconds {
    /// As JSON text, where a number of seconds always has a fraction.
    pub fn json(self) -> String {
        let whole = self.0.subsec_nanos() == 0;
        [&*self.to_string(), if whole { ".0" } else { "" }].concat()
    }
}

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.subsec_nanos();
        write!(f, "{}", self.0.as_secs())?;
        if nanos == 0 {
            return Ok(());
        }
        // A digit before them keeps the zeros in front.
        let fraction = (1_000_000_000 + nanos).to_string();
        let fraction = fraction.trim_end_matches('0');
        write!(f, ".{}", fraction.get(1..).unwrap_or_default())
    }
}

/// Serde form of a duration: a number of seconds.
pub mod seconds {
    use super::*;

    /// Writes the number of seconds.
    pub fn serialize<S: Serializer>(value: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(value.as_secs_f64())
    }

    /// Reads a number of seconds, 0 to ten years.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        duration_from_seconds("seconds", f64::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// Serde form of an optional duration: a number of seconds or null.
pub mod opt_seconds {
    use super::*;

    /// Writes the number of seconds, or null.
    pub fn serialize<S: Serializer>(
        value: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        value.map(|d| d.as_secs_f64()).serialize(serializer)
    }

    /// Reads a number of seconds, 0 to ten years, or null.
    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        Option::<f64>::deserialize(deserializer)?
            .map(|n| duration_from_seconds("seconds", n).map_err(de::Error::custom))
            .transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_written_in_utc_with_milliseconds() {
        let at: Timestamp = "2026-11-20T13:00:00.25+02:00".parse().unwrap();
        assert_eq!(at.to_string(), "2026-11-20T11:00:00.250Z");
        assert_eq!(Timestamp::from_millis(0).to_string(), "1970-01-01T00:00:00.000Z");
        assert_eq!(Timestamp::from_millis(-1).to_string(), "1969-12-31T23:59:59.999Z");
        let last = "9999-12-30T22:00:00.999Z";
        assert_eq!(last.parse::<Timestamp>().unwrap().to_string(), last);
    }

    #[test]
    fn seconds_are_written_as_short_as_they_are() {
        for (nanos, words, json) in [
            (0, "0", "0.0"),
            (1_000_000_000, "1", "1.0"),
            (1_500_000_000, "1.5", "1.5"),
            (30_010_000_000, "30.01", "30.01"),
            (1, "0.000000001", "0.000000001"),
        ] {
            let seconds = Seconds(Duration::from_nanos(nanos));
            assert_eq!((&*seconds.to_string(), &*seconds.json()), (words, json));
        }
    }

    #[test]
    fn seconds_outside_the_range_are_refused() {
        for number in [-0.1, f64::NAN, f64::INFINITY, 1e12] {
            assert_eq!(
                duration_from_seconds("delay", number).unwrap_err().code(),
                "invalid_argument"
            );
        }
    }
}

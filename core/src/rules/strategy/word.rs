//! The strategies and their names.

use crate::error::{Error, Result};

/// The names, as they are written.
const WORDS: &str = "all, any_success, race, throttled, quorum, custom";

/// How a set of steps runs, and what ends it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Strategy {
    /// Runs every step.
    All,
    /// Ends at the first success.
    AnySuccess,
    /// Ends at the first finish, success or failure.
    Race,
    /// Runs every step and starts at most so many a second.
    Throttled {
        /// Starts a second, above 0. Steps start evenly; a host that wakes late catches up by at
        /// most a tenth of a second's starts.
        per_second: f64,
    },
    /// Ends when so many succeeded, or when so many no longer can; at least 1.
    Quorum(u32),
    /// A user's function decides after each finish.
    Custom,
}

impl Strategy {
    /// Reads a strategy as callers write it.
    ///
    /// `word` is one of the names, or `quorum(N)`. `quorum` belongs to the word `quorum` and is
    /// demanded there; `rate_per_second` belongs to `throttled` and is `max_concurrency` when
    /// absent. Whether a quorum fits the number of steps is not known here: see
    /// [`Strategy::check`].
    ///
    /// ```
    /// use windlass_core::rules::strategy::Strategy;
    /// assert_eq!(Strategy::parse("race", None, None, 10)?, Strategy::Race);
    /// assert_eq!(Strategy::parse("quorum(2)", None, None, 10)?, Strategy::Quorum(2));
    /// let throttled = Strategy::Throttled { per_second: 10.0 };
    /// assert_eq!(Strategy::parse("throttled", None, None, 10)?, throttled);
    /// # Ok::<(), windlass_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `invalid_argument` naming `strategy` (an unknown word), `quorum` (absent, below 1, or beside
    /// another strategy) or `rate_per_second` (not above 0, not finite, or beside another
    /// strategy).
    pub fn parse(
        word: &str,
        quorum: Option<i64>,
        rate_per_second: Option<f64>,
        max_concurrency: u32,
    ) -> Result<Self> {
        let (word, quorum) = split(word, quorum)?;
        let strategy = match word {
            "all" => Self::All,
            "any_success" => Self::AnySuccess,
            "race" => Self::Race,
            "throttled" => Self::Throttled {
                per_second: checked_rate(rate_per_second.unwrap_or(f64::from(max_concurrency)))?,
            },
            "quorum" => Self::Quorum(checked_quorum(quorum)?),
            "custom" => Self::Custom,
            other => {
                let reason = format!("{other:?} is no strategy; the strategies are {WORDS}");
                return Err(Error::invalid("strategy", reason));
            }
        };
        if quorum.is_some() && !matches!(strategy, Self::Quorum(_)) {
            return Err(Error::invalid("quorum", "belongs to the strategy quorum only"));
        }
        if rate_per_second.is_some() && !matches!(strategy, Self::Throttled { .. }) {
            let reason = "belongs to the strategy throttled only";
            return Err(Error::invalid("rate_per_second", reason));
        }
        Ok(strategy)
    }

    /// Checks the strategy against the number of steps; a strategy built by hand, too.
    ///
    /// # Errors
    ///
    /// `invalid_argument` naming `quorum` (0, or more than there are steps) or `rate_per_second`.
    pub fn check(&self, total: u32) -> Result<()> {
        match *self {
            Self::Quorum(0) => Err(Error::invalid("quorum", "must be at least 1")),
            Self::Quorum(needed) if needed > total => {
                let reason = format!("{needed} of {total} steps cannot succeed");
                Err(Error::invalid("quorum", reason))
            }
            Self::Throttled { per_second } => checked_rate(per_second).map(drop),
            _ => Ok(()),
        }
    }

    /// The name, as it is written; a quorum's number stands beside it.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::All => "all",
            Self::AnySuccess => "any_success",
            Self::Race => "race",
            Self::Throttled { .. } => "throttled",
            Self::Quorum(_) => "quorum",
            Self::Custom => "custom",
        }
    }

    /// The successes that a quorum needs.
    pub const fn quorum(&self) -> Option<u32> {
        match self {
            Self::Quorum(needed) => Some(*needed),
            _ => None,
        }
    }

    /// The starts a second that a throttled block allows.
    pub const fn rate_per_second(&self) -> Option<f64> {
        match self {
            Self::Throttled { per_second } => Some(*per_second),
            _ => None,
        }
    }
}

/// `quorum(2)` is the word `quorum` and the number 2.
fn split(word: &str, quorum: Option<i64>) -> Result<(&str, Option<i64>)> {
    let Some(inner) = word.strip_prefix("quorum(").and_then(|rest| rest.strip_suffix(')')) else {
        return Ok((word, quorum));
    };
    let number = inner.trim().parse::<i64>().map_err(|_| {
        Error::invalid("strategy", format!("{word:?} holds no number; write quorum(2)"))
    })?;
    if quorum.is_some_and(|other| other != number) {
        return Err(Error::invalid("quorum", format!("is not what {word:?} says")));
    }
    Ok(("quorum", Some(number)))
}

fn checked_quorum(quorum: Option<i64>) -> Result<u32> {
    let number = quorum
        .ok_or_else(|| Error::invalid("quorum", "is missing; say how many steps must succeed"))?;
    if number < 1 {
        return Err(Error::invalid("quorum", "must be at least 1"));
    }
    u32::try_from(number).map_err(|_| Error::invalid("quorum", "is more than any block has steps"))
}

fn checked_rate(rate: f64) -> Result<f64> {
    if rate.is_finite() && rate > 0.0 {
        return Ok(rate);
    }
    Err(Error::invalid("rate_per_second", "must be a number above 0"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field_of(result: Result<Strategy>) -> String {
        match result {
            Err(Error::InvalidArgument { field, .. }) => field,
            other => panic!("expected invalid_argument, got {other:?}"),
        }
    }

    // PAR-21..PAR-25
    #[test]
    fn every_word_is_read_as_it_is_written() {
        for word in ["all", "any_success", "race", "throttled", "quorum", "custom"] {
            let quorum = (word == "quorum").then_some(2);
            let strategy = Strategy::parse(word, quorum, None, 7).unwrap();
            assert_eq!(strategy.as_str(), word);
        }
        let throttled = Strategy::parse("throttled", None, Some(2.5), 7).unwrap();
        assert_eq!(throttled.rate_per_second(), Some(2.5));
        assert_eq!(Strategy::parse("quorum( 3 )", Some(3), None, 7).unwrap().quorum(), Some(3));
    }

    #[test]
    fn a_bad_word_names_the_known_ones() {
        for word in ["", "ALL", "map_reduce", "quorum(two)", "quorum()", "quorum"] {
            let error = Strategy::parse(word, None, None, 1).unwrap_err();
            assert_eq!(error.code(), "invalid_argument", "{word}");
        }
        let error = Strategy::parse("collect", None, None, 1).unwrap_err();
        assert!(error.to_string().contains(WORDS));
    }

    #[test]
    fn bad_numbers_name_their_field() {
        assert_eq!(field_of(Strategy::parse("quorum", None, None, 1)), "quorum");
        assert_eq!(field_of(Strategy::parse("quorum", Some(0), None, 1)), "quorum");
        assert_eq!(field_of(Strategy::parse("quorum", Some(-1), None, 1)), "quorum");
        assert_eq!(field_of(Strategy::parse("quorum(2)", Some(3), None, 1)), "quorum");
        assert_eq!(field_of(Strategy::parse("all", Some(3), None, 1)), "quorum");
        assert_eq!(field_of(Strategy::parse("race", None, Some(1.0), 1)), "rate_per_second");
        for rate in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let parsed = Strategy::parse("throttled", None, Some(rate), 1);
            assert_eq!(field_of(parsed), "rate_per_second");
        }
    }

    #[test]
    fn a_quorum_above_the_number_of_steps_is_refused() {
        assert!(Strategy::Quorum(3).check(3).is_ok());
        assert!(Strategy::Quorum(5).check(3).is_err());
        assert!(Strategy::Quorum(0).check(3).is_err());
        assert!(Strategy::Quorum(1).check(0).is_err());
        assert!(Strategy::All.check(0).is_ok());
    }
}

//! How much is tried, from the environment.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Inputs that are made from one seed.
pub const INPUTS_PER_SEED: u32 = 64;

/// Seeds from here on are left to runs by time: they never repeat what the fixed run tries.
const FRESH: u64 = 1 << 32;

/// Which seeds a target tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Budget {
    /// Seeds 0 to this, the same each time.
    Fixed(u64),
    /// One seed, to run a failure again: `WINDLASS_FUZZ_SEED`.
    One(u64),
    /// Seeds that no run has tried before, for so long: `WINDLASS_FUZZ_SECONDS`.
    Time(Duration),
}

impl Budget {
    /// What the environment asks for; else `seeds` of them.
    ///
    /// # Panics
    ///
    /// When a variable is no number: a run with another budget than was asked for proves nothing.
    pub fn from_env(seeds: u64) -> Self {
        match (number("WINDLASS_FUZZ_SEED"), number("WINDLASS_FUZZ_SECONDS")) {
            (Some(seed), _) => Self::One(seed),
            (None, Some(seconds)) => Self::Time(Duration::from_secs(seconds)),
            (None, None) => Self::Fixed(seeds),
        }
    }

    /// The seeds, one after the other.
    pub fn seeds(self) -> Box<dyn Iterator<Item = u64>> {
        match self {
            Self::Fixed(seeds) => Box::new(0..seeds),
            Self::One(seed) => Box::new(std::iter::once(seed)),
            Self::Time(time) => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                let first = FRESH + u64::try_from(since.as_micros()).unwrap_or(0);
                let start = Instant::now();
                Box::new((first..).take_while(move |_| start.elapsed() < time))
            }
        }
    }
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} must be a whole number, not {text:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fixed_budget_is_the_same_each_time() {
        assert_eq!(Budget::Fixed(3).seeds().collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(Budget::One(9).seeds().collect::<Vec<_>>(), [9]);
        assert_eq!(Budget::Time(Duration::ZERO).seeds().count(), 0);
    }
}

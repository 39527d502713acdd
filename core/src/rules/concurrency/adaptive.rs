//! Concurrency that follows how the machine did with the runs before.
//!
//! | level | concurrency | taken |
//! | --- | --- | --- |
//! | up | twice the base, at most 100 and never below it | the machine has room, and the last run at that level was not slower than the base |
//! | down | half the base, at least 1 | the machine is full |
//! | base | | else, and before anything was measured |

/// A share of the processors or of the memory from which a machine counts as full.
const FULL: f64 = 0.9;
/// A share below which it has room for more.
const ROOM: f64 = 0.7;
/// The most that scaling up leads to.
const MOST: u32 = 100;
/// How much the newest run weighs in the throughput of its level.
const NEWEST: f64 = 0.5;
/// Runs at the base level after which a level that did not pay is tried again: what a run does
/// changes.
const TRY_AGAIN: u32 = 8;

/// Which concurrency is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Level {
    /// Half the base.
    Down,
    /// The base.
    Base,
    /// Twice the base.
    Up,
}

impl Level {
    /// `down`, `base` or `up`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Base => "base",
            Self::Up => "up",
        }
    }
}

/// One run, as the host measured it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured {
    /// Steps that ended.
    pub steps: u32,
    /// How long all of them took, in seconds.
    pub seconds: f64,
    /// The processors' share in use while it ran, 0 to 1; `None` where it cannot be measured.
    pub processors: Option<f64>,
    /// The memory's share in use at its end, 0 to 1; `None` where it cannot be measured.
    pub memory: Option<f64>,
}

/// The machine: asked before a run, told after it.
///
/// ```
/// use windlass_core::rules::concurrency::{Adaptive, Measured};
/// let mut adaptive = Adaptive::new(8);
/// assert_eq!(adaptive.concurrency(), 8);
/// let idle = Measured { steps: 100, seconds: 1.0, processors: Some(0.2), memory: Some(0.3) };
/// adaptive.measured(idle);
/// assert_eq!(adaptive.concurrency(), 16);
/// adaptive.measured(Measured { processors: Some(0.97), ..idle });
/// assert_eq!(adaptive.concurrency(), 4);
/// ```
#[derive(Debug, Clone)]
pub struct Adaptive {
    base: u32,
    level: Level,
    /// Steps a second at the base level, and twice as wide.
    at_base: Option<f64>,
    at_up: Option<f64>,
    /// Runs since a level that did not pay was left.
    since: u32,
}

impl Adaptive {
    /// Begins at `base`; 0 is read as 1.
    pub fn new(base: u32) -> Self {
        Self { base: base.max(1), level: Level::Base, at_base: None, at_up: None, since: 0 }
    }

    /// The level of the next run.
    pub const fn level(&self) -> Level {
        self.level
    }

    /// How many steps the next run has at once.
    pub fn concurrency(&self) -> u32 {
        match self.level {
            Level::Down => (self.base / 2).max(1),
            Level::Base => self.base,
            Level::Up => self.base.saturating_mul(2).min(MOST).max(self.base),
        }
    }

    /// Takes in the run that was made with the last [`Adaptive::concurrency`]. A run without steps
    /// or without time says nothing.
    pub fn measured(&mut self, run: Measured) {
        let rate = f64::from(run.steps) / run.seconds;
        if !rate.is_finite() || rate <= 0.0 {
            return;
        }
        self.remember(rate);
        let busiest = run.processors.unwrap_or(0.0).max(run.memory.unwrap_or(0.0));
        let unknown = run.processors.is_none() && run.memory.is_none();
        self.level = if busiest >= FULL {
            Level::Down
        } else if !unknown && busiest < ROOM && self.pays() {
            Level::Up
        } else {
            Level::Base
        };
    }

    fn remember(&mut self, rate: f64) {
        let kept = match self.level {
            Level::Down => return,
            Level::Base => &mut self.at_base,
            Level::Up => &mut self.at_up,
        };
        *kept = Some(kept.map_or(rate, |before| before + NEWEST * (rate - before)));
    }

    /// Whether twice the base was at least as fast as the base, as far as is known.
    fn pays(&mut self) -> bool {
        let paid = match (self.at_base, self.at_up) {
            (Some(base), Some(up)) => up >= base,
            _ => true,
        };
        self.since = if paid { 0 } else { self.since + 1 };
        if self.since >= TRY_AGAIN {
            self.since = 0;
            self.at_up = None;
            return true;
        }
        paid
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(steps: u32, processors: f64, memory: f64) -> Measured {
        Measured { steps, seconds: 1.0, processors: Some(processors), memory: Some(memory) }
    }

    // RES-08
    #[test]
    fn room_doubles_and_a_full_machine_halves() {
        let mut adaptive = Adaptive::new(10);
        assert_eq!((adaptive.level(), adaptive.concurrency()), (Level::Base, 10));
        adaptive.measured(run(100, 0.1, 0.1));
        assert_eq!((adaptive.level(), adaptive.concurrency()), (Level::Up, 20));
        adaptive.measured(run(100, 0.8, 0.1));
        assert_eq!((adaptive.level(), adaptive.concurrency()), (Level::Base, 10));
        adaptive.measured(run(100, 0.1, 0.95));
        assert_eq!((adaptive.level(), adaptive.concurrency()), (Level::Down, 5));
        adaptive.measured(run(100, 0.1, 0.1));
        assert_eq!(adaptive.level(), Level::Up);
    }

    #[test]
    fn the_bounds_hold() {
        let up = |base| {
            let mut adaptive = Adaptive::new(base);
            adaptive.measured(run(1, 0.0, 0.0));
            adaptive.concurrency()
        };
        assert_eq!([0, 1, 49, 50, 51, 100, 200].map(up), [2, 2, 98, 100, 100, 100, 200]);
        let mut one = Adaptive::new(1);
        one.measured(run(1, 1.0, 0.0));
        assert_eq!(one.concurrency(), 1);
    }

    #[test]
    fn a_level_that_did_not_pay_is_left_and_tried_again_later() {
        let mut adaptive = Adaptive::new(10);
        adaptive.measured(run(100, 0.1, 0.1));
        adaptive.measured(run(60, 0.1, 0.1));
        assert_eq!(adaptive.level(), Level::Base, "twice as wide was slower");
        let mut runs = 0;
        while adaptive.level() == Level::Base {
            adaptive.measured(run(100, 0.1, 0.1));
            runs += 1;
            assert!(runs < 100);
        }
        assert_eq!((runs, adaptive.level()), (7, Level::Up));
    }

    #[test]
    fn what_cannot_be_measured_changes_nothing() {
        let mut adaptive = Adaptive::new(10);
        let blind = Measured { steps: 5, seconds: 1.0, processors: None, memory: None };
        adaptive.measured(blind);
        assert_eq!(adaptive.level(), Level::Base);
        adaptive.measured(Measured { seconds: 0.0, ..run(5, 0.0, 0.0) });
        adaptive.measured(Measured { steps: 0, ..run(5, 0.0, 0.0) });
        assert_eq!(adaptive.level(), Level::Base);
    }
}

//! Even starts of a throttled block.

use std::time::Duration;

/// A host that wakes late, or whose slots were full, catches up by this much of the schedule and no
/// more: otherwise a long pause would end in a burst.
const CATCH_UP: Duration = Duration::from_millis(100);

/// Grants starts at a rate, one by one: in any stretch of time at most
/// `1 + rate × (stretch + 0.1 s)`.
#[derive(Debug, Clone)]
pub(super) struct Pace {
    per_second: f64,
    /// When the next start is due; absent before the first.
    next: Option<Duration>,
}

impl Pace {
    pub(super) const fn new(per_second: f64) -> Self {
        Self { per_second, next: None }
    }

    /// Takes as many starts as are due at `now`, up to `most`.
    pub(super) fn take(&mut self, now: Duration, most: u32) -> u32 {
        let next = self.next.unwrap_or(now).max(now.saturating_sub(CATCH_UP));
        if most == 0 || now < next {
            self.next = Some(next);
            return 0;
        }
        let due = (now - next).as_secs_f64() * self.per_second;
        // Saturates where the rate is beyond all steps.
        let taken = (due.floor() as u32).saturating_add(1).min(most);
        let interval = Duration::try_from_secs_f64(f64::from(taken) / self.per_second);
        self.next = Some(next.saturating_add(interval.unwrap_or(Duration::MAX)));
        taken
    }

    /// When the next start is due.
    pub(super) fn next(&self) -> Duration {
        self.next.unwrap_or_default()
    }
}

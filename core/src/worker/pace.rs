//! How fast this worker works, and so how much it may hold ahead.

use std::time::Duration;

/// Work that a busy worker holds ahead, in time.
const AHEAD: Duration = Duration::from_millis(100);
/// Weight of the newest measurement.
const NEWEST: f64 = 0.1;

/// Measures the run time of tasks.
#[derive(Debug, Default)]
pub(super) struct Pace {
    seconds: Option<f64>,
}

impl Pace {
    /// Takes in that one task ran this long.
    pub(super) fn ran(&mut self, time: Duration) {
        let time = time.as_secs_f64();
        self.seconds = Some(self.seconds.map_or(time, |mean| mean + NEWEST * (time - mean)));
    }

    /// Takes in that tasks lay unstarted for this long: whatever was measured before, they are slow now.
    pub(super) fn stalled(&mut self, time: Duration) {
        let time = time.as_secs_f64();
        self.seconds = Some(self.seconds.map_or(time, |mean| mean.max(time)));
    }

    /// Tasks to hold beyond those that run: 100 ms of measured work for `concurrency` slots, and none
    /// before anything was measured.
    pub(super) fn ahead(&self, concurrency: usize, most: usize) -> usize {
        let Some(seconds) = self.seconds else { return 0 };
        let tasks = concurrency as f64 * AHEAD.as_secs_f64() / seconds.max(1e-6);
        (tasks as usize).min(most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_a_tenth_of_a_second_ahead() {
        let mut pace = Pace::default();
        assert_eq!(pace.ahead(8, 1000), 0);
        pace.ran(Duration::from_millis(10));
        assert_eq!(pace.ahead(8, 1000), 80);
        assert_eq!(pace.ahead(8, 50), 50);
        for _ in 0..100 {
            pace.ran(Duration::from_secs(5));
        }
        assert_eq!(pace.ahead(8, 1000), 0);
    }
}

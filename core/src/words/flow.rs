//! What came and what went within some time.

use std::collections::BTreeMap;
use std::time::Duration;

use super::TaskStatus;

/// Durations that are kept of one tenant, at most.
const SAMPLE: usize = 512;

/// What came and what went, by tenant.
pub type Flows = BTreeMap<String, Flow>;

/// How many tasks of one tenant came and went within some time, and how long some of them took.
#[derive(Debug, Clone, PartialEq)]
pub struct Flow {
    /// Tasks that were stored.
    pub submitted: u64,
    /// Tasks that ended well.
    pub completed: u64,
    /// Tasks that ended badly.
    pub failed: u64,
    /// Tasks that were cancelled.
    pub cancelled: u64,
    /// From submission to end: of every `stride`-th task that completed or failed, in the order in
    /// which they were told.
    sample: Vec<Duration>,
    stride: u64,
}

impl Default for Flow {
    fn default() -> Self {
        let sample = Vec::new();
        Self { submitted: 0, completed: 0, failed: 0, cancelled: 0, sample, stride: 1 }
    }
}

impl Flow {
    /// A task ended, `took` after it was stored. A status that is not final counts nothing.
    pub fn ended(&mut self, status: TaskStatus, took: Duration) {
        match status {
            TaskStatus::Completed => self.completed += 1,
            TaskStatus::Failed => self.failed += 1,
            TaskStatus::Cancelled => {
                self.cancelled += 1;
                return;
            }
            _ => return,
        }
        let before = self.completed + self.failed - 1;
        if !before.is_multiple_of(self.stride) {
            return;
        }
        if self.sample.len() == SAMPLE {
            // Half of them, evenly: what is kept stands for the whole time, not for its beginning.
            let mut keep = false;
            self.sample.retain(|_| {
                keep = !keep;
                keep
            });
            self.stride *= 2;
            if !before.is_multiple_of(self.stride) {
                return;
            }
        }
        self.sample.push(took);
    }

    /// The duration that `percent` of the tasks which completed or failed took at most, from submission
    /// to end; `None` when there were none. From a sample of 256 to 512 evenly chosen tasks when there
    /// were more than 512.
    pub fn took(&self, percent: u32) -> Option<Duration> {
        let mut sample = self.sample.clone();
        // The nearest rank: the least that is not less than so many.
        let rank = (sample.len() * percent as usize).div_ceil(100).max(1);
        if rank > sample.len() {
            return None;
        }
        Some(*sample.select_nth_unstable(rank - 1).1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(count: u64) -> Flow {
        let mut flow = Flow::default();
        (1..=count).for_each(|n| flow.ended(TaskStatus::Completed, Duration::from_millis(n)));
        flow
    }

    #[test]
    fn few_are_ranked_exactly() {
        let flow = of(20);
        // The 10th and the 19th of 20, by the nearest rank.
        assert_eq!(flow.took(50), Some(Duration::from_millis(10)));
        assert_eq!(flow.took(95), Some(Duration::from_millis(19)));
        assert_eq!(of(1).took(50), Some(Duration::from_millis(1)));
        assert_eq!(of(0).took(50), None);
    }

    #[test]
    fn many_are_ranked_from_an_even_sample() {
        let flow = of(100_000);
        assert_eq!(flow.completed, 100_000);
        assert!((256..=512).contains(&flow.sample.len()), "{}", flow.sample.len());
        // Evenly spread from 1 to 100,000 ms: one step of the sample is 256 ms.
        let near = |percent, millis: u64| {
            let took = flow.took(percent).unwrap().as_millis() as u64;
            assert!(took.abs_diff(millis) <= 512, "{took} for {percent} %");
        };
        near(50, 50_000);
        near(95, 95_000);
    }

    #[test]
    fn what_was_cancelled_took_no_time_that_counts() {
        let mut flow = of(2);
        flow.ended(TaskStatus::Cancelled, Duration::from_secs(9));
        flow.ended(TaskStatus::Failed, Duration::from_millis(3));
        flow.ended(TaskStatus::Pending, Duration::from_secs(9));
        assert_eq!((flow.completed, flow.failed, flow.cancelled), (2, 1, 1));
        assert_eq!(flow.took(100), Some(Duration::from_millis(3)));
    }
}

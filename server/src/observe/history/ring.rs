//! The last steps of one tenant.

use std::collections::VecDeque;
use std::time::Duration;

use windlass_core::words::Flow;
use windlass_core::{QueueInfo, TaskStatus, Timestamp};

/// Steps that are kept: an hour.
pub(super) const KEPT: usize = 360;

/// How tasks came and went within one step, and stood at its end.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// When the step ended.
    pub at: Timestamp,
    /// What came and went; `None` when the store did not tell.
    pub went: Option<Went>,
    /// How tasks stood; `None` when the store did not tell, or nobody looked at that time.
    pub stands: Option<Stands>,
}

/// What came and went within one step.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Went {
    /// Tasks stored.
    pub submitted: u64,
    /// Tasks that ended well.
    pub completed: u64,
    /// Tasks that ended badly.
    pub failed: u64,
    /// Tasks that were cancelled.
    pub cancelled: u64,
    /// From submission to end, of those that completed or failed: the median, and what 95 of 100 took at
    /// most. `None` when none did.
    pub took: Option<(Duration, Duration)>,
}

/// How tasks stood.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Stands {
    /// Tasks that may be leased.
    pub pending: u64,
    /// Tasks under a lease.
    pub running: u64,
    /// Tasks that wait for a time.
    pub scheduled: u64,
    /// Tasks that wait for others.
    pub blocked: u64,
    /// How long the pending task that is due longest has been due; `None` when none is pending.
    pub oldest: Option<Duration>,
}

impl Went {
    pub(super) fn of(flow: Option<&Flow>) -> Self {
        let Some(flow) = flow else { return Self::default() };
        Self {
            submitted: flow.submitted,
            completed: flow.completed,
            failed: flow.failed,
            cancelled: flow.cancelled,
            took: flow.took(50).zip(flow.took(95)),
        }
    }
}

impl Stands {
    pub(super) fn of(queues: &[QueueInfo], now: Timestamp) -> Self {
        let sum = |status| queues.iter().filter_map(|queue| queue.counts.get(&status)).sum();
        let oldest = queues.iter().filter_map(|queue| queue.oldest_pending_at).min();
        Self {
            pending: sum(TaskStatus::Pending),
            running: sum(TaskStatus::Running),
            scheduled: sum(TaskStatus::Scheduled),
            blocked: sum(TaskStatus::Blocked),
            oldest: oldest.map(|at| now.since(at)),
        }
    }
}

/// The last steps of one tenant.
#[derive(Debug)]
pub(super) struct Ring {
    /// When the first step began that is known.
    pub(super) since: Timestamp,
    /// When something last came or went, or somebody asked.
    pub(super) used: Timestamp,
    points: VecDeque<Point>,
}

impl Ring {
    pub(super) fn new(since: Timestamp) -> Self {
        Self { since, used: since, points: VecDeque::new() }
    }

    pub(super) fn push(&mut self, point: Point) {
        if self.points.len() == KEPT
            && let Some(gone) = self.points.pop_front()
        {
            self.since = gone.at;
        }
        self.points.push_back(point);
    }

    /// How tasks stood when the last step had ended.
    pub(super) fn ended_with(&mut self, stands: Option<Stands>) {
        if let Some(last) = self.points.back_mut() {
            last.stands = stands;
        }
    }

    /// Steps that ended after `from`, oldest first.
    pub(super) fn from(&self, from: Timestamp) -> Vec<Point> {
        self.points.iter().filter(|point| point.at > from).cloned().collect()
    }
}

//! One leased task in the worker's hands.

use std::time::Duration;

use crate::words::{LeaseToken, NewUpdate, Payload, Renewal, Task, TaskId};
use crate::worker::config::Lane;
use crate::worker::job::{CancelFlag, CancelReason};

/// Time since the host's start.
pub(super) type Instant = Duration;

/// What the machine knows of a leased task. All instants are the host's monotonic ones.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) task_id: TaskId,
    pub(super) token: LeaseToken,
    /// Index of its handler.
    pub(super) handler: usize,
    pub(super) lane: Lane,
    /// The task, until the host claims it.
    pub(super) task: Option<Task>,
    /// The state of its key, until the host claims it.
    pub(super) state: Option<Payload>,
    /// The state that a completion which names none leaves: what the task was given to begin with.
    pub(super) leaves: Option<Payload>,
    /// Leased alone: nothing is leased beside it at first.
    pub(super) suspect: bool,
    /// When it was leased, counted from before the worker asked.
    pub(super) leased_at: Instant,
    /// When the lease ends unless renewed, counted from before the worker asked.
    pub(super) expires: Instant,
    /// When it is to be renewed next.
    pub(super) renew_at: Instant,
    /// When the host claimed it.
    pub(super) started: Option<Instant>,
    /// Whether the store knows of the start.
    pub(super) start_told: bool,
    pub(super) timeout: Option<Duration>,
    pub(super) cancel: CancelFlag,
    /// Why, and since when, the host is asked to stop it.
    pub(super) cancelled: Option<(CancelReason, Instant)>,
    /// Reports not yet sent, and since when the oldest waits.
    pub(super) updates: Vec<NewUpdate>,
    pub(super) updates_since: Instant,
    /// A heartbeat with news is on its way.
    pub(super) renewing: bool,
}

/// Longest time before a start is told to the store.
pub(super) const TELL_START: Duration = Duration::from_millis(500);
/// Longest time before a report is sent.
pub(super) const TELL_UPDATES: Duration = Duration::from_millis(80);

impl Held {
    /// The heartbeat that is due, if one is.
    pub(super) fn heartbeat(&mut self, now: Instant, ttl: Duration) -> Option<Renewal> {
        if self.renewing {
            return None;
        }
        let tell_start =
            !self.start_told && self.started.is_some_and(|started| now >= started + TELL_START);
        let tell_updates = !self.updates.is_empty() && now >= self.updates_since + TELL_UPDATES;
        let renew = now >= self.renew_at;
        if !(tell_start || tell_updates || renew) {
            return None;
        }
        self.renewing = true;
        if renew {
            self.renew_at = now + ttl / 3;
        }
        Some(Renewal {
            task_id: self.task_id,
            token: self.token,
            extend: renew.then_some(ttl),
            started: self.tell_start(now),
            updates: std::mem::take(&mut self.updates),
        })
    }

    /// A heartbeat got no answer: nothing is known, so its news goes with the next one.
    pub(super) fn say_again(&mut self, renewal: Renewal) {
        self.start_told &= renewal.started.is_none();
        self.updates.splice(0..0, renewal.updates);
    }

    /// A question whether the task is to be cancelled, which changes nothing.
    pub(super) fn question(&self) -> Renewal {
        Renewal {
            task_id: self.task_id,
            token: self.token,
            extend: None,
            started: None,
            updates: Vec::new(),
        }
    }

    /// How long ago it started, once, for the store.
    pub(super) fn tell_start(&mut self, now: Instant) -> Option<Duration> {
        if self.start_told {
            return None;
        }
        let started = self.started?;
        self.start_told = true;
        Some(now.saturating_sub(started))
    }

    /// When something about it falls due next.
    pub(super) fn next(&self, cancel_grace: Duration, hand_back: Duration) -> Instant {
        if let Some((CancelReason::Lost, since)) = self.cancelled {
            // Nothing is kept any more; only the code may still have to be given up.
            return since + cancel_grace;
        }
        let mut next = self.expires;
        let mut sooner = |at: Option<Instant>| next = at.map_or(next, |at| next.min(at));
        if !self.renewing {
            sooner(Some(self.renew_at));
            sooner((!self.updates.is_empty()).then_some(self.updates_since + TELL_UPDATES));
            sooner(self.started.filter(|_| !self.start_told).map(|at| at + TELL_START));
        }
        match self.cancelled {
            Some((_, since)) => sooner(Some(since + cancel_grace)),
            None => sooner(self.started.zip(self.timeout).map(|(at, limit)| at + limit)),
        }
        if self.started.is_none() {
            sooner(Some(self.leased_at + hand_back));
        }
        next
    }
}

//! The worker machine: what to lease, renew, settle and signal next.
//!
//! It reads no clock and does no I/O: the driver tells it the time and what happened, and asks for a
//! [`Plan`].
//!
//! A suspect is leased alone, so that a task which kills its worker does not use up its neighbours'
//! attempts: the machine lets its other work run out first, for up to [`COMPANY`], and leases nothing
//! beside a suspect for as long. After that the suspect has company again, because a task that runs for
//! an hour must not idle every other slot.

mod jobs;
mod keeping;
mod leasing;
mod settling;
mod stopping;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use crate::rules::limits::LEASE_TASKS;
use crate::words::{LeaseRequest, Outcome, Renewal, Seconds, Settle, TaskError};
use crate::worker::config::WorkerConfig;
use crate::worker::held::{Held, Instant};
use crate::worker::job::{CancelReason, JobId, Signal};
use crate::worker::pace::Pace;

/// How long a suspect keeps the worker to itself, and how long it waits for that.
pub(super) const COMPANY: Duration = Duration::from_secs(5);
/// Unstarted tasks go back after this.
const HAND_BACK: Duration = Duration::from_secs(1);
/// Time between questions whether a held task is to be cancelled.
const ASK: Duration = Duration::from_millis(900);
/// How long code may take to stop at the end of a drain.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(1);
/// How long a worker that stops tries to write outcomes to a store that does not take them.
const GIVE_UP: Duration = Duration::from_secs(10);
/// Pause after the store did not answer.
const RECOVER: Duration = Duration::from_millis(500);
/// Tasks held ahead at most.
const MOST_AHEAD: usize = 2000;

/// Whether the worker still takes work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Working,
    /// No more leases; at the instant running code is told to stop.
    Draining(Instant),
    /// Running code was told to stop; at the instant what the store did not take is given up.
    Stopping(Instant),
}

/// What the driver is to do now.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Outcomes to settle, if any.
    pub(super) settle: Vec<Settle>,
    /// What to lease, with the settle if there is one.
    pub(super) lease: Option<LeaseRequest>,
    /// Heartbeats to send, if any.
    pub(super) renew: Vec<Renewal>,
    /// When to ask again at the latest.
    pub(super) wake_at: Instant,
    /// Nothing is left to do, ever.
    pub(super) stopped: bool,
}

/// The state of one worker.
pub(super) struct Machine {
    worker_id: String,
    config: WorkerConfig,
    names: HashMap<String, usize>,
    /// In the order of leasing, so that a seeded run repeats itself.
    held: BTreeMap<JobId, Held>,
    /// Finished jobs whose heartbeat is on its way: what it carries goes before the outcome, or with
    /// it if it is lost.
    parting: Vec<(Held, Outcome)>,
    ready: [VecDeque<JobId>; 2],
    running: usize,
    /// Jobs given up, and whether their slot was given to others.
    abandoned: HashMap<JobId, bool>,
    outcomes: VecDeque<Settle>,
    signals: Vec<Signal>,
    pace: Pace,
    phase: Phase,
    last_id: JobId,
    /// A suspect was passed over since this instant.
    suspect_waits: Option<Instant>,
    /// A suspect was leased at this instant.
    suspect_since: Option<Instant>,
    /// Nothing was found; the driver tells when to look again.
    idle: bool,
    leasing: bool,
    /// Settles on their way.
    settling: usize,
    renewing: bool,
    retry_at: Instant,
    scan_at: Instant,
    ask_at: Instant,
}

impl Machine {
    pub(super) fn new(worker_id: String, config: WorkerConfig) -> Self {
        let names = config.handlers.iter().enumerate().map(|(i, h)| (h.name.clone(), i)).collect();
        Self {
            worker_id,
            config,
            names,
            held: BTreeMap::new(),
            parting: Vec::new(),
            ready: Default::default(),
            running: 0,
            abandoned: HashMap::new(),
            outcomes: VecDeque::new(),
            signals: Vec::new(),
            pace: Pace::default(),
            phase: Phase::Working,
            last_id: 0,
            suspect_waits: None,
            suspect_since: None,
            idle: false,
            leasing: false,
            settling: 0,
            renewing: false,
            retry_at: Instant::ZERO,
            scan_at: Instant::ZERO,
            ask_at: Instant::ZERO,
        }
    }

    /// What to do now.
    pub(super) fn plan(&mut self, now: Instant) -> Plan {
        if let Phase::Draining(until) = self.phase
            && now >= until
        {
            self.phase = Phase::Stopping(now + GIVE_UP);
            for id in self.held.keys().copied().collect::<Vec<_>>() {
                self.cancel(id, CancelReason::Shutdown, now);
            }
        }
        self.give_up(now);
        let renew = if now >= self.scan_at { self.scan(now) } else { Vec::new() };
        let mut plan = Plan { renew, wake_at: self.scan_at, ..Plan::default() };
        self.renewing |= !plan.renew.is_empty();
        if let Phase::Draining(until) = self.phase {
            plan.wake_at = plan.wake_at.min(until);
        }
        if now < self.retry_at {
            plan.wake_at = plan.wake_at.min(self.retry_at);
            return plan;
        }
        // One at a time, so that outcomes gather. One that stops now may not be there any more when the
        // store answers.
        let hurries = matches!(self.phase, Phase::Stopping(_));
        if (self.settling == 0 || hurries) && !self.outcomes.is_empty() {
            let count = self.outcomes.len().min(LEASE_TASKS as usize);
            plan.settle = self.outcomes.drain(..count).collect();
            self.settling += 1;
        }
        // A suspect waits for empty hands, not for news.
        let looks = !self.idle || !plan.settle.is_empty() || self.suspect_waits.is_some();
        if !self.leasing && looks {
            plan.lease = self.want(now, !plan.settle.is_empty());
            self.leasing = plan.lease.is_some();
        }
        let suspects = [self.suspect_waits, self.suspect_since].into_iter().flatten();
        for until in suspects.map(|since| since + COMPANY).filter(|until| *until > now) {
            plan.wake_at = plan.wake_at.min(until);
        }
        plan.stopped = self.phase != Phase::Working
            && self.held.is_empty()
            && self.parting.is_empty()
            && self.outcomes.is_empty()
            && self.settling == 0
            && !self.leasing;
        plan
    }
}

impl Held {
    fn is_lost(&self) -> bool {
        matches!(self.cancelled, Some((CancelReason::Lost, _)))
    }
}

fn timed_out(held: &Held) -> Outcome {
    let seconds = Seconds(held.timeout.unwrap_or_default());
    let text = format!("attempt ran longer than its timeout of {seconds}s");
    Outcome::Fail { error: TaskError::new(crate::engine::settle::TASK_TIMEOUT, text) }
}

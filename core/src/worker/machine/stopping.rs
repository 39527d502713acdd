//! Stopping: one job, or all of them.

use std::time::Duration;

use crate::words::Outcome;
use crate::worker::held::Instant;
use crate::worker::job::{CancelReason, JobId, Signal};
use crate::worker::machine::{GIVE_UP, Machine, Phase, timed_out};

impl Machine {
    /// Begins to drain.
    pub(in crate::worker) fn drain(&mut self, now: Instant) {
        if self.phase == Phase::Working {
            self.phase = Phase::Draining(now + self.config.drain_grace);
            self.scan_at = now;
            self.hand_back_ready(now, Duration::ZERO);
        }
    }

    /// Gives everything back now: the next plan has it all, whatever the store did not answer before.
    pub(in crate::worker) fn stop(&mut self, now: Instant) {
        self.drain(now);
        self.phase = Phase::Stopping(now + GIVE_UP);
        self.retry_at = now;
        for (held, outcome) in std::mem::take(&mut self.parting) {
            self.part(held, outcome, now);
        }
        for id in self.held.keys().copied().collect::<Vec<_>>() {
            self.cancel(id, CancelReason::Shutdown, now);
            self.abandon(id, now);
        }
    }

    /// Drops the outcomes that the store did not take in time: their leases pass, and the tasks run
    /// again.
    pub(in crate::worker) fn give_up(&mut self, now: Instant) {
        let late = matches!(self.phase, Phase::Stopping(until) if now >= until);
        if late && self.settling == 0 && !self.outcomes.is_empty() {
            let count = self.outcomes.len();
            tracing::error!(count, "the store took no outcomes until the end; they are lost");
            self.outcomes.clear();
        }
    }

    /// The client was closed: nothing can be written any more, so nothing is kept.
    pub(in crate::worker) fn close(&mut self, now: Instant) {
        self.stop(now);
        self.outcomes.clear();
        self.parting.clear();
        (self.leasing, self.settling, self.renewing) = (false, 0, false);
    }

    /// Asks the host to stop a job, or settles it when it has not started.
    pub(in crate::worker) fn cancel(&mut self, id: JobId, reason: CancelReason, now: Instant) {
        let Some(held) = self.held.get_mut(&id).filter(|held| held.cancelled.is_none()) else {
            return;
        };
        held.cancelled = Some((reason, now));
        held.cancel.set(reason);
        if held.started.is_some() {
            self.signals.push(Signal::Cancel(id, reason));
            return;
        }
        let outcome = match reason {
            CancelReason::Requested => Outcome::Cancel { reason: None },
            _ => Outcome::HandBack,
        };
        self.settle(id, outcome, now);
    }

    /// The lease is gone: the host is told, and nothing will be settled.
    pub(in crate::worker) fn lose(&mut self, id: JobId, now: Instant) {
        let Some(held) = self.held.get_mut(&id).filter(|held| !held.is_lost()) else { return };
        tracing::warn!(task_id = %held.task_id, "lost the lease; the task goes to another worker");
        held.cancel.set(CancelReason::Lost);
        let started = held.started.is_some();
        held.cancelled = Some((CancelReason::Lost, now));
        if started {
            self.signals.push(Signal::Cancel(id, CancelReason::Lost));
        } else {
            self.held.remove(&id);
        }
    }

    /// Settles a job whose code does not stop, and gives its slot to others, up to as many as the
    /// worker has slots: each may be a thread that never ends.
    pub(in crate::worker) fn abandon(&mut self, id: JobId, now: Instant) {
        let Some(held) = self.held.get(&id) else { return };
        let outcome = match held.cancelled.map(|(reason, _)| reason) {
            Some(CancelReason::Timeout) => timed_out(held),
            Some(CancelReason::Requested) => {
                Outcome::Cancel { reason: Some("its code ignored the cancellation".to_owned()) }
            }
            _ => Outcome::HandBack,
        };
        let started = held.started.is_some();
        self.settle(id, outcome, now);
        if !started {
            return;
        }
        let replaced = self.abandoned.len() < self.config.concurrency as usize;
        self.abandoned.insert(id, replaced);
        self.signals.push(Signal::Abandon(id));
        if replaced {
            self.running -= 1;
        } else {
            tracing::error!(
                abandoned = self.abandoned.len(),
                "too many handlers ignore their cancellation; this slot is not replaced"
            );
        }
    }
}

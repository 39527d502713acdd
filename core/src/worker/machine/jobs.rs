//! The host's side: jobs go out, outcomes and reports come in.

use crate::words::{NewUpdate, Outcome};
use crate::worker::config::Lane;
use crate::worker::held::{Instant, TELL_UPDATES};
use crate::worker::job::{CancelReason, Job, JobId, Signal};
use crate::worker::machine::{HAND_BACK, Machine, Phase, timed_out};

impl Machine {
    /// Starts up to `max` ready jobs of a lane, within the worker's concurrency.
    pub(in crate::worker) fn claim(&mut self, lane: Lane, max: usize, now: Instant) -> Vec<Job> {
        let free = (self.config.concurrency as usize).saturating_sub(self.running);
        let mut jobs = Vec::with_capacity(max.min(free).min(self.ready[lane as usize].len()));
        while jobs.len() < max.min(free) {
            let Some(id) = self.ready[lane as usize].pop_front() else { break };
            // Jobs that were handed back or lost meanwhile are gone from `held`.
            let Some(held) = self.held.get_mut(&id) else { continue };
            let Some(task) = held.task.take() else { continue };
            held.started = Some(now);
            self.scan_at = self.scan_at.min(held.next(self.config.cancel_grace, HAND_BACK));
            let counted = task.lease.as_ref().is_some_and(|lease| lease.counted);
            if task.initial_state.is_some() {
                // Whether there was a state is the store's to know; written again, it stays what it is.
                held.leaves.clone_from(&held.state);
            }
            jobs.push(Job {
                id,
                attempt: task.attempt + u32::from(!counted),
                timeout: held.timeout,
                cancel: held.cancel.clone(),
                state: held.state.take(),
                task,
            });
        }
        self.running += jobs.len();
        jobs
    }

    /// How many jobs a claim would find, at most.
    pub(in crate::worker) fn ready(&self, lane: Lane) -> usize {
        let free = (self.config.concurrency as usize).saturating_sub(self.running);
        self.ready[lane as usize].len().min(free)
    }

    /// Tasks that the worker holds, started or not.
    pub(in crate::worker) fn holding(&self) -> u32 {
        u32::try_from(self.held.len()).unwrap_or(u32::MAX)
    }

    /// Whether no job will ever be ready again.
    pub(in crate::worker) fn is_over(&self) -> bool {
        self.phase != Phase::Working
    }

    /// Takes in the outcome of a job.
    pub(in crate::worker) fn finish(&mut self, id: JobId, outcome: Outcome, now: Instant) {
        if let Some(replaced) = self.abandoned.remove(&id) {
            self.running -= usize::from(!replaced);
            return;
        }
        let Some(held) = self.held.get_mut(&id).filter(|held| held.started.is_some()) else {
            return;
        };
        let outcome = match outcome {
            Outcome::Complete { result, state } => {
                Outcome::Complete { result, state: state.or_else(|| held.leaves.take()) }
            }
            other => other,
        };
        let outcome = match held.cancelled.map(|(reason, _)| reason) {
            Some(CancelReason::Timeout) => timed_out(held),
            Some(CancelReason::Shutdown) if matches!(outcome, Outcome::Cancel { .. }) => {
                Outcome::HandBack
            }
            _ => outcome,
        };
        self.pace.ran(now.saturating_sub(held.started.unwrap_or(now)));
        self.running -= 1;
        if !held.renewing {
            self.settle(id, outcome, now);
        } else if let Some(held) = self.held.remove(&id) {
            self.parting.push((held, outcome));
        }
    }

    /// Takes in progress or a log line.
    pub(in crate::worker) fn report(&mut self, id: JobId, update: NewUpdate, now: Instant) {
        let Some(held) = self.held.get_mut(&id) else { return };
        if held.updates.is_empty() {
            held.updates_since = now;
            self.scan_at = self.scan_at.min(now + TELL_UPDATES);
        }
        // Of two reports of progress in a row only the last one tells something.
        if let (NewUpdate::Progress { message: None, .. }, Some(NewUpdate::Progress { .. })) =
            (&update, held.updates.last())
            && held.updates.len() > 100
        {
            held.updates.pop();
        }
        held.updates.push(update);
    }

    /// Whether there is news for the host.
    pub(in crate::worker) fn has_signals(&self) -> bool {
        !self.signals.is_empty()
    }

    /// News for the host.
    pub(in crate::worker) fn take_signals(&mut self) -> Vec<Signal> {
        std::mem::take(&mut self.signals)
    }

    /// Jobs that the host has.
    pub(in crate::worker) fn running(&self) -> usize {
        self.running
    }

    /// Jobs that were given up and have not returned.
    pub(in crate::worker) fn abandoned(&self) -> usize {
        self.abandoned.len()
    }
}

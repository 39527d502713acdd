//! How much to lease, and what becomes of what was leased.

use std::collections::VecDeque;
use std::time::Duration;

use crate::rules::limits::LEASE_TASKS;
use crate::words::{LeaseRequest, LeasedTask, Outcome};
use crate::worker::held::{Held, Instant};
use crate::worker::job::CancelFlag;
use crate::worker::machine::{COMPANY, HAND_BACK, MOST_AHEAD, Machine, Phase, RECOVER};

impl Machine {
    /// What to lease, if anything.
    pub(in crate::worker) fn want(
        &mut self,
        now: Instant,
        rides_along: bool,
    ) -> Option<LeaseRequest> {
        if self.phase != Phase::Working {
            return None;
        }
        if self.suspect_since.is_some_and(|since| now < since + COMPANY)
            && self.held.values().any(|held| held.suspect)
        {
            return None;
        }
        self.suspect_since = None;
        let alone = self.held.is_empty();
        let (limit, suspects) = match self.suspect_waits {
            Some(since) if !alone && now < since + COMPANY => return None,
            Some(_) => (1, true),
            None => {
                let concurrency = self.config.concurrency as usize;
                let ahead = self.pace.ahead(concurrency, MOST_AHEAD);
                let room = (concurrency + ahead).saturating_sub(self.held.len());
                let ready: usize = self.ready.iter().map(VecDeque::len).sum();
                // A lease of its own is worth it when hands are empty or a good part is missing.
                if room == 0 || (!rides_along && ready > 0 && room < ahead / 2) {
                    return None;
                }
                (room.min(LEASE_TASKS as usize), alone)
            }
        };
        if self.suspect_waits.is_some() {
            self.suspect_waits = None;
        }
        Some(LeaseRequest {
            worker: self.worker_id.clone(),
            queues: self.config.queues.clone(),
            handlers: self.config.handlers.iter().map(|handler| handler.name.clone()).collect(),
            limit: limit as u32,
            ttl: self.config.lease,
            wait: Duration::ZERO,
            suspects,
        })
    }

    /// There may be something to lease.
    pub(in crate::worker) fn look_again(&mut self) {
        self.idle = false;
    }

    /// Takes in leased tasks; `asked` is when the driver began to ask.
    pub(in crate::worker) fn leased(
        &mut self,
        tasks: Vec<LeasedTask>,
        suspect_waiting: bool,
        asked: Instant,
        now: Instant,
    ) {
        self.leasing = false;
        self.idle = tasks.is_empty();
        if suspect_waiting {
            self.suspect_waits.get_or_insert(now);
        }
        for LeasedTask { task, token, state } in tasks {
            if task.suspect {
                self.suspect_waits = None;
                self.suspect_since = Some(now);
            }
            let handler = self.names.get(&task.handler).copied().unwrap_or_default();
            let declared = &self.config.handlers[handler];
            let counted = task.lease.as_ref().is_some_and(|lease| lease.counted);
            self.last_id += 1;
            let held = Held {
                task_id: task.task_id,
                token,
                handler,
                lane: declared.lane,
                suspect: task.suspect,
                leased_at: asked,
                expires: asked + self.config.lease,
                renew_at: asked + self.config.lease / 3,
                started: None,
                start_told: counted,
                timeout: task.timeout.or(declared.timeout),
                cancel: CancelFlag::default(),
                cancelled: None,
                updates: Vec::new(),
                updates_since: now,
                renewing: false,
                task: Some(task),
                state,
                leaves: None,
            };
            self.scan_at = self.scan_at.min(held.next(self.config.cancel_grace, HAND_BACK));
            self.ready[held.lane as usize].push_back(self.last_id);
            self.held.insert(self.last_id, held);
        }
        if self.phase != Phase::Working {
            self.hand_back_ready(now, Duration::ZERO);
        }
    }

    /// Nothing was leased because the store did not answer. One that leaves wanted nothing, and what it
    /// has to tell does not wait: a browser ends the requests of a page before it says that it goes away.
    pub(in crate::worker) fn lease_failed(&mut self, now: Instant) {
        self.leasing = false;
        if self.phase == Phase::Working {
            self.retry_at = now + RECOVER;
        }
    }

    /// Hands back what lay unstarted for `age`.
    pub(in crate::worker) fn hand_back_ready(&mut self, now: Instant, age: Duration) {
        let mut back = Vec::new();
        for ready in &mut self.ready {
            // The queue is in the order of leasing: the oldest is in front.
            while let Some(id) = ready.front().copied() {
                match self.held.get(&id) {
                    Some(held) if now < held.leased_at + age => break,
                    Some(_) => back.push(id),
                    None => {}
                }
                ready.pop_front();
            }
        }
        if !back.is_empty() && age == HAND_BACK {
            self.pace.stalled(HAND_BACK);
        }
        back.into_iter().for_each(|id| self.settle(id, Outcome::HandBack, now));
    }
}

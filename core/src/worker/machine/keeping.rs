//! Keeping leases: heartbeats, deadlines, and the news they bring.

use std::collections::HashMap;
use std::time::Duration;

use crate::words::{Renewal, Renewed};
use crate::worker::held::{Held, Instant};
use crate::worker::job::{CancelReason, JobId};
use crate::worker::machine::{ASK, HAND_BACK, Machine, RECOVER, SHUTDOWN_GRACE};

impl Machine {
    /// Looks at every held task; returns the heartbeats that are due.
    pub(in crate::worker) fn scan(&mut self, now: Instant) -> Vec<Renewal> {
        self.hand_back_ready(now, HAND_BACK);
        for id in self.held.keys().copied().collect::<Vec<_>>() {
            let Some(held) = self.held.get(&id) else { continue };
            let grace = self.grace(held);
            let overdue =
                held.started.zip(held.timeout).is_some_and(|(at, limit)| now >= at + limit);
            match held.cancelled {
                Some((_, since)) if now >= since + grace => self.abandon(id, now),
                Some((CancelReason::Lost, _)) => {}
                _ if now >= held.expires => self.lose(id, now),
                None if overdue => self.cancel(id, CancelReason::Timeout, now),
                _ => {}
            }
        }
        let ttl = self.config.lease;
        let mut renew = Vec::new();
        if !self.renewing {
            let ask = now >= self.ask_at;
            for held in self.held.values_mut().filter(|held| !held.is_lost()) {
                match held.heartbeat(now, ttl) {
                    Some(renewal) => renew.push(renewal),
                    None if ask && held.started.is_some() && held.cancelled.is_none() => {
                        renew.push(held.question());
                    }
                    None => {}
                }
            }
            if ask {
                self.ask_at = now + ASK;
            }
        }
        let grace = self.config.cancel_grace;
        let next = self.held.values().map(|held| held.next(self.grace(held).min(grace), HAND_BACK));
        let ask = if self.running > 0 { self.ask_at } else { now + Duration::from_secs(60) };
        self.scan_at = next.min().unwrap_or(now + Duration::from_secs(60)).min(ask).max(now);
        if self.renewing || !renew.is_empty() {
            // The answer asks for the next scan.
            self.scan_at = self.scan_at.max(now + Duration::from_millis(20));
        }
        renew
    }

    pub(in crate::worker) fn grace(&self, held: &Held) -> Duration {
        match held.cancelled {
            Some((CancelReason::Shutdown, _)) => SHUTDOWN_GRACE.min(self.config.cancel_grace),
            _ => self.config.cancel_grace,
        }
    }

    /// Questions about every held task, to be sent when somebody may have been cancelled.
    pub(in crate::worker) fn questions(&mut self) -> Vec<Renewal> {
        if self.renewing {
            // The heartbeat on its way asks the same.
            self.ask_at = Instant::ZERO;
            self.scan_at = Instant::ZERO;
            return Vec::new();
        }
        let open = self.held.values().filter(|held| held.cancelled.is_none());
        let questions: Vec<Renewal> = open.map(Held::question).collect();
        self.renewing = !questions.is_empty();
        questions
    }

    /// Takes in the answers to heartbeats; `asked` is when the driver began to ask.
    pub(in crate::worker) fn renewed(
        &mut self,
        sent: Vec<Renewal>,
        answers: Option<Vec<Renewed>>,
        asked: Instant,
        now: Instant,
    ) {
        self.renewing = false;
        let mut answers = answers.map(Vec::into_iter);
        let mut by_task: HashMap<_, _> = sent
            .into_iter()
            .map(|renewal| {
                let answer = answers.as_mut().and_then(Iterator::next);
                (renewal.task_id, (renewal, answer))
            })
            .collect();
        let ids: Vec<JobId> = self
            .held
            .iter()
            .filter(|(_, held)| {
                by_task.get(&held.task_id).is_some_and(|(r, _)| r.token == held.token)
            })
            .map(|(id, _)| *id)
            .collect();
        for (mut held, outcome) in std::mem::take(&mut self.parting) {
            match by_task.remove(&held.task_id) {
                Some((renewal, answer)) if renewal.token == held.token => match answer {
                    Some(Renewed::Lost) => {}
                    Some(_) => self.part(held, outcome, now),
                    None => {
                        held.say_again(renewal);
                        self.part(held, outcome, now);
                    }
                },
                _ => self.part(held, outcome, now),
            }
        }
        for id in ids {
            let Some(held) = self.held.get_mut(&id) else { continue };
            let Some((renewal, answer)) = by_task.remove(&held.task_id) else { continue };
            held.renewing = false;
            self.scan_at = now;
            match answer {
                None => {
                    held.say_again(renewal);
                    held.renew_at = held.renew_at.min(now + RECOVER);
                }
                Some(Renewed::Lost) => self.lose(id, now),
                Some(answer) => {
                    if let Some(ttl) = renewal.extend {
                        held.expires = asked + ttl;
                    }
                    if answer == Renewed::CancelRequested {
                        self.cancel(id, CancelReason::Requested, now);
                    }
                }
            }
        }
    }
}

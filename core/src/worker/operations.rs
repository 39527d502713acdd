//! What a plan sets going, and what the machine is told when it ends.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::future::BoxFuture;
use crate::runtime::service::SettleReply;
use crate::words::{LeaseRequest, Leased, Renewal, Renewed, Settle, WorkerInfo};
use crate::worker::driver::Driver;
use crate::worker::machine::Machine;

/// Least time from one empty answer of a service that cannot hint to the next question.
const CALM: Duration = Duration::from_millis(100);

/// What came of something that the machine planned.
pub(super) enum Event {
    Leased {
        asked: Duration,
        leased: Result<Leased>,
        hint: Option<BoxFuture<'static, ()>>,
    },
    Settled {
        asked: Duration,
        sent: Vec<Settle>,
        reply: Result<SettleReply>,
        with_lease: bool,
        hint: Option<BoxFuture<'static, ()>>,
    },
    Renewed {
        asked: Duration,
        sent: Vec<Renewal>,
        answers: Result<Vec<Renewed>>,
    },
    Announced,
}

impl Event {
    /// Whether the store did what it was asked.
    fn is_answered(&self) -> bool {
        match self {
            Self::Leased { leased, .. } => leased.is_ok(),
            Self::Settled { reply, .. } => reply.is_ok(),
            Self::Renewed { answers, .. } => answers.is_ok(),
            Self::Announced => false,
        }
    }
}

impl Driver {
    pub(super) fn lease(
        self: Arc<Self>,
        request: LeaseRequest,
        asked: Duration,
    ) -> BoxFuture<'static, Event> {
        Box::pin(async move {
            // Listen before looking, so that nothing slips in between.
            let hint = self.service.work_hint();
            let leased = match hint {
                Some(_) => self.service.lease(&self.tenant, request).await,
                None => self.held_open(request).await,
            };
            Event::Leased { asked, leased, hint }
        })
    }

    /// A page's engine always hints, and its file has no room for what is never used.
    #[cfg(all(target_family = "wasm", feature = "apart"))]
    async fn held_open(&self, request: LeaseRequest) -> Result<Leased> {
        self.service.lease(&self.tenant, request).await
    }

    pub(super) fn settle(
        self: Arc<Self>,
        settles: Vec<Settle>,
        then: Option<LeaseRequest>,
        asked: Duration,
    ) -> BoxFuture<'static, Event> {
        Box::pin(async move {
            let with_lease = then.is_some();
            let hint = if with_lease { self.service.work_hint() } else { None };
            let sent = settles.clone();
            let reply = self.service.settle(&self.tenant, settles, then).await;
            Event::Settled { asked, sent, reply, with_lease, hint }
        })
    }

    pub(super) fn renew(
        self: Arc<Self>,
        renewals: Vec<Renewal>,
        asked: Duration,
    ) -> BoxFuture<'static, Event> {
        Box::pin(async move {
            let sent = renewals.clone();
            let answers = self.service.renew(&self.tenant, renewals).await;
            Event::Renewed { asked, sent, answers }
        })
    }

    pub(super) fn announce(self: Arc<Self>) -> BoxFuture<'static, Event> {
        Box::pin(async move {
            let info = WorkerInfo { holds: self.lock().holding(), ..self.info.clone() };
            if let Err(error) = self.service.announce(&self.tenant, info).await {
                self.tell_trouble(&error, "announce");
            }
            Event::Announced
        })
    }

    /// Tells the machine what happened; returns what to await before looking for work again.
    pub(super) fn take_in(&self, event: Event) -> Option<BoxFuture<'static, ()>> {
        let now = self.host.monotonic();
        // A worker that leaves gives its questions up, which is no answer.
        if event.is_answered() && !self.is_leaving() {
            self.tell_end_of_trouble();
        }
        let mut machine = self.lock();
        match event {
            Event::Leased { asked, leased: Ok(leased), hint } => {
                let found = !leased.tasks.is_empty();
                machine.leased(leased.tasks, leased.suspect_waiting, asked, now);
                if found || hint.is_some() {
                    return hint.filter(|_| !found);
                }
                // One that did not hold its answer, although it was asked to, is not asked in a rush.
                let calm = (asked + CALM).saturating_sub(now);
                if calm.is_zero() {
                    machine.look_again();
                }
                (!calm.is_zero()).then(|| self.host.sleep(calm))
            }
            Event::Leased { leased: Err(error), .. } => {
                machine.lease_failed(now);
                self.complain(&mut machine, &error, "lease", now);
                None
            }
            Event::Settled { asked, sent, reply: Ok(reply), with_lease, hint } => {
                machine.settled(sent, reply.settled, now);
                let leased = reply.leased;
                let found = !leased.tasks.is_empty();
                if with_lease {
                    machine.leased(leased.tasks, leased.suspect_waiting, asked, now);
                    if !found && hint.is_none() {
                        machine.look_again();
                    }
                }
                hint.filter(|_| !found)
            }
            Event::Settled { sent, reply: Err(error), with_lease, .. } => {
                machine.settle_failed(sent, now);
                if with_lease {
                    machine.lease_failed(now);
                }
                self.complain(&mut machine, &error, "settle", now);
                None
            }
            Event::Renewed { asked, sent, answers } => {
                match answers {
                    Ok(answers) => machine.renewed(sent, Some(answers), asked, now),
                    Err(error) => {
                        machine.renewed(sent, None, asked, now);
                        self.complain(&mut machine, &error, "renew", now);
                    }
                }
                None
            }
            Event::Announced => None,
        }
    }

    /// A worker outlives its store's troubles, but a closed client ends it.
    fn complain(&self, machine: &mut Machine, error: &Error, verb: &str, now: Duration) {
        if matches!(error, Error::ClientClosed) {
            machine.close(now);
        } else {
            self.tell_trouble(error, verb);
        }
    }

    fn tell_trouble(&self, error: &Error, verb: &str) {
        if self.in_trouble.swap(true, Ordering::Relaxed) {
            tracing::debug!(%error, verb, "the worker still cannot reach its store");
        } else {
            tracing::warn!(%error, verb, "the worker could not reach its store; it tries again");
        }
    }

    fn tell_end_of_trouble(&self) {
        if self.in_trouble.swap(false, Ordering::Relaxed) {
            tracing::info!("the worker reaches its store again");
        }
    }
}

//! A worker's verbs. What is too large for one request or one answer takes several: a worker that cannot
//! be rid of an outcome would run its task for ever.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use windlass_core::rules::limits;
use windlass_core::words::{RenewAnswer, RenewBody, SettleAnswer, SettleBody, SettledRecord};
use windlass_core::{
    Error, LeaseRequest, Leased, Renewal, Renewed, Result, Settle, SettleReply, WorkerInfo,
};

use crate::address::segment;
use crate::answered::{counted, miscounted};
use crate::call::json;
use crate::reading::TURN;
use crate::service::{HOLD, RestService};
use crate::verb;

/// Longest time for an announcement: the next one comes after it.
const ANNOUNCE: Duration = Duration::from_secs(5);
/// Longest time for a settle: a worker that stops does not wait for longer.
const SETTLE: Duration = Duration::from_secs(10);
/// The HTTP status of what is too large.
pub(crate) const TOO_LARGE: u16 = 413;
/// Bytes of a body that is sent in parts when it can be, unasked: half of what a server takes.
pub(crate) const LARGE: usize = 8 << 20;

impl RestService {
    pub(crate) async fn lease_tasks(
        &self,
        tenant: &str,
        mut request: LeaseRequest,
    ) -> Result<Leased> {
        limits::check_lease(&request)?;
        let (host, wait) = (self.calls.host(), request.wait);
        let start = host.monotonic();
        loop {
            let mut leaves = pin!(self.leaves.notified());
            leaves.as_mut().enable();
            let left = wait.saturating_sub(host.monotonic().saturating_sub(start));
            // Without a seat it asks again and again, so that it does not keep a connection from those who
            // have something to say.
            let seat = if left.is_zero() { None } else { self.calls.seat() };
            request.wait = if seat.is_some() { left } else { Duration::ZERO };
            let leased = self.lease_once(tenant, request.clone()).await?;
            let found = !leased.tasks.is_empty() || leased.suspect_waiting;
            if found || seat.is_some() || left.is_zero() {
                return Ok(leased);
            }
            tokio::select! {
                () = leaves => return Ok(leased),
                () = self.calls.closed() => return Err(Error::ClientClosed),
                () = host.sleep(left.min(TURN)) => {}
            }
        }
    }

    async fn lease_once(&self, tenant: &str, mut request: LeaseRequest) -> Result<Leased> {
        let wanted = request.limit;
        loop {
            request.limit = wanted.min(self.most.load(Ordering::Relaxed));
            let (hold, asked) = (request.wait.min(HOLD), request.clone());
            let body = move |left| {
                json(&LeaseRequest { wait: Duration::min(left, hold), ..asked.clone() })
            };
            let call = verb::LEASE.call().held(hold, body).tenant(tenant);
            let call = call.of_worker(self.calls.options().timeout);
            if request.limit == 1 {
                return self.calls.ask(&call).await;
            }
            if let Some(leased) = self.calls.ask_unless_large::<Leased>(&call).await? {
                if request.limit < wanted {
                    self.most.fetch_add(1, Ordering::Relaxed);
                }
                return Ok(leased);
            }
            self.ask_for_less(request.limit);
        }
    }

    /// An answer with `limit` tasks was too large to read.
    fn ask_for_less(&self, limit: u32) {
        let most = limit.div_ceil(2).min(limit.saturating_sub(1)).max(1);
        self.most.store(most, Ordering::Relaxed);
        tracing::warn!(
            most,
            "{limit} tasks are too large for one answer; fewer are leased at once"
        );
    }

    pub(crate) async fn renew_leases(
        &self,
        tenant: &str,
        renewals: Vec<Renewal>,
    ) -> Result<Vec<Renewed>> {
        for renewal in &renewals {
            renewal.updates.iter().try_for_each(limits::check_update)?;
            renewal.extend.map_or(Ok(()), limits::check_ttl)?;
        }
        if renewals.is_empty() {
            return Ok(Vec::new());
        }
        let limit = self.calls.options().timeout.min(patience(&renewals));
        let mut renewed = Vec::with_capacity(renewals.len());
        // Each with whether its answers count: of a task that is told in parts the last one does.
        let mut parts = VecDeque::from([(renewals, true)]);
        while let Some((part, counts)) = parts.pop_front() {
            let body = RenewBody { renewals: part };
            let text = json(&body)?;
            let RenewBody { renewals: mut part } = body;
            let splits = part.len() > 1 || part[0].updates.len() > 1;
            let answer = match splits && text.len() > LARGE {
                true => None,
                false => match self.renew_once(tenant, text, &part, limit).await {
                    Err(error) if splits && error.http_status() == TOO_LARGE => None,
                    answer => Some(answer?),
                },
            };
            match answer {
                Some(answer) if counts => renewed.extend(answer),
                Some(_) => {}
                None if part.len() > 1 => {
                    let later = part.split_off(part.len() / 2);
                    parts.push_front((later, counts));
                    parts.push_front((part, counts));
                }
                None => {
                    let half = part[0].updates.len() / 2;
                    let later =
                        Renewal { updates: part[0].updates.split_off(half), ..part[0].clone() };
                    parts.push_front((vec![later], counts));
                    parts.push_front((part, false));
                }
            }
        }
        Ok(renewed)
    }

    async fn renew_once(
        &self,
        tenant: &str,
        text: Bytes,
        renewals: &[Renewal],
        limit: Duration,
    ) -> Result<Vec<Renewed>> {
        let call = verb::RENEW.call().json(text).tenant(tenant).of_worker(limit);
        // Reports that are sent twice stand twice in the history; only the worker may decide that.
        let silent = renewals.iter().all(|renewal| renewal.updates.is_empty());
        let call = if silent { call } else { call.once() };
        let answer: RenewAnswer = self.calls.ask(&call).await?;
        counted(answer.renewed, renewals.len())
    }

    pub(crate) async fn settle_outcomes(
        &self,
        tenant: &str,
        settles: Vec<Settle>,
        mut then: Option<LeaseRequest>,
    ) -> Result<SettleReply> {
        let mut reply = SettleReply::default();
        if settles.is_empty() && then.is_none() {
            return Ok(reply);
        }
        if let Some(request) = &mut then {
            request.limit = request.limit.min(self.most.load(Ordering::Relaxed));
        }
        let mut parts = VecDeque::from([settles]);
        while let Some(part) = parts.pop_front() {
            let body =
                SettleBody { settles: part, then: then.clone().filter(|_| parts.is_empty()) };
            let (text, leases) = (json(&body)?, body.then.as_ref().map(|request| request.limit));
            let (mut part, size) = (body.settles, text.len());
            let splits = part.len() > 1;
            let answer = match splits && size > LARGE {
                true => Err(None),
                false => match self.settle_once(tenant, text, leases.is_some()).await {
                    Err(error) if error.http_status() == TOO_LARGE => Err(Some(error)),
                    answer => Ok(answer?),
                },
            };
            match (answer, leases) {
                (Ok(Some(answer)), _) => {
                    let settled = counted(answer.settled, part.len())?;
                    reply.settled.extend(settled.into_iter().map(SettledRecord::into_settled));
                    reply.leased = answer.leased;
                }
                (Ok(None), Some(limit)) => {
                    // What it leased goes back. It recorded the outcomes, whose tokens are spent.
                    self.ask_for_less(limit);
                    then = None;
                    parts.push_front(part);
                }
                (Err(_), _) if splits => {
                    let later = part.split_off(part.len() / 2);
                    parts.push_front(later);
                    parts.push_front(part);
                }
                (Ok(None), None) => return Err(miscounted(0, part.len())),
                // Refused alone, it is refused for good.
                (Err(error), _) => reply.settled.push(Err(refused(error, size))),
            }
        }
        Ok(reply)
    }

    async fn settle_once(
        &self,
        tenant: &str,
        text: Bytes,
        leases: bool,
    ) -> Result<Option<SettleAnswer>> {
        let limit = self.calls.options().timeout.min(SETTLE);
        let call = verb::SETTLE.call().json(text).tenant(tenant).of_worker(limit);
        // A token counts once; what a lost answer leased would be leased again.
        let call = if leases { call.once() } else { call };
        self.calls.ask_unless_large(&call).await
    }

    pub(crate) async fn announce_worker(&self, tenant: &str, worker: &WorkerInfo) -> Result<()> {
        let call = verb::ANNOUNCE.call().json(json(worker)?);
        let limit = self.calls.options().timeout.min(ANNOUNCE);
        self.calls.tell(&call.tenant(tenant).of_worker(limit)).await
    }

    pub(crate) async fn worker_leaves(&self, tenant: &str, worker_id: &str) -> Result<()> {
        // Who rests between two questions is not known to the server.
        self.leaves.notify_waiters();
        let call = verb::LEAVE.of(&[&segment("worker_id", worker_id)?]).tenant(tenant);
        self.calls.tell(&call.of_worker(ANNOUNCE)).await
    }

    pub(crate) async fn forget_worker(&self, tenant: &str, worker_id: &str) -> Result<()> {
        let call = verb::FORGET.of(&[&segment("worker_id", worker_id)?]).tenant(tenant);
        let limit = self.calls.options().timeout.min(ANNOUNCE);
        self.calls.tell(&call.of_worker(limit)).await
    }
}

/// How long a heartbeat may take: a lease must not run out while one that hangs is waited for.
fn patience(renewals: &[Renewal]) -> Duration {
    let shortest = renewals.iter().filter_map(|renewal| renewal.extend).min();
    shortest.map_or(ANNOUNCE, |ttl| ttl / 3).clamp(Duration::from_secs(1), Duration::from_secs(10))
}

/// Why one outcome was too large, as a worker understands it.
fn refused(error: Option<Error>, size: usize) -> Error {
    match error {
        Some(error @ Error::PayloadTooLarge { .. }) => error,
        // Something before the server, which does not say how much it takes.
        _ => Error::InvalidPayload {
            field: "result".to_owned(),
            reason: format!("was refused as too large: {size} bytes with all that goes with it"),
        },
    }
}

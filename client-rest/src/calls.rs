//! One call: its deadline, its retries, and the breaker.

use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit, watch};
use windlass_core::future::BoxFuture;
use windlass_core::rules::call::CallFailure;
use windlass_core::runtime::host::{SharedHost, timeout};
use windlass_core::words::Seconds;
use windlass_core::{Breaker, Circuit, Error, Pass, Result};

use crate::address::Address;
use crate::answer::{self, Failed, Read, Tell};
use crate::call::{Body, Call};
use crate::clock::ServerClock;
use crate::options::RestOptions;
use crate::seats::{Seat, Seats};
use crate::transport::{Request, Response, Transport};

/// What becomes of the answer to a call.
#[derive(Clone, Copy)]
pub(crate) enum End<'a> {
    /// It stays open.
    Open,
    /// Its body is read, if anything is to be read of it. One that is larger than is read is an error,
    /// unless it may be.
    Read { read: Option<&'a Read<'a>>, may_be_large: bool },
}

/// Makes calls to one server.
pub(crate) struct Calls {
    address: Address,
    /// `None` once closed: its connections end with it.
    transport: Mutex<Option<Transport>>,
    options: RestOptions,
    host: SharedHost,
    circuit: Option<Circuit>,
    /// Room for ordinary calls.
    room: Semaphore,
    /// Seats of those who wait on purpose.
    seats: Seats,
    closed: watch::Sender<bool>,
    clock: ServerClock,
    tell: Tell,
}

impl Calls {
    /// `tell` reads what a server says when it says no.
    pub(crate) fn new(
        url: &str,
        options: RestOptions,
        host: SharedHost,
        tell: Tell,
    ) -> Result<Self> {
        options.check()?;
        let address = Address::parse(url)?;
        let bearer = options.api_key.as_deref().map(bearer).transpose()?;
        if bearer.is_some() && !address.is_https() && !address.is_loopback() {
            tracing::warn!("the key travels to {} unencrypted; use https", address.place());
        }
        let breaker = options.breaker.clone().map(|config| Breaker::new(address.base(), config));
        let seats = |most| Seats::at(address.place(), most);
        let seats = options.max_waits.map_or_else(Seats::unbounded, seats);
        Ok(Self {
            transport: Mutex::new(Some(Transport::open(&address, &options, bearer)?)),
            address,
            circuit: breaker.transpose()?.map(Circuit::new),
            room: Semaphore::new(options.max_connections),
            seats,
            closed: watch::Sender::new(false),
            clock: ServerClock::default(),
            tell,
            options,
            host,
        })
    }

    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    pub(crate) fn clock(&self) -> &ServerClock {
        &self.clock
    }

    pub(crate) fn circuit(&self) -> Option<&Circuit> {
        self.circuit.as_ref()
    }

    pub(crate) fn host(&self) -> &SharedHost {
        &self.host
    }

    pub(crate) fn options(&self) -> &RestOptions {
        &self.options
    }

    /// Leave by the breaker.
    fn enter(&self, call: &Call) -> Result<Option<Pass>> {
        if self.is_closed() {
            return Err(Error::ClientClosed);
        }
        // It would be taken for the tenant without them.
        if call.tenant.as_ref().is_some_and(|tenant| tenant.trim_matches([' ', '\t']) != tenant) {
            let reason = "cannot begin or end with a space: a header does not keep those";
            return Err(Error::invalid("tenant", reason));
        }
        let circuit = self.circuit.as_ref().filter(|_| !call.of_worker);
        circuit.map(|circuit| circuit.enter(self.host.monotonic())).transpose()
    }

    /// Tries until it succeeds, must not be repeated, or its time is up. Nothing here depends on what is
    /// read, and it is boxed: every verb would have a copy of its own.
    pub(crate) fn repeat<'a>(
        &'a self,
        call: &'a Call,
        end: End<'a>,
    ) -> BoxFuture<'a, Result<Option<Response>>> {
        Box::pin(self.repeat_until(call, end))
    }

    async fn repeat_until(&self, call: &Call, end: End<'_>) -> Result<Option<Response>> {
        let pass = self.enter(call)?;
        let start = self.host.monotonic();
        // Others are refused while a probe lasts: the server is not to hold it back.
        let at_once = pass.as_ref().is_some_and(Pass::is_probe);
        let attempt = || async {
            let spent = self.host.monotonic().saturating_sub(start);
            self.attempt(call, if at_once { call.hold } else { spent }, end).await
        };
        let limit = call.limit.unwrap_or(self.options.timeout) + call.hold;
        let deadline = self.host.monotonic() + limit;
        let mut tries = 0;
        let failed = loop {
            tries += 1;
            let left = || deadline.saturating_sub(self.host.monotonic());
            let room = match timeout(&*self.host, left(), self.room(call)).await {
                Some(Ok(room)) => room,
                Some(Err(failed)) => break failed,
                None => break Failed::Crowded,
            };
            let failed =
                match timeout(&*self.host, left(), self.unless_closed(call, attempt())).await {
                    Some(Ok(value)) => {
                        pass.into_iter().for_each(Pass::succeeded);
                        return Ok(value);
                    }
                    Some(Err(failed)) => failed,
                    None => {
                        let reason = format!("nothing came within {}s", Seconds(limit));
                        break Failed::silent(reason);
                    }
                };
            // Others may go while this one pauses.
            drop(room);
            let Some(pause) = self.pause(call, tries, &failed) else { break failed };
            if pause >= left() {
                break failed;
            }
            tracing::debug!(verb = call.verb.name, tries, ?pause, ?failed, "the call is repeated");
            tokio::select! {
                () = self.closed() => break Failed::Closed,
                () = self.host.sleep(pause) => {}
            }
        };
        let blamed = failed.blames_server();
        // It was not asked, or nobody waits for what it says.
        let unheard = matches!(failed, Failed::Closed | Failed::Crowded);
        let error = failed.into_error(call.verb.name, self.address.place());
        match pass {
            Some(pass) if blamed => pass.refused(&error, self.host.monotonic()),
            Some(pass) if !unheard => pass.succeeded(),
            _ => {}
        }
        Err(error)
    }

    /// Makes one try; its answer, if it is to stay open.
    async fn attempt(
        &self,
        call: &Call,
        spent: Duration,
        end: End<'_>,
    ) -> Result<Option<Response>, Failed> {
        let response = self.send(call, spent).await?;
        let End::Read { read, may_be_large } = end else { return Ok(Some(response)) };
        let status = response.status();
        match (answer::body(response).await?, read) {
            (Some(body), Some(read)) => answer::read_text(status, &body, read)?,
            (None, _) if !may_be_large => return Err(Failed::too_large(status)),
            _ => {}
        }
        Ok(None)
    }

    /// Pause before the next try, if there is to be one.
    fn pause(&self, call: &Call, tries: u32, failed: &Failed) -> Option<Duration> {
        let over = matches!(failed, Failed::Closed | Failed::Crowded)
            // A full queue has a patience of its own, which the caller named.
            || matches!(failed, Failed::Refused { error, .. } if error.code() == "queue_full");
        let failure = CallFailure {
            status: failed.status(),
            retry_after: failed.retry_after(),
            repeatable: call.repeatable,
        };
        let next = || self.options.retry.next(tries, &failure, (self.options.chance)());
        if over { None } else { next() }
    }

    /// Waits for room for a call. What waits on purpose, and what keeps leases, needs none.
    async fn room(&self, call: &Call) -> Result<Option<SemaphorePermit<'_>>, Failed> {
        if call.of_worker || !call.hold.is_zero() {
            return Ok(None);
        }
        self.room.acquire().await.map(Some).map_err(|_| Failed::Closed)
    }

    /// Leave to keep a connection waiting, for as long as it is held; `None` when too many have it.
    pub(crate) fn seat(&self) -> Option<Seat> {
        self.seats.take()
    }

    /// Makes one attempt. What waits on purpose ends when the client is closed; what was begun otherwise
    /// goes to its end.
    async fn unless_closed<T>(
        &self,
        call: &Call,
        attempt: impl Future<Output = Result<T, Failed>>,
    ) -> Result<T, Failed> {
        if call.hold.is_zero() {
            return attempt.await;
        }
        tokio::select! {
            answer = attempt => answer,
            () = self.closed() => Err(Failed::Closed),
        }
    }

    fn transport(&self) -> MutexGuard<'_, Option<Transport>> {
        lock(&self.transport)
    }

    /// Sends one request; the head of a success.
    async fn send(&self, call: &Call, spent: Duration) -> Result<Response, Failed> {
        let transport = self.transport().clone().ok_or(Failed::Closed)?;
        let body = match &call.body {
            Body::None => None,
            Body::Json(body) => Some(body.clone()),
            Body::Held(make) => {
                let left = call.hold.saturating_sub(spent);
                Some(make(left).map_err(|error| Failed::Refused {
                    status: error.http_status(),
                    error,
                    retry_after: None,
                })?)
            }
        };
        let request = Request {
            verb: call.verb,
            url: self.address.at(&call.path),
            accept: call.accept,
            tenant: call.tenant.as_deref(),
            body,
        };
        let response = transport.send(request).await?;
        if let Some(time) = response.header("windlass-time") {
            self.clock.hear(&time);
        }
        if (200..300).contains(&response.status()) {
            return Ok(response);
        }
        Err(answer::refusal(response, self.clock.now(), self.tell).await)
    }

    /// Ends what waits, lets what was begun end, and lets the connections go.
    pub(crate) async fn close(&self) {
        self.closed.send_replace(true);
        let everyone = u32::try_from(self.options.max_connections).unwrap_or(u32::MAX);
        let quiet = self.room.acquire_many(everyone);
        // A call that does not end in its time is not waited for longer.
        let _ = timeout(&*self.host, self.options.timeout, quiet).await;
        self.room.close();
        self.transport().take();
    }

    pub(crate) fn is_closed(&self) -> bool {
        *self.closed.borrow()
    }

    /// Resolves when the client is closed.
    pub(crate) async fn closed(&self) {
        // The sender lives as long as `self`.
        let _ = self.closed.subscribe().wait_for(|closed| *closed).await;
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// What a header says to carry the key.
fn bearer(key: &str) -> Result<String> {
    if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        let reason = "must be visible ASCII characters, and not empty";
        return Err(Error::invalid("api_key", reason));
    }
    Ok(format!("Bearer {key}"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use windlass_core::runtime::host::TokioHost;

    use super::*;
    use crate::verb;

    // GPY-05
    #[tokio::test]
    async fn a_call_that_finds_no_room_asks_nobody_and_blames_nobody() {
        let breaker = windlass_core::BreakerConfig { failure_threshold: 1, ..Default::default() };
        let options = RestOptions {
            max_connections: 1,
            timeout: Duration::from_millis(20),
            breaker: Some(breaker),
            ..RestOptions::default()
        };
        let host = Arc::new(TokioHost::new(tokio::runtime::Handle::current()));
        let calls = Calls::new("http://127.0.0.1:1", options, host, answer::problem).unwrap();
        let ask = || verb::QUEUES.call();
        let room = calls.room.acquire().await.unwrap();
        let error = calls.tell(&ask()).await.unwrap_err();
        assert!(error.to_string().contains("max_connections"), "{error}");
        let failures = || calls.circuit().unwrap().breaker().failure_count();
        assert_eq!(failures(), 0);
        drop(room);
        assert!(calls.tell(&ask().once()).await.is_err(), "nobody is there");
        assert_eq!(failures(), 1);
    }
}

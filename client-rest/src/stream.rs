//! Following tasks: one open stream for each follower, which outlives the calls that read it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures_util::StreamExt;
use windlass_core::client::Entry;
use windlass_core::runtime::host::timeout;
use windlass_core::words::{Seconds, Updates};
use windlass_core::{Error, Result, TaskId, Update};

use crate::calls::Calls;
use crate::reading::{Record, TURN};
use crate::seats::Seat;
use crate::sse::Parser;
use crate::transport::Chunks;
use crate::verb;

/// A follower who waits for less asks once, instead of opening a stream.
const SHORT: Duration = Duration::from_secs(1);
/// Open streams that nobody reads, at most; the oldest goes.
const MOST_IDLE: usize = 1000;
/// How long an open stream is kept that nobody reads.
#[cfg(not(target_family = "wasm"))]
const IDLE: Duration = Duration::from_secs(60);
/// A browser has six connections to a server: whoever leaves a stream does not keep one of them for long.
#[cfg(target_family = "wasm")]
const IDLE: Duration = Duration::from_secs(1);
/// Most that one event may have, in bytes: an answer of 1 MiB and what is around it, many times over.
const EVENT: usize = 16 << 20;
/// A stream that says nothing for so long is dead: a server says something every 15 s.
const SILENCE: Duration = Duration::from_secs(45);
/// How long the end of a stream is awaited after a final entry.
const END: Duration = Duration::from_secs(2);

/// Which stream: tenant, task, and the last entry that its reader has.
pub(crate) type Place = (String, TaskId, u64);

/// The open streams that are not being read just now.
pub(crate) struct Streams<E> {
    /// Never held while anything is awaited.
    idle: Mutex<Idle<E>>,
}

struct Idle<E> {
    /// Each with when it was put here, the oldest first.
    streams: Vec<(Place, Duration, Follow<E>)>,
    /// A task looks after those that nobody comes back for.
    watched: bool,
}

impl<E> Default for Streams<E> {
    fn default() -> Self {
        Self { idle: Mutex::default() }
    }
}

impl<E> Default for Idle<E> {
    fn default() -> Self {
        Self { streams: Vec::new(), watched: false }
    }
}

/// One stream, wherever it stands.
struct Follow<E> {
    /// `None` while it is not connected.
    chunks: Option<Connected>,
    parser: Option<Parser>,
    /// Entries that were read and not yet given.
    ready: VecDeque<E>,
    /// The last entry that was read.
    last: u64,
    /// Nothing follows, ever.
    ended: bool,
    /// Cuts since the last entry.
    cuts: u32,
    /// How long nothing was heard while it was listened to.
    silent: Duration,
}

/// An open stream, and its leave to keep a connection.
struct Connected {
    chunks: Chunks,
    _seat: Seat,
}

/// What came of listening to a stream.
enum Heard {
    /// A piece of it, whatever was in it.
    Piece,
    /// The server ended it.
    End,
    /// It broke off.
    Cut,
}

/// A stream in use. However its reader goes, it is put back where the reader stands.
struct Taken<'a, E: Followed> {
    streams: &'a Arc<Streams<E>>,
    calls: &'a Calls,
    place: Place,
    follow: Follow<E>,
}

/// What an entry must be to be followed over a network.
pub(crate) trait Followed: Entry + Record + 'static {}

impl<E: Entry + Record + 'static> Followed for E {}

impl Record for Update {
    fn one(text: &str) -> serde_json::Result<Self> {
        serde_json::from_str(text)
    }

    fn list(text: &str) -> serde_json::Result<Vec<Option<Self>>> {
        let Updates { updates } = serde_json::from_str(text)?;
        Ok(updates.into_iter().map(Some).collect())
    }
}

impl<E: Followed> Streams<E> {
    /// Entries after `place`: from a stream, or asked for once where there is no time to wait.
    pub(crate) async fn entries(
        self: &Arc<Self>,
        calls: &Calls,
        place: Place,
        limit: u32,
        wait: Duration,
    ) -> Result<Vec<E>> {
        let limit = limit.clamp(1, 1000);
        if wait >= SHORT {
            return self.read(calls, place, limit as usize, wait).await;
        }
        Self::ask(calls, &place, place.2, limit, wait).await
    }

    /// Asks once for entries after `after`.
    async fn ask(
        calls: &Calls,
        (tenant, task_id, _): &Place,
        after: u64,
        limit: u32,
        wait: Duration,
    ) -> Result<Vec<E>> {
        let [id, after, limit] = [task_id.to_string(), after.to_string(), limit.to_string()];
        let call = verb::UPDATES.of(&[&id, &after, &limit, &Seconds(wait).to_string()]);
        let call = call.tenant(tenant).holding(wait);
        Ok(calls.ask_by(&call, &E::list).await?.into_iter().flatten().collect())
    }

    /// Entries after `after`, at most `limit`, as soon as there are any, or none once `wait` has passed or
    /// nothing can follow. Safe to drop: nothing is lost.
    async fn read(
        self: &Arc<Self>,
        calls: &Calls,
        place: Place,
        limit: usize,
        wait: Duration,
    ) -> Result<Vec<E>> {
        let host = calls.host();
        let start = host.monotonic();
        let mut taken = self.take(calls, place);
        loop {
            let settled = taken.follow.is_settled(limit);
            let left = wait.saturating_sub(host.monotonic().saturating_sub(start));
            if settled || left.is_zero() {
                break;
            }
            // A final entry is the last one as a rule, and then the stream ends at once.
            let left = if taken.follow.ready.is_empty() { left } else { left.min(END) };
            if taken.follow.chunks.is_none() {
                match calls.seat() {
                    Some(seat) => taken.connect(seat).await?,
                    None if !taken.follow.ready.is_empty() => break,
                    None if taken.poll().await? => {}
                    None => host.sleep(left.min(TURN)).await,
                }
                continue;
            }
            let listened = host.monotonic();
            let heard = tokio::select! {
                heard = timeout(&**host, left, taken.follow.hear()) => heard,
                () = calls.closed() => return Err(Error::ClientClosed),
            };
            let spent = host.monotonic().saturating_sub(listened);
            match heard {
                Some(Heard::Piece) => {}
                Some(Heard::End) => taken.cut(true).await?,
                Some(Heard::Cut) => taken.cut(false).await?,
                None if !taken.follow.ready.is_empty() => break,
                None => {
                    taken.follow.silent += spent;
                    if taken.follow.silent > SILENCE {
                        taken.follow.chunks = None;
                    }
                    break;
                }
            }
        }
        Ok(taken.give(limit))
    }

    /// Lets every stream go.
    pub(crate) fn clear(&self) {
        let streams = std::mem::take(&mut self.lock().streams);
        drop(streams);
    }

    fn take<'a>(self: &'a Arc<Self>, calls: &'a Calls, place: Place) -> Taken<'a, E> {
        let mut idle = self.lock();
        // The one that was left last is the most likely to be open still.
        let known = idle.streams.iter().rposition(|(at, ..)| *at == place);
        let follow = match known {
            Some(known) => idle.streams.remove(known).2,
            None => Follow::at(place.2),
        };
        drop(idle);
        Taken { streams: self, calls, place, follow }
    }

    fn put(self: &Arc<Self>, calls: &Calls, place: Place, follow: Follow<E>) {
        if calls.is_closed() || (follow.chunks.is_none() && follow.ready.is_empty()) {
            return;
        }
        let now = calls.host().monotonic();
        let mut idle = self.lock();
        let surplus = (idle.streams.len() >= MOST_IDLE).then(|| idle.streams.remove(0));
        idle.streams.push((place, now, follow));
        let watched = std::mem::replace(&mut idle.watched, true);
        drop(idle);
        drop(surplus);
        if !watched {
            self.watch(calls);
        }
    }

    /// Lets streams go that nobody came back for, until none is left.
    fn watch(self: &Arc<Self>, calls: &Calls) {
        let streams = Arc::downgrade(self);
        let host = calls.host().clone();
        calls.host().spawn(Box::pin(async move {
            loop {
                host.sleep(IDLE / 4).await;
                let Some(streams) = streams.upgrade() else { return };
                let (old, done) = streams.lock().remove_older(host.monotonic());
                drop(old);
                if done {
                    return;
                }
            }
        }));
    }

    fn lock(&self) -> MutexGuard<'_, Idle<E>> {
        self.idle.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl<E> Idle<E> {
    /// What was idle for too long, and whether nothing is left.
    fn remove_older(&mut self, now: Duration) -> (Vec<Follow<E>>, bool) {
        let old = |(_, since, _): &(Place, Duration, _)| now.saturating_sub(*since) >= IDLE;
        let young = self.streams.partition_point(old);
        let old = self.streams.drain(..young).map(|(.., follow)| follow).collect();
        self.watched = !self.streams.is_empty();
        (old, !self.watched)
    }
}

impl<E> Follow<E> {
    /// A stream that is still to be opened after entry `last`.
    fn at(last: u64) -> Self {
        let (chunks, parser, ready) = (None, None, VecDeque::new());
        Self { chunks, parser, ready, last, ended: false, cuts: 0, silent: Duration::ZERO }
    }
}

impl<E: Followed> Follow<E> {
    /// Whether there is something to give that does not look like the end while it may not be: a task that
    /// was retried goes on after a final entry.
    fn is_settled(&self, limit: usize) -> bool {
        let at_end = self.ready.back().is_some_and(E::is_final);
        self.ended || self.ready.len() >= limit || (!self.ready.is_empty() && !at_end)
    }

    /// Reads the next piece. A stream that says what no Windlass server says is as good as cut.
    async fn hear(&mut self) -> Heard {
        let (Some(chunks), Some(parser)) = (&mut self.chunks, &mut self.parser) else {
            return Heard::Cut;
        };
        let piece = match chunks.chunks.next().await {
            Some(Ok(piece)) => piece,
            Some(Err(_)) => return Heard::Cut,
            None => return Heard::End,
        };
        self.silent = Duration::ZERO;
        let Ok(events) = parser.feed(&piece) else { return Heard::Cut };
        for event in events {
            let Ok(update) = E::one(&event.data) else { return Heard::Cut };
            self.take_in(update);
        }
        Heard::Piece
    }

    /// What was seen before, like before a cut, is not told again.
    fn take_in(&mut self, update: E) {
        if update.seq() > self.last {
            self.last = update.seq();
            self.cuts = 0;
            self.ready.push_back(update);
        }
    }
}

impl<E: Followed> Taken<'_, E> {
    /// Opens the stream after the last entry that was read.
    async fn connect(&mut self, seat: Seat) -> Result<()> {
        let (tenant, task_id, _) = &self.place;
        let call = verb::EVENTS.of(&[&task_id.to_string(), &self.follow.last.to_string()]);
        let call = call.tenant(tenant).streaming();
        let response = self.calls.open(&call).await?;
        if response.status() == 204 {
            self.follow.ended = true;
            return Ok(());
        }
        self.follow.parser = Some(Parser::new(EVENT));
        self.follow.silent = Duration::ZERO;
        self.follow.chunks = Some(Connected { chunks: response.chunks(), _seat: seat });
        Ok(())
    }

    /// Asks once for entries after the last one that was read; whether there were any.
    async fn poll(&mut self) -> Result<bool> {
        let (last, place) = (self.follow.last, &self.place);
        let updates = Streams::ask(self.calls, place, last, 1000, Duration::ZERO).await?;
        updates.into_iter().for_each(|update| self.follow.take_in(update));
        Ok(!self.follow.ready.is_empty())
    }

    /// The stream was cut, or the server `ended` it. It is opened again after a pause, unless it ended
    /// as it should: a cut after a final entry may hide that the task was retried.
    async fn cut(&mut self, ended: bool) -> Result<()> {
        let follow = &mut self.follow;
        follow.chunks = None;
        if ended && follow.ready.back().is_some_and(E::is_final) {
            follow.ended = true;
            return Ok(());
        }
        follow.cuts += 1;
        // The first cut may be a server that restarts: it is asked again at once.
        if follow.cuts == 1 {
            return Ok(());
        }
        let options = self.calls.options();
        let failure = windlass_core::rules::call::CallFailure {
            status: None,
            retry_after: None,
            repeatable: true,
        };
        match options.retry.next(follow.cuts - 1, &failure, (options.chance)()) {
            Some(pause) => {
                self.calls.host().sleep(pause).await;
                Ok(())
            }
            None => {
                let cuts = std::mem::take(&mut follow.cuts);
                let place = self.calls.address().place();
                Err(Error::StoreUnavailable {
                    operation: "updates".into(),
                    reason: format!("{place} cut the stream {cuts} times and told nothing"),
                    source: None,
                })
            }
        }
    }

    /// Takes out what the reader gets; the stream stands there from then on.
    fn give(mut self, limit: usize) -> Vec<E> {
        let count = self.follow.ready.len().min(limit);
        let given: Vec<E> = self.follow.ready.drain(..count).collect();
        if let Some(update) = given.last() {
            self.place.2 = update.seq();
        }
        given
    }
}

impl<E: Followed> Drop for Taken<'_, E> {
    fn drop(&mut self) {
        let follow = std::mem::replace(&mut self.follow, Follow::at(0));
        if !follow.ended || !follow.ready.is_empty() {
            self.streams.put(self.calls, self.place.clone(), follow);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn idle(streams: &[(u64, u64)]) -> Idle<windlass_core::Update> {
        let mut idle = Idle { watched: true, ..Idle::default() };
        let task: TaskId = "01981e2c-1d5c-7c11-b0e9-c2b7a9a3a001".parse().unwrap();
        for (last, since) in streams {
            let follow = Follow::at(*last);
            let place = ("default".to_owned(), task, *last);
            idle.streams.push((place, at(*since), follow));
        }
        idle
    }

    #[test]
    fn streams_go_that_nobody_came_back_for() {
        let mut idle = idle(&[(1, 0), (2, 10), (1, 50), (3, 100)]);
        let (old, done) = idle.remove_older(at(70));
        assert_eq!((old.len(), idle.streams.len(), done), (2, 2, false));
        let (old, done) = idle.remove_older(at(500));
        assert_eq!((old.len(), idle.streams.len(), done), (2, 0, true));
        assert!(!idle.watched, "the next one is watched again");
    }
}

//! One connection, as its requests see it: what was granted to the other side and may be lost.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::MatchedPath;
use tokio::time::Instant;

use super::granted::Granted;

/// A peer that resets the connection this soon after an answer was handed to the system has not read
/// it: a process that read all it was sent ends its connections in order, however it dies.
pub(crate) const UNREAD: Duration = Duration::from_secs(2);

/// A connection. HTTP/1.1 serves one request at a time, so what is said of a request holds for the
/// one under way.
#[derive(Default)]
pub(crate) struct Peer {
    /// Leases whose answers are on their way, oldest first.
    handovers: Mutex<Vec<Handover>>,
    /// Whether `handovers` has any, so that ordinary traffic takes no lock.
    waiting: AtomicBool,
    /// Requests and streams under way.
    busy: AtomicU32,
    /// Requests so far.
    requests: AtomicU32,
    /// Template of the path under way.
    path: Mutex<Option<MatchedPath>>,
}

struct Handover {
    granted: Granted,
    /// When the last byte of the answer was handed to the system.
    flushed: Option<Instant>,
}

/// Something is under way on a connection, for as long as this is kept.
pub(crate) struct Busy(Arc<Peer>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Peer {
    /// A request, or the stream that answers it, begins.
    pub(crate) fn begins(self: &Arc<Self>) -> Busy {
        self.busy.fetch_add(1, Ordering::Relaxed);
        self.requests.fetch_add(1, Ordering::Relaxed);
        Busy(self.clone())
    }

    /// How many requests and streams there have been, and whether one is under way.
    pub(crate) fn activity(&self) -> (u32, bool) {
        (self.requests.load(Ordering::Relaxed), self.busy.load(Ordering::Relaxed) > 0)
    }

    /// The answer that grants these leases is being written.
    pub(crate) fn writes(&self, granted: Granted) {
        self.locked().push(Handover { granted, flushed: None });
        self.waiting.store(true, Ordering::Release);
    }

    /// All that was written so far is with the system.
    pub(crate) fn flushed(&self) {
        if self.waiting.load(Ordering::Acquire) {
            let now = Instant::now();
            for handover in self.locked().iter_mut() {
                handover.flushed.get_or_insert(now);
            }
        }
    }

    /// The other side was heard of, and in order: what it was sent before has arrived.
    pub(crate) fn heard(&self) {
        if self.waiting.load(Ordering::Acquire) {
            let mut handovers = self.locked();
            let (arrived, open) = std::mem::take(&mut *handovers)
                .into_iter()
                .partition::<Vec<_>, _>(|handover| handover.flushed.is_some());
            *handovers = open;
            self.waiting.store(!handovers.is_empty(), Ordering::Release);
            drop(handovers);
            arrived.into_iter().for_each(|handover| handover.granted.delivered());
        }
    }

    /// Whether leases are on their way of which nobody has said that they arrived.
    pub(crate) fn is_waiting(&self) -> bool {
        self.waiting.load(Ordering::Acquire)
    }

    /// The connection broke: what the other side cannot have read goes back.
    pub(crate) fn broke(&self) {
        if self.waiting.swap(false, Ordering::AcqRel) {
            let handovers = std::mem::take(&mut *self.locked());
            for Handover { granted, flushed } in handovers {
                // A grant that is dropped goes back.
                if flushed.is_some_and(|at| at.elapsed() > UNREAD) {
                    granted.delivered();
                }
            }
        }
    }

    /// The request under way matched this path.
    pub(crate) fn matched(&self, path: Option<MatchedPath>) {
        *self.path.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = path;
    }

    /// The path that the request under way matched, once.
    pub(crate) fn take_path(&self) -> Option<MatchedPath> {
        self.path.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take()
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, Vec<Handover>> {
        self.handovers.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Drop for Peer {
    /// The connection is over: answers that never left go back, the others have arrived.
    fn drop(&mut self) {
        let handovers = std::mem::take(&mut *self.locked());
        for Handover { granted, flushed } in handovers {
            if flushed.is_some() {
                granted.delivered();
            }
        }
    }
}

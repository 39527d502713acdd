//! Work that nobody waits for: checkpoints, and rings that were put off.
//!
//! A checkpoint copies the write-ahead log into the database. Done by a commit, it would stall that
//! commit's caller; so it is done here, by a connection of its own, while others write. What they
//! wrote meanwhile is copied with the pen in hand: little, and then the log starts over.

use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::thread::JoinHandle;

use crate::fork::{self, Kept};
use crate::wake::Bell;
use crate::writer::Writer;

/// Pages in the log that call for a checkpoint: 16 MB.
const PAGES: i32 = 4096;

#[derive(Default)]
struct Duties {
    ring: bool,
    checkpoint: bool,
    stop: bool,
}

/// Tells the keeper what there is to do. Cheap enough for every commit.
#[derive(Default)]
pub(crate) struct Errands {
    duties: Mutex<Duties>,
    call: Condvar,
    pages: AtomicI32,
}

impl Errands {
    /// A commit left `pages` in the log.
    pub(crate) fn logged(&self, pages: i32) {
        if self.pages.swap(pages, Ordering::Relaxed) < PAGES && pages >= PAGES {
            self.set(|duties| duties.checkpoint = true);
        }
    }

    /// A ring is owed.
    pub(crate) fn ring_later(&self) {
        self.set(|duties| duties.ring = true);
    }

    fn set(&self, set: impl FnOnce(&mut Duties)) {
        set(&mut self.duties.lock().unwrap_or_else(PoisonError::into_inner));
        self.call.notify_one();
    }
}

/// The keeper's thread.
pub(crate) struct Keeper {
    errands: Arc<Errands>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    /// Starts the thread. It holds nothing that keeps the store alive.
    pub(crate) fn start(
        errands: Arc<Errands>,
        bell: Arc<Bell>,
        writer: Weak<Writer>,
        connection: Kept,
    ) -> std::io::Result<Self> {
        let own = errands.clone();
        let thread = std::thread::Builder::new()
            .name("windlass-keeper".to_owned())
            .spawn(move || serve(&own, &bell, &writer, &connection))?;
        Ok(Self { errands, thread: Some(thread) })
    }

    /// Ends the thread and waits for it.
    pub(crate) fn stop(&mut self) {
        self.errands.set(|duties| duties.stop = true);
        if let Some(thread) = self.thread.take()
            && thread.thread().id() != std::thread::current().id()
        {
            let _ = thread.join();
        }
    }

    /// Leaves the thread be: it belongs to the process that this one is a fork of.
    pub(crate) fn abandon(&mut self) {
        std::mem::forget(self.thread.take());
    }
}

fn serve(errands: &Errands, bell: &Bell, writer: &Weak<Writer>, connection: &Kept) {
    loop {
        let duties = {
            let mut duties = errands.duties.lock().unwrap_or_else(PoisonError::into_inner);
            while !(duties.ring || duties.checkpoint || duties.stop) {
                duties = errands.call.wait(duties).unwrap_or_else(PoisonError::into_inner);
            }
            std::mem::take(&mut *duties)
        };
        if duties.ring {
            if !duties.stop {
                std::thread::sleep(Bell::PAUSE);
            }
            bell.ring_owed();
        }
        if duties.stop {
            return;
        }
        if duties.checkpoint {
            checkpoint(connection);
            // A store that is being dropped is checkpointed by its last connection.
            if let Some(writer) = writer.upgrade() {
                writer.with_pen(|pen| checkpoint(&pen.connection));
            }
            errands.pages.store(0, Ordering::Relaxed);
        }
    }
}

/// Copies what nobody reads any more. Busy is no error: another process does the same.
pub(crate) fn checkpoint(connection: &Kept) {
    let _inside = fork::enter();
    let done = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
    if let Err(error) = done
        && !crate::error::is_busy(&error)
    {
        tracing::warn!(%error, "the write-ahead log could not be copied; it is tried again later");
    }
}

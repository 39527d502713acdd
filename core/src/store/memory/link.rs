//! Connections to the same tasks: each hears what the others change, and is closed for itself.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::table::Table;
use crate::engine::follow::Followed;
use crate::error::{Error, Result};
use crate::store::{ChangeListener, FollowListener};

/// What all connections share.
#[derive(Default)]
struct Shared {
    table: Mutex<Table>,
    /// Who is told of changes, by the number of its connection. Never locked with the table.
    listeners: Mutex<Vec<(usize, ChangeListener)>>,
    /// Connections made so far.
    made: AtomicUsize,
    /// Connections that are neither closed nor gone.
    open: AtomicUsize,
}

/// One connection. Clones of a store share it.
pub(super) struct Link {
    shared: Arc<Shared>,
    number: usize,
    closed: AtomicBool,
    /// Who is told of tasks that changed by this connection's writes without being named there.
    followers: Mutex<Vec<FollowListener>>,
}

impl Default for Link {
    /// A connection to tasks of its own.
    fn default() -> Self {
        Self::to(Arc::default())
    }
}

impl Link {
    fn to(shared: Arc<Shared>) -> Self {
        let number = shared.made.fetch_add(1, Ordering::Relaxed);
        shared.open.fetch_add(1, Ordering::Relaxed);
        Self { shared, number, closed: AtomicBool::new(false), followers: Mutex::default() }
    }

    /// Another connection to the same tasks.
    pub(super) fn another(&self) -> Self {
        Self::to(self.shared.clone())
    }

    /// How many connections to the same tasks are open.
    pub(super) fn connections(&self) -> usize {
        self.shared.open.load(Ordering::Relaxed)
    }

    /// The tasks.
    pub(super) fn open(&self) -> Result<MutexGuard<'_, Table>> {
        if self.closed.load(Ordering::Acquire) {
            return Err(Error::ClientClosed);
        }
        // A panic while the table was locked would be a bug here; the rows are still consistent
        // enough to be read, so go on rather than poison every caller.
        Ok(self.shared.table.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Calls `listener` after another connection changed something.
    pub(super) fn listen(&self, listener: ChangeListener) {
        self.listeners().push((self.number, listener));
    }

    /// Calls `listener` after a write of this connection had consequences.
    pub(super) fn follow(&self, listener: FollowListener) {
        self.followers.lock().unwrap_or_else(PoisonError::into_inner).push(listener);
    }

    /// Tells of consequences. Not while the table is locked.
    pub(super) fn followed(&self, followed: &[Followed]) {
        if followed.is_empty() {
            return;
        }
        let followers = self.followers.lock().unwrap_or_else(PoisonError::into_inner).clone();
        followers.iter().for_each(|listener| listener(followed));
    }

    /// Tells the other connections. Not while the table is locked: a listener may look at once.
    pub(super) fn changed(&self) {
        if self.connections() < 2 {
            return;
        }
        let others = self
            .listeners()
            .iter()
            .filter(|(number, _)| *number != self.number)
            .cloned()
            .collect::<Vec<_>>();
        others.iter().for_each(|(_, listener)| listener());
    }

    /// Ends this connection; the others go on.
    pub(super) fn close(&self) -> Result<()> {
        if self.closed.swap(true, Ordering::AcqRel) {
            return Err(Error::ClientClosed);
        }
        self.shared.open.fetch_sub(1, Ordering::Relaxed);
        self.listeners().retain(|(number, _)| *number != self.number);
        Ok(())
    }

    fn listeners(&self) -> MutexGuard<'_, Vec<(usize, ChangeListener)>> {
        self.shared.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // Whoever closed it has done this before.
        let _ = self.close();
    }
}

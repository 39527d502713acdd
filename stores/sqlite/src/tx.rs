//! One write transaction, as the verbs see it.

use rusqlite::Connection;
use windlass_core::engine::follow::Followed;
use windlass_core::{Clock, Result, Task, TaskStatus, Timestamp};

use crate::counts::Deltas;
use crate::error::Place;

/// A write transaction that is open, with what is written at its end.
pub(crate) struct Tx<'a> {
    /// The connection, with the transaction begun.
    pub(crate) connection: &'a Connection,
    /// Changes of counts, written before the commit.
    pub(crate) counts: Deltas,
    /// Whether other processes should look at the store after the commit.
    pub(crate) ring: bool,
    /// Tasks that changed by what follows from a write, to be told of after the commit.
    pub(crate) followed: Vec<Followed>,
    clock: &'a dyn Clock,
    location: &'a str,
    careful: bool,
}

impl<'a> Tx<'a> {
    /// A transaction on `connection`. When `careful`, each part has a savepoint of its own.
    pub(crate) fn new(
        connection: &'a Connection,
        clock: &'a dyn Clock,
        location: &'a str,
        careful: bool,
    ) -> Self {
        let (counts, followed) = (Deltas::default(), Vec::new());
        Self { connection, counts, ring: false, followed, clock, location, careful }
    }

    /// The time now, by the store's clock.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Whether each part is for itself, with all that follows from it.
    pub(crate) fn is_careful(&self) -> bool {
        self.careful
    }

    /// Counts that a task went from a status to the one that it has. Composites are in no queue.
    pub(crate) fn moved(&mut self, task: &Task, before: TaskStatus) {
        if task.kind.is_task() {
            self.counts.moved(&task.tenant, &task.queue, before, task.status);
        }
    }

    /// Does one part, which must not harm its neighbours when the database fails on it.
    ///
    /// Such failures are rare, and savepoints are not free. So the first run has none and fails as a
    /// whole; the writer then repeats each job alone and carefully, and here the answer is the
    /// part's own. The outer error says that the transaction is gone.
    pub(crate) fn part<T>(
        &mut self,
        operation: &'static str,
        work: impl FnOnce(&mut Self) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Result<T>> {
        if !self.careful {
            return work(self).map(Ok);
        }
        let (counts, ring, followed) = (self.counts.clone(), self.ring, self.followed.len());
        self.connection.execute_batch("SAVEPOINT part")?;
        match work(self) {
            Ok(value) => {
                self.connection.execute_batch("RELEASE part")?;
                Ok(Ok(value))
            }
            // Some failures, a full disk among them, end the whole transaction.
            Err(error) if self.connection.is_autocommit() => Err(error),
            Err(error) => {
                let place = Place { operation, location: self.location };
                let error = place.sqlite(Some(self.connection), error);
                self.connection.execute_batch("ROLLBACK TO part; RELEASE part")?;
                (self.counts, self.ring) = (counts, ring);
                self.followed.truncate(followed);
                Ok(Err(error))
            }
        }
    }
}

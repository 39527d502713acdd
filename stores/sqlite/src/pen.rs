//! The connection that writes: begins, commits, and repeats what failed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use windlass_core::engine::follow::Followed;
use windlass_core::{Clock, Result};

use crate::error::Place;
use crate::fork::{self, Kept};
use crate::turn::{Taken, Turn};
use crate::tx::Tx;
use crate::wake::Bell;
use crate::writer::Job;

/// Longest that a transaction takes in more jobs: other processes wait for their turn.
const LONGEST: Duration = Duration::from_millis(10);

/// How far a commit goes before it returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// To the disk: what was acknowledged survives a loss of power.
    #[default]
    Full,
    /// To the system: what was acknowledged survives the end of the process. After a loss of power
    /// the last writes may be missing; the store stays consistent.
    Normal,
}

/// The connection that writes, and what goes with it.
pub(crate) struct Pen {
    pub(crate) connection: Kept,
    turn: Turn,
    clock: Arc<dyn Clock>,
    location: Arc<str>,
    durability: Durability,
    /// What `PRAGMA synchronous` is set to; `None` when unknown.
    synchronous: Option<Durability>,
    bell: Arc<Bell>,
    /// Tasks that changed by what followed from committed writes, until somebody is told.
    followed: Vec<Followed>,
}

impl Pen {
    /// A pen that writes by `connection` in its `turn`.
    pub(crate) fn new(
        connection: Kept,
        turn: Turn,
        clock: Arc<dyn Clock>,
        location: &str,
        durability: Durability,
        bell: Arc<Bell>,
    ) -> Self {
        let location = location.into();
        Self {
            connection,
            turn,
            clock,
            location,
            durability,
            synchronous: None,
            bell,
            followed: Vec::new(),
        }
    }

    /// What followed from the writes committed since it was asked for last.
    pub(crate) fn take_followed(&mut self) -> Vec<Followed> {
        std::mem::take(&mut self.followed)
    }

    /// This process's turn to write; `None` when it would have to wait and may not.
    pub(crate) fn turn(&self, wait: bool) -> Result<Option<Taken>> {
        let place = Place { operation: "waiting for its turn to write", location: &self.location };
        let taken = if wait { self.turn.take().map(Some) } else { self.turn.try_take() };
        taken.map_err(|e| place.io(e))
    }

    /// Runs jobs and commits; answers for the first ones, at least one, in order. Those left over
    /// did not run: this process has had its turn.
    pub(crate) fn write(&mut self, jobs: &mut [Box<dyn Job>]) -> Vec<Result<()>> {
        match self.transaction(jobs, false) {
            Ok(done) => vec![Ok(()); done],
            // One bad job must not harm its neighbours: each once more, alone.
            Err(_) => {
                let (started, mut outcomes) = (Instant::now(), Vec::new());
                for job in jobs {
                    outcomes.push(self.transaction(std::slice::from_mut(job), true).map(drop));
                    if started.elapsed() > LONGEST {
                        break;
                    }
                }
                outcomes
            }
        }
    }

    fn transaction(&mut self, jobs: &mut [Box<dyn Job>], careful: bool) -> Result<usize> {
        let _inside = fork::enter();
        let operation = jobs.first().map_or("writing", |job| job.operation());
        // A panic may have left one open.
        self.undo();
        self.attempt(jobs, careful).map_err(|error| {
            let place = Place { operation, location: &self.location };
            // First, because the rollback forgets the system's error number.
            let error = place.sqlite(Some(&self.connection), error);
            self.undo();
            error
        })
    }

    fn attempt(&mut self, jobs: &mut [Box<dyn Job>], careful: bool) -> rusqlite::Result<usize> {
        self.synchronise(jobs.iter().any(|job| job.durable()))?;
        let started = Instant::now();
        self.connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let mut tx = Tx::new(&self.connection, &*self.clock, &self.location, careful);
        let mut done = 0;
        for job in jobs {
            job.run(&mut tx)?;
            done += 1;
            if started.elapsed() > LONGEST {
                break;
            }
        }
        tx.counts.write(&self.connection)?;
        let (ring, followed) = (tx.ring, tx.followed);
        self.connection.prepare_cached("COMMIT")?.execute([])?;
        self.followed.extend(followed);
        if ring {
            self.bell.ring();
        }
        Ok(done)
    }

    /// Leases and heartbeats may be lost with the power, so they do not wait for the disk. The pragma
    /// holds for the transactions that follow and is set only when it changes.
    fn synchronise(&mut self, durable: bool) -> rusqlite::Result<()> {
        let wanted = if durable { self.durability } else { Durability::Normal };
        if self.synchronous != Some(wanted) {
            self.connection.execute_batch(match wanted {
                Durability::Full => "PRAGMA synchronous = FULL",
                Durability::Normal => "PRAGMA synchronous = NORMAL",
            })?;
            self.synchronous = Some(wanted);
        }
        Ok(())
    }

    fn undo(&self) {
        if !self.connection.is_autocommit() {
            // When even this fails, the next BEGIN fails, and says why.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
    }
}

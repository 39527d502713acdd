//! Turns between processes: who may write to the file now.
//!
//! SQLite's own lock makes writers poll, and one of many may wait for long. Two files give a fair
//! queue instead: a writer locks the gate, then the turn, then opens the gate. Who waits for the turn
//! holds the gate, so the writer that just finished cannot overtake.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::sync::Arc;

use crate::location::Location;

/// The two lock files of a store. The system drops the locks of a process that dies.
#[derive(Clone)]
pub(crate) struct Turn {
    gate: Arc<File>,
    turn: Arc<File>,
}

/// This process's turn, until it is dropped.
pub(crate) struct Taken(Arc<File>);

impl Turn {
    /// Opens the lock files, and makes them if need be.
    pub(crate) fn open(location: &Location) -> io::Result<Self> {
        let open = |suffix| {
            OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(location.beside(suffix))
                .map(Arc::new)
        };
        Ok(Self { gate: open("gate")?, turn: open("turn")? })
    }

    /// Waits for the turn.
    pub(crate) fn take(&self) -> io::Result<Taken> {
        lock(&self.gate)?;
        let gate = Taken(self.gate.clone());
        lock(&self.turn)?;
        drop(gate);
        Ok(Taken(self.turn.clone()))
    }

    /// Takes the turn if nobody has it and nobody waits.
    pub(crate) fn try_take(&self) -> io::Result<Option<Taken>> {
        if !try_lock(&self.gate)? {
            return Ok(None);
        }
        let _gate = Taken(self.gate.clone());
        Ok(try_lock(&self.turn)?.then(|| Taken(self.turn.clone())))
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        // A lock that cannot be released is released by the system when the file closes.
        let _ = self.0.unlock();
    }
}

fn lock(file: &File) -> io::Result<()> {
    loop {
        match file.lock() {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

fn try_lock(file: &File) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(e)) => Err(e),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn who_waits_goes_before_who_comes_later() {
        let folder = tempfile::tempdir().unwrap();
        let location = Location::find(&folder.path().join("x.db")).unwrap();
        let (first, second, third) = (
            Turn::open(&location).unwrap(),
            Turn::open(&location).unwrap(),
            Turn::open(&location).unwrap(),
        );
        let taken = first.take().unwrap();
        assert!(third.try_take().unwrap().is_none());
        let (send, receive) = mpsc::channel();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                let _mine = second.take().unwrap();
                send.send(()).unwrap();
            });
            // Once the waiter holds the gate, the holder itself cannot come again before it.
            while try_lock(&third.gate).unwrap() {
                third.gate.unlock().unwrap();
                std::thread::yield_now();
            }
            assert!(first.try_take().unwrap().is_none());
            drop(taken);
            receive.recv().unwrap();
        });
        assert!(third.try_take().unwrap().is_some());
    }
}

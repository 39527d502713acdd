//! Connections that only read, opened when they are needed.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use rusqlite::Connection;
use windlass_core::{Error, Result};

use crate::error::Place;
use crate::fork::{self, Kept};
use crate::open;

/// Idle connections that are kept.
const KEPT: usize = 4;

/// A pool of connections that only read.
pub(crate) struct Readers {
    file: PathBuf,
    location: String,
    /// Idle ones; `None` once closed.
    idle: Mutex<Option<Vec<Kept>>>,
}

impl Readers {
    /// An empty pool.
    pub(crate) fn new(file: PathBuf, location: String) -> Self {
        Self { file, location, idle: Mutex::new(Some(Vec::new())) }
    }

    /// Reads in one transaction: everything `work` sees is of one moment.
    pub(crate) fn read<T>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T> {
        let place = Place { operation, location: &self.location };
        let idle = match self.idle.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            None => return Err(Error::ClientClosed),
            Some(idle) => idle.pop(),
        };
        let connection = match idle {
            Some(connection) => connection,
            None => open::reader(&self.file).map_err(|e| place.sqlite(None, e))?,
        };
        let answer = {
            let _inside = fork::enter();
            one_moment(&connection, work).map_err(|e| place.sqlite(Some(&connection), e))
        };
        // One that failed is not kept: the next read starts afresh.
        if answer.is_ok()
            && let Some(idle) = self.idle.lock().unwrap_or_else(PoisonError::into_inner).as_mut()
            && idle.len() < KEPT
        {
            idle.push(connection);
        }
        answer
    }

    /// Closes the idle ones; those in use are closed when they are done.
    pub(crate) fn close(&self) {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(idle);
    }
}

fn one_moment<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    connection.prepare_cached("BEGIN")?.execute([])?;
    let answer = work(connection);
    connection.prepare_cached("COMMIT")?.execute([])?;
    answer
}

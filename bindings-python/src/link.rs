//! One connection to a store, across forks.
//!
//! A fork copies no threads, and SQLite keeps its locks by process and file: a connection of the
//! child to a file that the parent had open would believe that it holds the parent's locks. So idle
//! files are closed before a fork, and files in use are refused to the child.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pyo3::prelude::*;
use windlass::{ConnectOptions, Error, Result};

use crate::errors::raised;
use crate::runtime;

/// How a link stands to its store.
enum State {
    /// Connected by the process of this generation.
    Open(windlass::Client, u64),
    /// Closed until the next verb, which connects again.
    Parked,
    /// Closed for good.
    Closed,
}

/// A connection that every process makes for itself.
pub(crate) struct Link {
    pub(crate) url: String,
    options: ConnectOptions,
    /// Held while connecting, but never while Python runs.
    state: Mutex<State>,
    calls: Arc<AtomicUsize>,
}

/// Counts a call under way, until it is dropped.
pub(crate) struct Call(Arc<AtomicUsize>);

impl Drop for Call {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Link {
    pub(crate) fn new(url: String, options: ConnectOptions) -> Self {
        let calls = Arc::new(AtomicUsize::new(0));
        Self { url, options, state: Mutex::new(State::Parked), calls }
    }

    /// The connected client, and the mark that a call is under way.
    pub(crate) fn open(&self, py: Python<'_>) -> PyResult<(windlass::Client, Call)> {
        self.calls.fetch_add(1, Ordering::AcqRel);
        let call = Call(self.calls.clone());
        let known = match self.state.try_lock() {
            Ok(state) => own(&state).cloned(),
            // Another thread connects; it may take long.
            Err(_) => None,
        };
        let client = match known {
            Some(client) => client,
            None => {
                let client = raised(py, py.detach(|| self.connect()))?;
                crate::logging::flush_logs(py);
                client
            }
        };
        Ok((client, call))
    }

    fn connect(&self) -> Result<windlass::Client> {
        let mut state = self.lock();
        if let Some(client) = own(&state) {
            return Ok(client.clone());
        }
        if let State::Closed = &*state {
            return Err(Error::ClientClosed);
        }
        self.refuse_parents_file()?;
        let (handle, options) = (runtime::handle().clone(), self.options.clone());
        let client = windlass::connect_on(handle, &self.url, options)?;
        forget(std::mem::replace(&mut *state, State::Open(client.clone(), runtime::generation())));
        Ok(client)
    }

    fn refuse_parents_file(&self) -> Result<()> {
        let Some(path) = self.file() else { return Ok(()) };
        if !forked_files().as_ref().is_some_and(|files| files.contains(&path)) {
            return Ok(());
        }
        Err(Error::StoreUnavailable {
            operation: "connect after a fork".into(),
            reason: format!(
                "{} was in use by the parent when it forked; stop its workers and waits before the \
                 fork, or start the process by spawn",
                path.display()
            ),
            source: None,
        })
    }

    fn file(&self) -> Option<PathBuf> {
        let path = self.url.strip_prefix("sqlite:")?;
        let path = Path::new(path.strip_prefix("//").unwrap_or(path));
        Some(path.canonicalize().unwrap_or_else(|_| path.to_owned()))
    }

    /// Closes for good; answers what is still to be closed. Called detached.
    pub(crate) fn close(&self) -> Option<windlass::Client> {
        let before = std::mem::replace(&mut *self.lock(), State::Closed);
        let client = own(&before).cloned();
        forget(before);
        client
    }

    /// Closes a file unless it is in use: then its path. Called detached.
    pub(crate) fn park(&self) -> Option<PathBuf> {
        let path = self.file()?;
        let mut state = self.lock();
        let client = own(&state)?.clone();
        if self.calls.load(Ordering::Acquire) > 0 {
            return Some(path);
        }
        // What closing cannot tell, the next connect will.
        let _ = runtime::handle().block_on(client.close());
        *state = State::Parked;
        None
    }

    /// A fork is near. Called detached.
    pub(crate) fn before_fork(&self) {
        if let Some(path) = self.park() {
            forked_files().get_or_insert_default().insert(path);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        forget(std::mem::replace(state, State::Closed));
    }
}

/// The client, if this process made it.
fn own(state: &State) -> Option<&windlass::Client> {
    match state {
        State::Open(client, generation) if *generation == runtime::generation() => Some(client),
        _ => None,
    }
}

/// Lets go of a connection. The parent's is leaked: its threads are not here, and dropping it would
/// wait for them.
fn forget(state: State) {
    if let State::Open(client, generation) = state
        && generation != runtime::generation()
    {
        std::mem::forget(client);
    }
}

/// Files that the parent had in use when it forked.
static IN_USE_AT_FORK: Mutex<Option<HashSet<PathBuf>>> = Mutex::new(None);

fn forked_files() -> MutexGuard<'static, Option<HashSet<PathBuf>>> {
    IN_USE_AT_FORK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The fork is done, and this is the parent: its own connections are its own.
pub(crate) fn after_fork_in_parent() {
    forked_files().take();
}

//! Connections and `fork`: what a child inherits, and how it gets rid of it.
//!
//! A child has its parent's memory and open files but not its locks, and SQLite does not know that it
//! is in a child. Three things follow. No thread may be inside SQLite at the moment of a fork, or a
//! child waits for ever for a lock of that thread. A child never uses or closes an inherited
//! connection. And before a child opens a connection of its own, it takes the inherited files out of
//! SQLite's books: else the new connection would rely on locks that only the parent holds, and
//! another process could remove the log under its hands.

use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard};

use rusqlite::Connection;

/// Held for reading by who is inside SQLite, for writing by who forks.
static INSIDE: RwLock<()> = RwLock::new(());

/// Open connections: the process that opened each, and its handle's address. Locked only inside.
static OPEN: Mutex<Vec<(u32, usize)>> = Mutex::new(Vec::new());

/// Enters SQLite, until the guard is dropped. Never to be called by who is inside already: a fork that
/// waits in between would wait for ever.
pub(crate) fn enter() -> RwLockReadGuard<'static, ()> {
    INSIDE.read().unwrap_or_else(PoisonError::into_inner)
}

/// A connection that lasts. Dropped by a child of the process that opened it, it is left alone.
pub(crate) struct Kept {
    process: u32,
    connection: ManuallyDrop<Connection>,
}

impl Kept {
    /// Keeps a connection of this process. The caller is inside.
    pub(crate) fn new(connection: Connection) -> Self {
        let process = std::process::id();
        open().push((process, address(&connection)));
        Self { process, connection: ManuallyDrop::new(connection) }
    }
}

impl Deref for Kept {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl DerefMut for Kept {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if self.process != std::process::id() {
            return;
        }
        let _inside = enter();
        let own = (self.process, address(&self.connection));
        open().retain(|one| *one != own);
        // SAFETY: dropped once, here, and not used afterwards.
        unsafe { ManuallyDrop::drop(&mut self.connection) };
    }
}

fn open() -> std::sync::MutexGuard<'static, Vec<(u32, usize)>> {
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn address(connection: &Connection) -> usize {
    // SAFETY: only the address is taken.
    unsafe { connection.handle() as usize }
}

/// Prepares this process for opening connections: watches for forks, and gets rid of what was
/// inherited. The caller is inside.
pub(crate) fn ready() {
    #[cfg(unix)]
    unix::watch();
    let mine = std::process::id();
    let inherited: Vec<usize> = {
        let mut all = open();
        let inherited = all.iter().filter(|(process, _)| *process != mine).map(|(_, at)| *at);
        let inherited = inherited.collect();
        all.retain(|(process, _)| *process == mine);
        inherited
    };
    #[cfg(unix)]
    inherited.into_iter().for_each(unix::discard);
    #[cfg(not(unix))]
    drop(inherited);
}

#[cfg(unix)]
mod unix {
    use std::cell::RefCell;
    use std::sync::{Once, PoisonError, RwLockWriteGuard};

    use rusqlite::ffi;

    thread_local! {
        /// Held by the thread that forks, from before the fork until after it, on both sides.
        static HELD: RefCell<Option<RwLockWriteGuard<'static, ()>>> = const { RefCell::new(None) };
    }

    extern "C" fn before() {
        let guard = super::INSIDE.write().unwrap_or_else(PoisonError::into_inner);
        // Where the thread's own storage is gone already, the guard is dropped at once: then there
        // is no way to keep others out.
        let _ = HELD.try_with(|held| held.replace(Some(guard)));
    }

    extern "C" fn after() {
        let _ = HELD.try_with(|held| held.replace(None));
    }

    pub(super) fn watch() {
        static WATCHING: Once = Once::new();
        // SAFETY: the functions live as long as the process, and do not unwind.
        WATCHING.call_once(|| unsafe {
            libc::pthread_atfork(Some(before), Some(after), Some(after));
        });
    }

    /// Takes the database file of an inherited connection out of SQLite's books, without a word to
    /// the log or to other processes. The rest of the connection is never freed.
    pub(super) fn discard(handle: usize) {
        let handle = handle as *mut ffi::sqlite3;
        let mut file: *mut ffi::sqlite3_file = std::ptr::null_mut();
        // SAFETY: the parent opened the connection and, until the fork, had not closed it; this
        // process has never touched it, and nobody was inside SQLite when it was forked, so its
        // structures are whole. Closing the file drops locks of this process only: it has none yet.
        unsafe {
            let found = ffi::sqlite3_file_control(
                handle,
                c"main".as_ptr(),
                ffi::SQLITE_FCNTL_FILE_POINTER,
                (&raw mut file).cast(),
            );
            if found == ffi::SQLITE_OK
                && let Some(methods) = file.as_ref().and_then(|file| file.pMethods.as_ref())
                && let Some(close) = methods.xClose
            {
                close(file);
            }
        }
    }
}

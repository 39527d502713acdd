//! How connections are opened and set up.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OpenFlags};
use windlass_core::{Error, Result};

use crate::error::{Place, is_busy};
use crate::fork::{self, Kept};
use crate::location::Location;
use crate::migrate;
use crate::schema::APPLICATION_ID;
use crate::turn::Turn;

/// How long SQLite itself waits for a lock. Windlass's own writers take turns and never meet; a
/// backup, a checkpoint or another program may be in the way for a while.
const BUSY: Duration = Duration::from_secs(10);

/// How long opening is repeated while other processes open, migrate or close the same file.
const PATIENCE: Duration = Duration::from_secs(30);

/// Opens the store for writing in this process's turn, and brings its schema up to date.
pub(crate) fn writer(location: &Location) -> Result<(Kept, Turn)> {
    let place = Place { operation: "opening the store", location: &location.name };
    // Before any file is made beside it: what is not ours is left as it was found.
    if is_there(location) {
        patiently(|| probe(location))?;
    }
    let turn = Turn::open(location).map_err(|e| place.io(e))?;
    let taken = turn.take().map_err(|e| place.io(e))?;
    let connection = patiently(|| {
        let _inside = fork::enter();
        fork::ready();
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(&location.file, flags)
            .map_err(|e| Failure::Sqlite(place.sqlite(None, e)))?;
        prepare(&connection).map_err(|e| Failure::from(place, &connection, e))?;
        let read_only = connection
            .is_readonly(rusqlite::MAIN_DB)
            .map_err(|e| Failure::from(place, &connection, e))?;
        if read_only {
            let location = location.name.clone();
            return Err(Failure::Sqlite(Error::StoreReadOnly { location }));
        }
        identify(&connection, place)?;
        let mode: String = connection
            .query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))
            .map_err(|e| Failure::from(place, &connection, e))?;
        if mode != "wal" {
            return Err(Failure::Sqlite(Error::InvalidStore {
                location: location.name.clone(),
                reason: format!("its journal cannot be a write-ahead log here, only {mode}"),
            }));
        }
        migrate::forward(&mut connection, place)?;
        Ok(Kept::new(connection))
    })?;
    drop(taken);
    Ok((connection, turn))
}

/// Opens a connection that only reads.
pub(crate) fn reader(file: &Path) -> rusqlite::Result<Kept> {
    let _inside = fork::enter();
    // Read-write by its flags: to read beside writers it must take its place in their shared index.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    prepare(&connection)?;
    connection.execute_batch("PRAGMA query_only = ON")?;
    Ok(Kept::new(connection))
}

/// Opens a connection for checkpoints.
pub(crate) fn keeper(file: &Path) -> rusqlite::Result<Kept> {
    let _inside = fork::enter();
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    prepare(&connection)?;
    Ok(Kept::new(connection))
}

/// Opens an existing file only to look at it. The caller is inside.
pub(crate) fn look(location: &Location) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(&location.file, flags)?;
    connection.busy_timeout(BUSY)?;
    Ok(connection)
}

/// Whether there is a file with something in it.
pub(crate) fn is_there(location: &Location) -> bool {
    // By its metadata: opening and closing the file by other means than SQLite would drop the locks
    // that SQLite holds on it for this process.
    std::fs::metadata(&location.file).is_ok_and(|data| data.len() > 0)
}

fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(128);
    // No memory map: an error of the disk would then be a signal that ends the user's process.
    connection.execute_batch(
        "PRAGMA foreign_keys = OFF; PRAGMA temp_store = MEMORY; PRAGMA mmap_size = 0; \
         PRAGMA cache_size = -16000; PRAGMA journal_size_limit = 67108864;",
    )
}

/// Refuses a file that is no store of ours, without changing anything.
fn probe(location: &Location) -> std::result::Result<(), Failure> {
    let place = Place { operation: "opening the store", location: &location.name };
    let _inside = fork::enter();
    fork::ready();
    match look(location) {
        Ok(connection) => match identify(&connection, place) {
            // A write-ahead log cannot be read in a folder that cannot be written; what follows says
            // so better.
            Err(Failure::CannotOpen) => Ok(()),
            other => other,
        },
        Err(_) => Ok(()),
    }
}

/// Whether the database is ours, or empty and so may become ours.
pub(crate) fn identify(
    connection: &Connection,
    place: Place<'_>,
) -> std::result::Result<(), Failure> {
    let read = |sql: &str| -> std::result::Result<i64, Failure> {
        connection
            .query_row(sql, [], |row| row.get(0))
            .map_err(|e| Failure::from(place, connection, e))
    };
    // In this order: another process may make the store between the two, mark and tables in one
    // transaction. Whoever sees its tables must then see its mark.
    let tables = read("SELECT count(*) FROM sqlite_schema")?;
    let id = read("PRAGMA application_id")?;
    if id == i64::from(APPLICATION_ID) || (id == 0 && tables == 0) {
        return Ok(());
    }
    Err(Failure::Sqlite(Error::InvalidStore {
        location: place.location.to_owned(),
        reason: format!("it is another program's database, with {tables} tables and indexes"),
    }))
}

/// Why opening did not succeed this time.
pub(crate) enum Failure {
    /// Another process is in the way.
    Busy(Error),
    /// The file, or one beside it, cannot be opened.
    CannotOpen,
    /// Anything else.
    Sqlite(Error),
}

impl Failure {
    /// Classifies.
    pub(crate) fn from(place: Place<'_>, connection: &Connection, error: rusqlite::Error) -> Self {
        let cannot_open = error.sqlite_error_code() == Some(ErrorCode::CannotOpen);
        let busy = is_busy(&error);
        match place.sqlite(Some(connection), error) {
            error if busy => Self::Busy(error),
            Error::StoreUnavailable { .. } if cannot_open => Self::CannotOpen,
            error => Self::Sqlite(error),
        }
    }

    fn into_error(self) -> Error {
        match self {
            Self::Busy(error) | Self::Sqlite(error) => error,
            Self::CannotOpen => Error::StoreUnavailable {
                operation: "opening the store".into(),
                reason: "the database file or one beside it cannot be opened".to_owned(),
                source: None,
            },
        }
    }
}

/// Repeats what other processes that open, migrate or close may hinder: SQLite does not wait for all
/// of its locks then.
pub(crate) fn patiently<T>(
    mut attempt: impl FnMut() -> std::result::Result<T, Failure>,
) -> Result<T> {
    let started = Instant::now();
    loop {
        match attempt() {
            Ok(value) => return Ok(value),
            Err(Failure::Busy(_) | Failure::CannotOpen) if started.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(failure) => return Err(failure.into_error()),
        }
    }
}

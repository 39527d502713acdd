//! What SQLite and the file system say, in our words.

use std::io;

use rusqlite::{Connection, ErrorCode, ffi};
use windlass_core::Error;

/// Where and during what something failed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    /// What was being done.
    pub(crate) operation: &'static str,
    /// The store's file.
    pub(crate) location: &'a str,
}

impl Place<'_> {
    /// Classifies a failure of SQLite. `connection` is the one that failed: it knows the system's
    /// error number beneath an I/O error.
    pub(crate) fn sqlite(self, connection: Option<&Connection>, error: rusqlite::Error) -> Error {
        let location = self.location.to_owned();
        let Some(code) = error.sqlite_error() else {
            return Error::unavailable(self.operation, error);
        };
        match code.code {
            ErrorCode::DiskFull => Error::StoreFull { location },
            ErrorCode::ReadOnly if code.extended_code == ffi::SQLITE_READONLY_DBMOVED => {
                Error::StoreUnavailable {
                    operation: self.operation.into(),
                    reason: format!("{location} was moved or deleted while it was open"),
                    source: None,
                }
            }
            ErrorCode::ReadOnly => Error::StoreReadOnly { location },
            ErrorCode::NotADatabase => {
                Error::InvalidStore { location, reason: "it is not a SQLite database".to_owned() }
            }
            ErrorCode::DatabaseCorrupt => Error::InvalidStore {
                location,
                reason: "the database is damaged; restore it from a backup".to_owned(),
            },
            ErrorCode::SystemIoFailure | ErrorCode::CannotOpen => {
                let number = connection.map_or(0, system_errno);
                match number {
                    0 => Error::unavailable(self.operation, error),
                    _ => self
                        .kind(io::Error::from_raw_os_error(number).kind())
                        .unwrap_or_else(|| Error::unavailable(self.operation, error)),
                }
            }
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Error::StoreUnavailable {
                operation: self.operation.into(),
                reason: format!("another program has kept {location} to itself for too long"),
                source: None,
            },
            _ => Error::unavailable(self.operation, error),
        }
    }

    /// Classifies a failure of the file system on the store's own side files.
    pub(crate) fn io(self, error: io::Error) -> Error {
        self.kind(error.kind()).unwrap_or_else(|| Error::unavailable(self.operation, error))
    }

    fn kind(self, kind: io::ErrorKind) -> Option<Error> {
        let location = self.location.to_owned();
        match kind {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Some(Error::StoreFull { location })
            }
            io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
                Some(Error::StoreReadOnly { location })
            }
            _ => None,
        }
    }
}

/// Whether another connection was in the way: worth another try.
pub(crate) fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

fn system_errno(connection: &Connection) -> i32 {
    // SAFETY: the handle is that of a live connection, which is borrowed for the call; the function
    // only reads a number that the connection keeps.
    unsafe { ffi::sqlite3_system_errno(connection.handle()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classified(code: i32) -> &'static str {
        let place = Place { operation: "test", location: "x.db" };
        place.sqlite(None, rusqlite::Error::SqliteFailure(ffi::Error::new(code), None)).code()
    }

    #[test]
    fn each_kind_of_failure_has_its_code() {
        assert_eq!(classified(ffi::SQLITE_FULL), "store_full");
        assert_eq!(classified(ffi::SQLITE_READONLY_DIRECTORY), "store_read_only");
        assert_eq!(classified(ffi::SQLITE_READONLY_DBMOVED), "store_unavailable");
        assert_eq!(classified(ffi::SQLITE_NOTADB), "invalid_store");
        assert_eq!(classified(ffi::SQLITE_CORRUPT), "invalid_store");
        assert_eq!(classified(ffi::SQLITE_BUSY), "store_unavailable");
        assert_eq!(classified(ffi::SQLITE_IOERR_FSYNC), "store_unavailable");
        let place = Place { operation: "test", location: "x.db" };
        assert_eq!(place.io(io::ErrorKind::StorageFull.into()).code(), "store_full");
        assert_eq!(place.io(io::ErrorKind::ReadOnlyFilesystem.into()).code(), "store_read_only");
    }
}

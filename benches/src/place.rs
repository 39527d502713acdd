//! Where the databases of a run lie.

use std::cell::Cell;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::Result;

/// A folder that is gone after the run. Every measurement gets a file of its own.
pub(crate) struct Place {
    folder: TempDir,
    files: Cell<u32>,
}

impl Place {
    /// A new folder in `parent`, or where the system puts temporary files.
    pub(crate) fn make(parent: Option<&Path>) -> Result<Self> {
        let mut builder = tempfile::Builder::new();
        builder.prefix("windlass-bench-");
        let folder = match parent {
            Some(parent) => builder.tempdir_in(parent)?,
            None => builder.tempdir()?,
        };
        Ok(Self { folder, files: Cell::new(0) })
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A file that is not there yet.
    pub(crate) fn file(&self) -> PathBuf {
        self.files.set(self.files.get() + 1);
        self.folder.path().join(format!("{}.db", self.files.get()))
    }
}

/// Removes a database and what lies beside it, so that a long run does not fill the disk.
pub(crate) fn discard(file: &Path) {
    for suffix in ["", "-wal", "-shm", "-turn", "-gate", "-wake"] {
        let mut name = file.as_os_str().to_owned();
        name.push(suffix);
        // What was never made cannot be removed; the folder goes at the end in any case.
        let _ = std::fs::remove_file(PathBuf::from(name));
    }
}

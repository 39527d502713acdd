//! Which store is meant, and whether it is there.

use std::path::{Path, PathBuf};

use windlass::{Client, ConnectOptions};

use crate::cli::args::Global;
use crate::cli::failure::{Done, Failure};
use crate::cli::output::Output;

/// The store of somebody who named none.
const DEFAULT_URL: &str = "sqlite:windlass.db";

/// Where the URL was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    /// The URL.
    pub(crate) url: String,
    /// `--url`, the variable's name, or `the default`.
    pub(crate) origin: &'static str,
}

impl Address {
    /// `--url`, else `WINDLASS_URL`, else `WINDLASS_API_ENDPOINT`, else the default.
    pub(crate) fn find(global: &Global) -> Self {
        let given = |name| std::env::var(name).ok().filter(|url: &String| !url.is_empty());
        let (url, origin) = if let Some(url) = &global.url {
            (url.clone(), "--url")
        } else if let Some(url) = given("WINDLASS_URL") {
            (url, "WINDLASS_URL")
        } else if let Some(url) = given("WINDLASS_API_ENDPOINT") {
            (url, "WINDLASS_API_ENDPOINT")
        } else {
            (DEFAULT_URL.to_owned(), "the default")
        };
        Self { url, origin }
    }

    /// The file, when it is one.
    pub(crate) fn file(&self) -> Option<PathBuf> {
        windlass::sqlite_file(&self.url).map(|path| std::path::absolute(&path).unwrap_or(path))
    }

    /// Whether the store lives and dies with this process.
    pub(crate) fn is_memory(&self) -> bool {
        self.url.starts_with("memory:")
    }

    /// That there is no file, and what to do.
    pub(crate) fn missing(&self, file: &Path) -> Failure {
        Failure::store(
            format!("there is no store at {} (from {})", file.display(), self.origin),
            "name it with --url sqlite:PATH or WINDLASS_URL; the first worker or `windlass tasks \
             submit` makes it",
        )
    }
}

/// One command's hold on a store.
pub(crate) struct Session<'a> {
    /// The verbs.
    pub(crate) client: Client,
    /// Where to print.
    pub(crate) output: &'a Output,
}

/// Whether a command may make the store that it is pointed at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    /// It reads: an empty store made by the way would only hide a wrong path.
    Refuse,
    /// It writes the first task.
    Create,
}

impl<'a> Session<'a> {
    /// Opens the store.
    ///
    /// # Errors
    ///
    /// What connecting answers; exit 4 with the absolute path when there is no file.
    pub(crate) async fn open(
        global: &Global,
        output: &'a Output,
        missing: Missing,
    ) -> Result<Self, Failure> {
        let address = Address::find(global);
        let file = address.file().filter(|file| !file.exists());
        if let (Some(file), Missing::Refuse) = (&file, missing) {
            return Err(address.missing(file));
        }
        let client = windlass::connect_with(&address.url, options(global)).await?;
        if let Some(file) = file {
            output.note(&format!("made a new store at {}", file.display()));
        }
        if address.is_memory() {
            output.note("memory: is private to this command and gone when it ends");
        }
        Ok(Self { client, output })
    }

    /// Lets go of the store; `done`, unless closing fails after a good answer.
    pub(crate) async fn end(self, done: Done) -> Done {
        let closed = self.client.close().await.map_err(Failure::from);
        done.and(closed)
    }

    /// Where the store is, for people.
    pub(crate) fn location(&self) -> String {
        self.client.location()
    }
}

/// What the global options say about a connection.
pub(crate) fn options(global: &Global) -> ConnectOptions {
    let mut options = ConnectOptions::default();
    if let Some(tenant) = &global.tenant {
        options.tenant.clone_from(tenant);
    }
    options
}

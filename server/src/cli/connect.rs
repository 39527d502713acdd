//! Which store is meant, and whether it is there.

use std::path::{Path, PathBuf};
use std::time::Duration;

pub(crate) use windlass::client::DEFAULT_TENANT;
use windlass::rules::urls;
use windlass::{Client, ConnectOptions};

use crate::cli::args::Global;
use crate::cli::failure::{Done, Failure};
use crate::cli::key::{Holder, Key};
use crate::cli::origin::{Origin, first_variable, variable};
use crate::cli::output::Output;

/// The store of somebody who named none.
pub(crate) const DEFAULT_URL: &str = "sqlite:windlass.db";

/// Where the URL was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    /// The URL.
    pub(crate) url: String,
    /// Where it was found.
    pub(crate) origin: Origin,
}

/// Variables that name the store, the first that is set wins.
pub(crate) const URL_VARIABLES: [&str; 2] = ["WINDLASS_URL", "WINDLASS_API_ENDPOINT"];
/// The variable that names the tenant.
pub(crate) const TENANT_VARIABLE: &str = "WINDLASS_TENANT_ID";
/// The variable that names a file of certificates, which the library reads.
pub(crate) const CA_VARIABLE: &str = "WINDLASS_CA_FILE";

impl Address {
    /// `--url`, else `WINDLASS_URL`, else `WINDLASS_API_ENDPOINT`, else the default.
    pub(crate) fn find(global: &Global) -> Self {
        let (url, origin) = match &global.url {
            Some(url) => (url.clone(), Origin::Option("--url")),
            None => first_variable(&URL_VARIABLES)
                .unwrap_or_else(|| (DEFAULT_URL.to_owned(), Origin::Default)),
        };
        Self { url, origin }
    }

    /// The URL without what may be secret.
    pub(crate) fn shown(&self) -> String {
        urls::shown(&self.url)
    }

    /// The file, when it is one.
    pub(crate) fn file(&self) -> Option<PathBuf> {
        windlass::sqlite_file(&self.url).map(|path| std::path::absolute(&path).unwrap_or(path))
    }

    /// Whether the store lives and dies with this process.
    pub(crate) fn is_memory(&self) -> bool {
        self.url.starts_with("memory:")
    }

    /// Whether a server stands between this command and the store.
    pub(crate) fn is_remote(&self) -> bool {
        self.url.starts_with("http://") || self.url.starts_with("https://")
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

/// What becomes of a command when its server goes away under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    /// It fails after about a second: somebody waits for an answer.
    Short,
    /// It follows something: a server that is started again is waited for, about a quarter of a minute.
    Long,
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
        patience: Patience,
    ) -> Result<Self, Failure> {
        let address = Address::find(global);
        let file = address.file().filter(|file| !file.exists());
        if let (Some(file), Missing::Refuse) = (&file, missing) {
            return Err(address.missing(file));
        }
        let mut options = options(global)?;
        if address.is_remote() && patience == Patience::Long {
            // One that is not there at all is told at once, and not waited for.
            let first = windlass::connect_with(&address.url, options.clone()).await?;
            first.workers().await?;
            first.close().await?;
            options.retry.max_retries = 10;
            options.retry.max_delay = Duration::from_secs(2);
        }
        let client = windlass::connect_with(&address.url, options).await?;
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

/// What the global options and the environment say about a connection.
///
/// # Errors
///
/// Exit 2 for a key that cannot be read or used.
pub(crate) fn options(global: &Global) -> Result<ConnectOptions, Failure> {
    let mut options = ConnectOptions::from_env();
    if let Some((tenant, _)) = tenant(global) {
        options.tenant = tenant;
    }
    let key = Key::find(global.api_key_file.as_deref(), Holder::Client)?;
    options.api_key = key.map(|key| key.secret().to_owned());
    // Somebody waits for the answer, also for the one that the server is not there.
    options.retry.max_retries = 3;
    options.retry.initial_delay = Duration::from_millis(200);
    Ok(options)
}

/// The tenant that was named, and where.
pub(crate) fn tenant(global: &Global) -> Option<(String, Origin)> {
    match &global.tenant {
        Some(tenant) => Some((tenant.clone(), Origin::Option("--tenant"))),
        None => Some((variable(TENANT_VARIABLE)?, Origin::Variable(TENANT_VARIABLE))),
    }
}

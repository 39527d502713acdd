//! From a URL to a client.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use tokio::runtime::Handle;
use windlass_core::client::DEFAULT_TENANT;
use windlass_core::runtime::host::TokioHost;
use windlass_core::{
    Client, Clock, Engine, EngineOptions, Error, MemoryStore, Result, Store, SystemClock,
};

/// How hard a write is pressed to the disk before it is acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// Survives a power cut.
    #[default]
    Full,
    /// Survives a killed process; the last moments may be lost with the power.
    Normal,
}

/// What a connection can be told. Every field has a default.
#[derive(Clone)]
pub struct ConnectOptions {
    /// Whose tasks. Default `default`.
    pub tenant: String,
    /// Only for SQLite. Default [`Durability::Full`].
    pub durability: Durability,
    /// A clock of one's own, for tests. A manual one stops everything that runs by itself.
    pub clock: Option<Arc<dyn Clock>>,
    /// Waiting tasks that a queue may hold. Default 10 million.
    pub queue_depth_limit: Option<u64>,
    /// How long finished tasks are kept. Default 7 days.
    pub retention: Duration,
    /// Finished tasks that are kept at most. Default: any number.
    pub keep_finished: Option<u64>,
    /// History entries of one task that are kept at most. Default 10,000.
    pub updates_per_task: u64,
    /// Draws the middle of every jitter, for tests.
    pub seedless_jitter: bool,
}

impl Default for ConnectOptions {
    fn default() -> Self {
        let engine = EngineOptions::default();
        Self {
            tenant: DEFAULT_TENANT.to_owned(),
            durability: Durability::Full,
            clock: None,
            queue_depth_limit: engine.queue_depth_limit,
            retention: engine.retention,
            keep_finished: engine.keep_finished,
            updates_per_task: engine.updates_per_task,
            seedless_jitter: false,
        }
    }
}

/// Connects to a store with every default. Needs a tokio runtime around it.
///
/// `sqlite:PATH` is a file, made when it is not there; `memory:` is private to this connection;
/// `memory:NAME` is shared within the process.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use windlass::{Payload, TaskSpec};
/// let client = windlass::connect("memory:").await?;
/// let task = client.submit(TaskSpec::new("thumbnail", Payload::null())).await?;
/// assert_eq!(client.get(&task.task_id.to_string()).await?.task_type, "thumbnail");
/// # Ok::<(), windlass::Error>(()) }).unwrap();
/// ```
///
/// # Errors
///
/// `invalid_url`, `invalid_store`, `schema_incompatible`, `store_read_only`, `store_full`,
/// `store_unavailable`.
pub async fn connect(url: &str) -> Result<Client> {
    connect_with(url, ConnectOptions::default()).await
}

/// Connects with options. Errors as [`connect`].
pub async fn connect_with(url: &str, options: ConnectOptions) -> Result<Client> {
    connect_on(Handle::current(), url, options)
}

/// Connects on a runtime that the caller owns. Errors as [`connect`].
pub fn connect_on(handle: Handle, url: &str, options: ConnectOptions) -> Result<Client> {
    let clock = options.clock.clone().unwrap_or_else(|| Arc::new(SystemClock));
    let manual = clock.is_manual();
    let store = open(url, &options, clock)?;
    let host = Arc::new(TokioHost::new(handle));
    let mut engine = EngineOptions {
        queue_depth_limit: options.queue_depth_limit,
        retention: options.retention,
        keep_finished: options.keep_finished,
        updates_per_task: options.updates_per_task,
        manual,
        ..EngineOptions::default()
    };
    if options.seedless_jitter {
        engine.chance = || 0.5;
    }
    tracing::info!("opened {}", store.location());
    let engine = Engine::new(store, host.clone(), engine);
    Ok(Client::new(engine, host, &options.tenant))
}

fn open(url: &str, options: &ConnectOptions, clock: Arc<dyn Clock>) -> Result<Arc<dyn Store>> {
    match url.split_once(':') {
        Some(("memory", "")) => Ok(Arc::new(MemoryStore::new(clock))),
        Some(("memory", name)) => Ok(Arc::new(shared_memory(name, clock))),
        Some(("sqlite", path)) => sqlite(url, path, options, clock),
        _ => Err(refused(url, "must begin with sqlite: or memory:, for example sqlite:tasks.db")),
    }
}

/// Stores that connections of this process share by name.
fn shared_memory(name: &str, clock: Arc<dyn Clock>) -> MemoryStore {
    static SHARED: LazyLock<Mutex<HashMap<String, MemoryStore>>> = LazyLock::new(Mutex::default);
    let mut shared = SHARED.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    // With only the connection that is kept here, everybody has left: what was there is gone.
    let known = shared.get(name).filter(|store| store.connections() > 1).cloned();
    let store = known.unwrap_or_else(|| MemoryStore::new(clock));
    let connection = store.connect();
    shared.insert(name.to_owned(), store);
    connection
}

#[cfg(feature = "sqlite")]
fn sqlite(
    url: &str,
    path: &str,
    options: &ConnectOptions,
    clock: Arc<dyn Clock>,
) -> Result<Arc<dyn Store>> {
    let Some(file) = file_of(path) else {
        return Err(refused(url, "names no file; for a store in memory use memory:"));
    };
    let durability = match options.durability {
        Durability::Full => windlass_sqlite::Durability::Full,
        Durability::Normal => windlass_sqlite::Durability::Normal,
    };
    let options = windlass_sqlite::Options { durability, clock };
    Ok(Arc::new(windlass_sqlite::SqliteStore::open(&file, options)?))
}

#[cfg(not(feature = "sqlite"))]
fn sqlite(url: &str, _: &str, _: &ConnectOptions, _: Arc<dyn Clock>) -> Result<Arc<dyn Store>> {
    Err(refused(url, "this build has no SQLite; turn on the feature \"sqlite\""))
}

/// The file that a URL names; `None` when it names another kind of store, or none.
pub fn sqlite_file(url: &str) -> Option<PathBuf> {
    file_of(url.strip_prefix("sqlite:")?)
}

fn file_of(path: &str) -> Option<PathBuf> {
    // `sqlite:///abs` and `sqlite://rel` are common spellings of the same.
    let path = path.strip_prefix("//").unwrap_or(path);
    (!path.is_empty() && path != ":memory:").then(|| PathBuf::from(path))
}

fn refused(url: &str, reason: &str) -> Error {
    Error::InvalidUrl { url: redact(url), reason: reason.to_owned() }
}

/// The URL without its password.
fn redact(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    match rest.rsplit_once('@') {
        Some((login, place)) => {
            let user = login.split_once(':').map_or(login, |(user, _)| user);
            format!("{scheme}://{user}:***@{place}")
        }
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_shown() {
        assert_eq!(redact("postgres://me:secret@host/db"), "postgres://me:***@host/db");
        assert_eq!(redact("ftp://host/x"), "ftp://host/x");
    }
}

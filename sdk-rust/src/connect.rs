//! From a URL to a client.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use windlass_core::client::DEFAULT_TENANT;
use windlass_core::rules::urls;
use windlass_core::runtime::host::TokioHost;
use windlass_core::{
    BreakerConfig, Client, Clock, Engine, EngineOptions, Error, MemoryStore, Result, RetryConfig,
    Store, SystemClock,
};

/// Puts something around the store that a connection opened, to measure or to trace it.
pub type Instrument = Arc<dyn Fn(Arc<dyn Store>) -> Arc<dyn Store> + Send + Sync>;

/// How hard a write is pressed to the disk before it is acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// Survives a power cut.
    #[default]
    Full,
    /// Survives a killed process; the last moments may be lost with the power.
    Normal,
}

/// What a connection can be told. Every field has a default. What a kind of URL has no use for is left
/// alone: a server has a depth limit and a retention of its own.
#[derive(Clone)]
pub struct ConnectOptions {
    /// Whose tasks. Default `default`.
    pub tenant: String,
    /// Only for a server: sent as a bearer token. Never shown, not even in errors.
    pub api_key: Option<String>,
    /// Only for a server: longest time that one call may take with its retries. Default 30 s.
    pub timeout: Duration,
    /// Only for a server: how calls are repeated.
    pub retry: RetryConfig,
    /// Only for a server: when calls are kept away because it keeps failing; `None` never does.
    pub breaker: Option<BreakerConfig>,
    /// Only for a server: ordinary calls in flight at once, and connections kept for them. Default 20.
    pub max_connections: usize,
    /// Only for a server: a file of certificates, as PEM, that are trusted beside those of the system.
    pub ca_file: Option<PathBuf>,
    /// Only for a store in this process: put around it.
    pub instrument: Option<Instrument>,
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
            api_key: None,
            timeout: Duration::from_secs(30),
            retry: RetryConfig::default(),
            breaker: Some(BreakerConfig::default()),
            max_connections: 20,
            ca_file: None,
            instrument: None,
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

impl ConnectOptions {
    /// The defaults, with what the environment says: `WINDLASS_API_KEY`, `WINDLASS_TENANT_ID` and
    /// `WINDLASS_CA_FILE`. An empty one says nothing.
    #[must_use]
    pub fn from_env() -> Self {
        Self::from_variables(|name| std::env::var(name).ok())
    }

    fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Self {
        let read = |name| variable(name).filter(|value| !value.is_empty());
        let default = Self::default();
        Self {
            tenant: read("WINDLASS_TENANT_ID").unwrap_or_else(|| default.tenant.clone()),
            api_key: read("WINDLASS_API_KEY"),
            ca_file: read("WINDLASS_CA_FILE").map(PathBuf::from),
            ..default
        }
    }
}

/// Connects to a store or a server with every default. Needs a tokio runtime around it.
///
/// | URL | what |
/// | --- | --- |
/// | `sqlite:PATH` | a file, made when it is not there |
/// | `memory:` | private to this connection |
/// | `memory:NAME` | shared within the process |
/// | `http://HOST:PORT`, `https://HOST` | a Windlass server (feature `rest`); makes no request yet |
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
/// Behind a server it is the same, with a key from the environment:
///
/// ```no_run
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let options = windlass::ConnectOptions::from_env();
/// let client = windlass::connect_with("https://tasks.example.com", options).await?;
/// # Ok::<(), windlass::Error>(()) }).unwrap();
/// ```
///
/// # Errors
///
/// `invalid_url`, `invalid_argument`, `invalid_store`, `schema_incompatible`, `store_read_only`, `store_full`,
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
    let host = Arc::new(TokioHost::new(handle));
    if is_server(url) {
        return server(url, &options, host);
    }
    let clock = options.clock.clone().unwrap_or_else(|| Arc::new(SystemClock));
    let manual = clock.is_manual();
    let mut store = open(url, &options, clock)?;
    if let Some(instrument) = &options.instrument {
        store = instrument(store);
    }
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
        Some(("memory", name)) => Ok(Arc::new(MemoryStore::named(name, clock))),
        Some(("sqlite", path)) => sqlite(url, path, options, clock),
        _ => Err(refused(url, KNOWN)),
    }
}

#[cfg(all(feature = "sqlite", feature = "rest"))]
const KNOWN: &str = "must begin with sqlite:, memory:, http:// or https://, for example sqlite:tasks.db \
                     or http://localhost:8420";
#[cfg(all(feature = "sqlite", not(feature = "rest")))]
const KNOWN: &str = "must begin with sqlite: or memory:, for example sqlite:tasks.db";
#[cfg(all(not(feature = "sqlite"), feature = "rest"))]
const KNOWN: &str =
    "must begin with memory:, http:// or https://, for example http://localhost:8420";
#[cfg(not(any(feature = "sqlite", feature = "rest")))]
const KNOWN: &str = "must begin with memory:";

/// Whether a URL names a server, rather than a store in this process.
pub fn is_server(url: &str) -> bool {
    let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme);
    scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
}

#[cfg(feature = "rest")]
fn server(url: &str, options: &ConnectOptions, host: Arc<TokioHost>) -> Result<Client> {
    let mut rest = windlass_client::RestOptions {
        api_key: options.api_key.clone(),
        timeout: options.timeout,
        retry: options.retry.clone(),
        breaker: options.breaker.clone(),
        max_connections: options.max_connections,
        ca_file: options.ca_file.clone(),
        ..windlass_client::RestOptions::default()
    };
    if options.seedless_jitter {
        rest.chance = || 0.5;
    }
    windlass_core::rules::limits::name("tenant", &options.tenant)?;
    let service = windlass_client::RestService::new(url, rest, host.clone())?;
    Ok(Client::new(Arc::new(service), host, &options.tenant))
}

#[cfg(not(feature = "rest"))]
fn server(url: &str, _: &ConnectOptions, _: Arc<TokioHost>) -> Result<Client> {
    Err(refused(url, "this build knows no servers; turn on the feature \"rest\""))
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
    Error::InvalidUrl { url: urls::shown(url), reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    // ENV-01, ENV-03
    #[test]
    fn the_environment_gives_key_and_tenant() {
        let options = ConnectOptions::from_variables(|name| match name {
            "WINDLASS_API_KEY" => Some("k".to_owned()),
            "WINDLASS_TENANT_ID" => Some("acme".to_owned()),
            _ => None,
        });
        assert_eq!((options.api_key.as_deref(), options.tenant.as_str()), (Some("k"), "acme"));
        let options = ConnectOptions::from_variables(|_| Some(String::new()));
        assert_eq!((options.api_key, options.tenant.as_str()), (None, DEFAULT_TENANT));
    }

    #[tokio::test]
    async fn an_instrument_stands_around_the_store() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let heard = seen.clone();
        let instrument: Instrument = Arc::new(move |store| {
            heard.lock().unwrap().push(store.location());
            store
        });
        let options = ConnectOptions { instrument: Some(instrument), ..ConnectOptions::default() };
        let client = connect_with("memory:", options).await.unwrap();
        assert_eq!(*seen.lock().unwrap(), [client.location()]);
    }

    // GPY-25, GPY-05
    #[test]
    fn calls_of_a_server_have_the_documented_defaults() {
        let options = ConnectOptions::default();
        assert_eq!((options.timeout, options.max_connections), (Duration::from_secs(30), 20));
        assert_eq!(options.retry, RetryConfig::default());
        assert_eq!(options.breaker, Some(BreakerConfig::default()));
    }
}

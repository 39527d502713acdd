//! Where a case runs: a fresh store, one manual clock, a client for each tenant, and a server between
//! them where the clients are remote.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use windlass::client::DEFAULT_TENANT;
use windlass::{Client, ConnectOptions, Error, ManualClock};
use windlass_server::http::{ServeOptions, Server};

/// A kind of store that vectors run on, in process or behind a server.
#[derive(Debug)]
pub struct Place {
    /// The folder of `sqlite:FILE`, which goes with this value; without one it is `memory:NAME`.
    folder: Option<TempDir>,
    is_remote: bool,
}

impl Place {
    /// Stores in memory.
    pub fn memory() -> Self {
        Self { folder: None, is_remote: false }
    }

    /// SQLite files in a new folder.
    ///
    /// # Panics
    ///
    /// When no folder can be made.
    pub fn sqlite() -> Self {
        let folder = tempfile::tempdir().expect("a folder for the files");
        Self { folder: Some(folder), is_remote: false }
    }

    /// The same behind a server: the client under test knows nothing but its URL.
    #[must_use]
    pub fn behind_a_server(self) -> Self {
        Self { is_remote: true, ..self }
    }

    /// `memory` or `sqlite`.
    pub fn store(&self) -> &'static str {
        if self.folder.is_some() { "sqlite" } else { "memory" }
    }

    /// Who runs the vectors here: `rust-memory`, `rust-rest-sqlite`.
    pub fn runner(&self) -> String {
        let way = if self.is_remote { "rest-" } else { "" };
        format!("rust-{way}{}", self.store())
    }

    fn fresh(&self) -> (String, Option<PathBuf>) {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        match &self.folder {
            None => (format!("memory:vector-{number}"), None),
            Some(folder) => {
                let path = folder.path().join(format!("vector-{number}.db"));
                (format!("sqlite:{}", path.display()), Some(path))
            }
        }
    }
}

/// An empty store for one case.
pub(super) struct Site {
    pub(super) clock: Arc<ManualClock>,
    /// The database file, on SQLite.
    pub(super) file: Option<PathBuf>,
    url: String,
    options: ConnectOptions,
    clients: BTreeMap<String, Client>,
    is_remote: bool,
    /// The server of the case and the client that it serves, once a step needs them.
    server: Option<(Server, Client)>,
}

impl Site {
    /// `options` as in a case's `connect`.
    pub(super) fn new(place: &Place, options: &Value) -> Result<Self, String> {
        let (url, file) = place.fresh();
        let clock = Arc::new(ManualClock::default());
        let mut connect = ConnectOptions {
            clock: Some(clock.clone()),
            seedless_jitter: true,
            ..ConnectOptions::default()
        };
        for (name, value) in options.as_object().into_iter().flatten() {
            let number = value.as_f64().ok_or_else(|| format!("connect.{name} is no number"))?;
            match name.as_str() {
                "queue_depth_limit" => connect.queue_depth_limit = Some(number as u64),
                "keep_finished" => connect.keep_finished = Some(number as u64),
                "updates_per_task" => connect.updates_per_task = number as u64,
                "retention_seconds" => connect.retention = Duration::from_secs_f64(number),
                other => return Err(format!("there is no connect option {other}")),
            }
        }
        let (clients, is_remote) = (BTreeMap::new(), place.is_remote);
        Ok(Self { clock, file, url, options: connect, clients, is_remote, server: None })
    }

    /// The client of a tenant; connects when there is none yet.
    pub(super) async fn client(&mut self, tenant: &str) -> Result<Client, Error> {
        if let Some(client) = self.clients.get(tenant) {
            return Ok(client.clone());
        }
        let client = match self.is_remote {
            true => {
                let url = self.served().await?;
                let tenant = tenant.to_owned();
                // What else a client can be told is the server's: clock, limits, retention.
                windlass::connect_with(&url, ConnectOptions { tenant, ..ConnectOptions::default() })
                    .await?
            }
            false => self.connect(&self.url.clone(), tenant).await?,
        };
        self.clients.insert(tenant.to_owned(), client.clone());
        Ok(client)
    }

    /// The URL of the server; starts it when it is not up.
    async fn served(&mut self) -> Result<String, Error> {
        if let Some((server, _)) = &self.server {
            return Ok(server.url());
        }
        let inside = self.connect(&self.url.clone(), DEFAULT_TENANT).await?;
        let options = ServeOptions { listen: "127.0.0.1:0".to_owned(), ..ServeOptions::default() };
        let server = Server::start(inside.clone(), options).await?;
        let url = server.url();
        self.server = Some((server, inside));
        Ok(url)
    }

    /// A client in this process that is not kept.
    pub(super) async fn connect(&self, url: &str, tenant: &str) -> Result<Client, Error> {
        let options = ConnectOptions { tenant: tenant.to_owned(), ..self.options.clone() };
        windlass::connect_with(url, options).await
    }

    /// Closes every client, and the server; the next step connects again.
    pub(super) async fn reopen(&mut self) -> Result<(), Error> {
        for (_, client) in std::mem::take(&mut self.clients) {
            client.close().await?;
        }
        if let Some((server, inside)) = self.server.take() {
            server.stop();
            server.stopped().await;
            inside.close().await?;
        }
        Ok(())
    }
}

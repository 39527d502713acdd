//! Where a case runs: a fresh store, one manual clock, a client for each tenant.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use windlass::{Client, ConnectOptions, Error, ManualClock};

/// A kind of store that vectors run on.
#[derive(Debug)]
pub enum Place {
    /// `memory:NAME`.
    Memory,
    /// `sqlite:FILE`, in a folder that goes with this value.
    Sqlite(TempDir),
}

impl Place {
    /// SQLite files in a new folder.
    ///
    /// # Panics
    ///
    /// When no folder can be made.
    pub fn sqlite() -> Self {
        Self::Sqlite(tempfile::tempdir().expect("a folder for the files"))
    }

    /// `memory` or `sqlite`.
    pub fn store(&self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Sqlite(_) => "sqlite",
        }
    }

    fn fresh(&self) -> (String, Option<PathBuf>) {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        match self {
            Self::Memory => (format!("memory:vector-{number}"), None),
            Self::Sqlite(folder) => {
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
        Ok(Self { clock, file, url, options: connect, clients: BTreeMap::new() })
    }

    /// The client of a tenant; connects when there is none yet.
    pub(super) async fn client(&mut self, tenant: &str) -> Result<Client, Error> {
        if let Some(client) = self.clients.get(tenant) {
            return Ok(client.clone());
        }
        let client = self.connect(&self.url.clone(), tenant).await?;
        self.clients.insert(tenant.to_owned(), client.clone());
        Ok(client)
    }

    /// A client that is not kept.
    pub(super) async fn connect(&self, url: &str, tenant: &str) -> Result<Client, Error> {
        let options = ConnectOptions { tenant: tenant.to_owned(), ..self.options.clone() };
        windlass::connect_with(url, options).await
    }

    /// Closes every client; the next step connects again.
    pub(super) async fn reopen(&mut self) -> Result<(), Error> {
        for (_, client) in std::mem::take(&mut self.clients) {
            client.close().await?;
        }
        Ok(())
    }
}

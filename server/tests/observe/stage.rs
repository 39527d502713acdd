//! A real server on a real socket, with a clock that is moved by hand.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use windlass::{Client, Clock, ConnectOptions, ManualClock, Timestamp};
use windlass_server::http::{ServeOptions, Server};
use windlass_server::observe::{LogFormat, Metrics, subscriber};

use crate::text::Scrape;

/// Log lines of this process, as JSON text.
pub(crate) static LINES: LazyLock<Arc<Mutex<Vec<u8>>>> = LazyLock::new(|| {
    let lines: Arc<Mutex<Vec<u8>>> = Arc::default();
    let into = lines.clone();
    let writer = move || Lines(into.clone());
    let filter = "debug".parse().expect("a filter");
    let subscriber = subscriber(LogFormat::Json, filter, false, writer);
    tracing::subscriber::set_global_default(subscriber).expect("the first of this process");
    lines
});

struct Lines(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Which store is served.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Memory,
    Sqlite,
}

pub(crate) const BOTH: [Kind; 2] = [Kind::Memory, Kind::Sqlite];

/// A server, what it serves, and the time it goes by.
pub(crate) struct Stage {
    pub(crate) server: Server,
    pub(crate) client: Client,
    pub(crate) metrics: Arc<Metrics>,
    clock: Arc<ManualClock>,
    elapsed: Arc<AtomicU64>,
    key: Option<String>,
    _folder: TempDir,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) text: String,
}

impl Reply {
    /// The body, which must be JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {}", self.text))
    }

    /// A header's value.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let is_it = |line: &&str| {
            line.split_once(':').is_some_and(|(known, _)| known.eq_ignore_ascii_case(name))
        };
        Some(self.head.lines().find(is_it)?.split_once(':')?.1.trim())
    }
}

impl Stage {
    pub(crate) async fn new(kind: Kind) -> Self {
        Self::with(kind, None).await
    }

    pub(crate) async fn with(kind: Kind, key: Option<&str>) -> Self {
        LazyLock::force(&LINES);
        let folder = tempfile::tempdir().expect("a folder");
        let url = match kind {
            Kind::Memory => "memory:".to_owned(),
            Kind::Sqlite => format!("sqlite:{}", folder.path().join("tasks.db").display()),
        };
        let clock = Arc::new(ManualClock::default());
        let elapsed = Arc::new(AtomicU64::new(0));
        let read = elapsed.clone();
        let time = move || Duration::from_millis(read.load(Ordering::SeqCst));
        let metrics = Metrics::timed_by(Arc::new(time));
        let options = ConnectOptions {
            clock: Some(clock.clone()),
            seedless_jitter: true,
            instrument: Some(metrics.instrument()),
            ..ConnectOptions::default()
        };
        let client = windlass::connect_with(&url, options).await.expect("a client");
        let options = ServeOptions {
            listen: "127.0.0.1:0".to_owned(),
            api_key: key.map(str::to_owned),
            metrics: Some(metrics.clone()),
            grace: Duration::from_secs(1),
            ..ServeOptions::default()
        };
        let server = Server::start(client.clone(), options).await.expect("a server");
        let key = key.map(str::to_owned);
        Self { server, client, metrics, clock, elapsed, key, _folder: folder }
    }

    /// A client as another process would have, on the same store.
    pub(crate) async fn another(&self) -> Client {
        let options =
            ConnectOptions { clock: Some(self.clock.clone()), ..ConnectOptions::default() };
        windlass::connect_with(&self.client.location(), options).await.expect("a client")
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Lets time pass.
    pub(crate) fn pass(&self, seconds: f64) {
        let by = Duration::from_secs_f64(seconds);
        self.clock.advance(by);
        self.elapsed.fetch_add(by.as_millis() as u64, Ordering::SeqCst);
    }

    /// Sends a request with the server's key on a connection of its own.
    pub(crate) async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> Reply {
        let key = self.key.as_ref().map(|key| format!("Authorization: Bearer {key}\r\n"));
        self.send(method, path, body, &key.unwrap_or_default()).await
    }

    /// Sends a request with these headers.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
        headers: &str,
    ) -> Reply {
        let mut stream = self.begin(method, path, body, headers).await;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.expect("an answer");
        let text = String::from_utf8(bytes).expect("text");
        let (head, text) = text.split_once("\r\n\r\n").expect("a head");
        let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).expect("a status");
        Reply { status, head: head.to_owned(), text: text.to_owned() }
    }

    /// Sends a request and leaves its answer to be read.
    pub(crate) async fn begin(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
        headers: &str,
    ) -> TcpStream {
        let mut stream = TcpStream::connect(self.server.address()).await.expect("a connection");
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let kind = if body.is_empty() { "" } else { "Content-Type: application/json\r\n" };
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}{kind}\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).await.expect("sent");
        stream
    }

    /// Sends a request that must succeed.
    pub(crate) async fn post(&self, path: &str, body: Value) -> Value {
        let reply = self.ask("POST", path, Some(body)).await;
        assert!(reply.status < 300, "{path}: {reply:?}");
        if reply.text.is_empty() { Value::Null } else { reply.json() }
    }

    /// The JSON at a path.
    pub(crate) async fn get(&self, path: &str) -> Value {
        let reply = self.ask("GET", path, None).await;
        assert_eq!(reply.status, 200, "{path}: {reply:?}");
        reply.json()
    }

    /// Reads the metrics, gauges asked anew.
    pub(crate) async fn scrape(&self) -> Scrape {
        self.elapsed.fetch_add(1000, Ordering::SeqCst);
        let reply = self.ask("GET", "/metrics", None).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        Scrape::of(&reply.text)
    }

    /// Announces a worker for queue `mail`.
    pub(crate) async fn announce(&self, worker: &str, handler: &str, holds: u32) {
        let body = json!({
            "worker_id": worker, "queues": ["mail"], "handlers": [handler], "concurrency": 2,
            "host": "host:1", "holds": holds,
        });
        self.post("/api/v1/workers", body).await;
    }

    /// Leases from queues `mail` and `bulk`.
    pub(crate) async fn lease(&self, worker: &str, handler: &str) -> Vec<Value> {
        let body = json!({
            "worker": worker, "queues": ["mail", "bulk"], "handlers": [handler], "limit": 10,
            "lease_seconds": 60,
        });
        let leased = self.post("/api/v1/leases", body).await;
        leased["tasks"].as_array().expect("tasks").clone()
    }
}

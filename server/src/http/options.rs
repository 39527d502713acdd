//! What a server can be told.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::console::Console;
use crate::observe::Metrics;

/// How a server listens and what it takes. Every field has a default.
#[derive(Clone)]
pub struct ServeOptions {
    /// Address and port; port 0 takes a free one. Default `127.0.0.1:8420`.
    pub listen: String,
    /// The key that every call under `/api` and `/metrics` must carry. Default none: then only this
    /// machine may call.
    pub api_key: Option<String>,
    /// Origins of web pages that may call, for example `https://app.example.com`; `*` for any. Default
    /// none.
    pub cors_origins: Vec<String>,
    /// Certificate and key; with them the server speaks only TLS.
    pub tls: Option<TlsFiles>,
    /// Connections at once; one more is answered with 503 and closed. Default 10,000.
    pub max_connections: usize,
    /// Streams and held answers at once; one more is refused with 503. Default 5,000.
    pub max_streams: usize,
    /// Bytes of a request's body. Default 16 MiB.
    pub body_limit: usize,
    /// Bytes of a request's line and headers, at least 1 KiB. Default 32 KiB.
    pub header_limit: usize,
    /// How long a request's headers, or a TLS handshake, may take. Default 10 s.
    pub header_timeout: Duration,
    /// How long a request's body may take. Default 30 s.
    pub body_timeout: Duration,
    /// How long a reader may take nothing of what it is sent before it is cut. Default 30 s.
    pub write_timeout: Duration,
    /// How long requests may go on once the server stops. Default 10 s.
    pub grace: Duration,
    /// Whether the web console is served at `/`. Default on.
    pub console: Console,
    /// Where the server counts what it does, to be read at `/metrics`; the one whose
    /// `Metrics::instrument` the client was connected with counts tasks, too. Default: one of its own.
    pub metrics: Option<Arc<Metrics>>,
}

/// Where a server's certificate is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// PEM file with the certificate, and those that vouch for it behind it.
    pub cert: PathBuf,
    /// PEM file with the certificate's private key.
    pub key: PathBuf,
}

impl Default for ServeOptions {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8420".to_owned(),
            api_key: None,
            cors_origins: Vec::new(),
            tls: None,
            max_connections: 10_000,
            max_streams: 5_000,
            body_limit: 16 << 20,
            header_limit: 32 << 10,
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(30),
            grace: Duration::from_secs(10),
            console: Console::default(),
            metrics: None,
        }
    }
}

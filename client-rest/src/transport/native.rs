//! Connections of this process, and whose certificates are trusted.

use std::error::Error as _;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Client, Method, StatusCode, Url};
use windlass_core::{Error, Result};

use crate::address::Address;
use crate::options::RestOptions;
use crate::transport::{Chunks, JSON, Parts, Request, Silence, Unanswered};

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a connection is kept that nobody uses.
const IDLE: Duration = Duration::from_secs(60);

/// A pool of connections. Clones share it.
#[derive(Clone)]
pub(crate) struct Transport {
    pool: Client,
    key: Option<HeaderValue>,
}

impl Transport {
    /// Makes no connection before the first call. `bearer` is what authorizes.
    ///
    /// # Errors
    ///
    /// `invalid_argument` for a file of certificates that is none.
    pub(crate) fn open(
        address: &Address,
        options: &RestOptions,
        bearer: Option<String>,
    ) -> Result<Self> {
        let key = bearer.map(HeaderValue::try_from).transpose();
        let mut key = key.map_err(|_| Error::invalid("api_key", "cannot be sent in a header"))?;
        if let Some(key) = &mut key {
            key.set_sensitive(true);
        }
        Ok(Self { pool: pool(address, options)?, key })
    }

    /// The head of the answer to `asked`.
    pub(crate) async fn send(&self, asked: Request<'_>) -> Result<Response, Unanswered> {
        let method = Method::from_bytes(asked.verb.method.as_bytes()).unwrap_or_default();
        let mut request = self.pool.request(method, asked.url).header(ACCEPT, asked.accept);
        if let Some(key) = &self.key {
            request = request.header(AUTHORIZATION, key.clone());
        }
        if let Some(tenant) = asked.tenant {
            request = request.header("windlass-tenant", tenant.as_bytes());
        }
        if let Some(body) = asked.body {
            request = request.header(CONTENT_TYPE, JSON).body(body);
        }
        request.send().await.map(Response).map_err(|error| match error.is_builder() {
            true => Unanswered::Unsendable,
            false => Unanswered::Silent(silence(error)),
        })
    }
}

/// An answer whose body may still be on its way.
#[derive(Debug)]
pub(crate) struct Response(reqwest::Response);

impl Response {
    /// Its status.
    pub(crate) fn status(&self) -> u16 {
        self.0.status().as_u16()
    }

    /// A header's text.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        self.0.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
    }

    /// How many bytes it says it has.
    pub(crate) fn length(&self) -> Option<u64> {
        self.0.content_length()
    }

    /// Its body.
    pub(crate) fn chunks(self) -> Chunks {
        Box::pin(self.0.bytes_stream().map(|piece| piece.map_err(silence)))
    }
}

/// What a status is called.
pub(crate) fn reason(status: u16) -> Option<&'static str> {
    StatusCode::from_u16(status).ok()?.canonical_reason()
}

/// Takes a URL apart; why it is none.
pub(crate) fn parts(text: &str) -> Result<Parts, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    let host = url.host_str().unwrap_or_default().to_owned();
    let is_loopback = host == "localhost"
        || host.trim_matches(['[', ']']).parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
    Ok(Parts {
        scheme: url.scheme().to_owned(),
        has_login: !url.username().is_empty() || url.password().is_some(),
        has_more: url.query().is_some() || url.fragment().is_some(),
        port: url.port_or_known_default().unwrap_or_default(),
        path: url.path().to_owned(),
        origin: url.origin().ascii_serialization(),
        host,
        is_loopback,
    })
}

fn pool(address: &Address, options: &RestOptions) -> Result<Client> {
    // There is one provider in this build; another that the program installed before serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = Client::builder()
        .user_agent(concat!("windlass/", env!("CARGO_PKG_VERSION")))
        // A server that moved is to be told to the user: a key must not follow it elsewhere.
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .connect_timeout(CONNECT)
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(options.max_connections)
        .tcp_nodelay(true);
    if address.is_loopback() {
        builder = builder.no_proxy();
    }
    builder = match &options.ca_file {
        Some(file) => {
            let refused = |reason: String| Error::invalid("ca_file", reason);
            let pem = std::fs::read(file)
                .map_err(|error| refused(format!("{} cannot be read: {error}", file.display())))?;
            let certificates = reqwest::Certificate::from_pem_bundle(&pem)
                .ok()
                .filter(|certificates| !certificates.is_empty())
                .ok_or_else(|| {
                    refused(format!("{} holds no certificates as PEM", file.display()))
                })?;
            builder.tls_certs_merge(certificates)
        }
        None if address.is_https() => builder,
        // Nothing is ever encrypted here: the system's certificates need not be read.
        None => builder.tls_certs_only([]),
    };
    builder.build().map_err(unusable)
}

fn unusable(error: reqwest::Error) -> Error {
    Error::unavailable("connect", error.without_url())
}

fn silence(error: reqwest::Error) -> Silence {
    let error = error.without_url();
    Silence { reason: cause(&error), source: Some(Arc::new(error)) }
}

/// What is beneath a failed call, in words.
fn cause(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no connection in time".to_owned();
    }
    let mut deepest: &(dyn std::error::Error + 'static) = match error.source() {
        Some(source) => source,
        None => return error.to_string(),
    };
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    let Some(io) = deepest.downcast_ref::<std::io::Error>() else { return deepest.to_string() };
    match io.kind() {
        ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::ConnectionAborted => {
            "connection reset".to_owned()
        }
        _ => io.to_string(),
    }
}

//! A running server.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use windlass_core::{Client, Error, Result};

use super::cors::Cors;
use super::listen::{self, Listener};
use super::options::ServeOptions;
use super::serving::{Phase, Serving};
use super::{nofile, router, tls};

/// A running server. Clones are handles on one; dropping them does not stop it.
#[derive(Clone)]
pub struct Server {
    serving: Arc<Serving>,
    address: SocketAddr,
    secure: bool,
    connections: listen::Connections,
}

impl Server {
    /// Binds, and serves `client`'s service until stopped. Needs a tokio runtime around it. The client
    /// stays the caller's to close, after the server has stopped.
    ///
    /// # Errors
    ///
    /// `invalid_argument` with field `listen` (no address, not free, or not of this machine alone
    /// without a key), `api_key`, `cors_origins`, `tls_cert` or `tls_key`.
    pub async fn start(client: Client, options: ServeOptions) -> Result<Self> {
        if options.api_key.as_deref().is_some_and(|key| key.trim().is_empty()) {
            return Err(Error::invalid("api_key", "must not be empty"));
        }
        let acceptor = options.tls.as_ref().map(tls::acceptor).transpose()?;
        let cors = Cors::new(&options.cors_origins)?.map(Arc::new);
        let listener = bind(&options).await?;
        let address = listener.local_addr().map_err(|error| refused(&options.listen, &error))?;
        let room = nofile::connections(options.max_connections);
        let secure = acceptor.is_some();
        let serving = Arc::new(Serving::new(&client, options));
        serving.metrics.watch(&client);
        serving.history.watch(&client);
        let connections = listen::Connections::new(room);
        let listener = Listener {
            listener,
            acceptor,
            cors,
            router: router::router(serving.clone()),
            serving: serving.clone(),
            connections: connections.clone(),
        };
        tokio::spawn(listener.run());
        Ok(Self { serving, address, secure, connections })
    }

    /// Where it answers, for example `http://127.0.0.1:8420`.
    pub fn url(&self) -> String {
        let scheme = if self.secure { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// The address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Begins to stop: no new connections, held answers come at once, streams end. What is under way
    /// has `grace` to finish. Again does nothing.
    pub fn stop(&self) {
        self.serving.go(Phase::Draining);
    }

    /// Resolves when every connection is gone after a stop, at the latest when `grace` has passed.
    pub async fn stopped(&self) {
        self.serving.draining().await;
        self.connections.gone().await;
    }
}

async fn bind(options: &ServeOptions) -> Result<TcpListener> {
    let wanted = &options.listen;
    let mut addresses = tokio::net::lookup_host(wanted.as_str())
        .await
        .map_err(|error| refused(wanted, &error))?
        .peekable();
    if addresses.peek().is_none() {
        return Err(refused(wanted, &"names no address"));
    }
    let addresses: Vec<SocketAddr> = addresses.collect();
    if options.api_key.is_none() && addresses.iter().any(|address| !address.ip().is_loopback()) {
        let reason = format!(
            "{wanted} can be reached from other machines: give a key, or listen on 127.0.0.1"
        );
        return Err(Error::invalid("listen", reason));
    }
    TcpListener::bind(&*addresses).await.map_err(|error| refused(wanted, &error))
}

fn refused(listen: &str, why: &impl std::fmt::Display) -> Error {
    Error::invalid("listen", format!("cannot listen on {listen:?}: {why}"))
}

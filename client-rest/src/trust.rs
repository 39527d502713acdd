//! Connections, and whose certificates are trusted.

use reqwest::Client;
use windlass_core::{Error, Result};

use crate::address::Address;
use crate::options::RestOptions;

/// How long a connection may take to be made.
#[cfg(not(target_family = "wasm"))]
const CONNECT: std::time::Duration = std::time::Duration::from_secs(10);
/// How long a connection is kept that nobody uses.
#[cfg(not(target_family = "wasm"))]
const IDLE: std::time::Duration = std::time::Duration::from_secs(60);

/// A pool of connections. It makes none before the first call.
///
/// # Errors
///
/// `invalid_argument` for a file of certificates that is none.
#[cfg(not(target_family = "wasm"))]
pub(crate) fn pool(address: &Address, options: &RestOptions) -> Result<Client> {
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

/// The browser's own connections.
#[cfg(target_family = "wasm")]
pub(crate) fn pool(_: &Address, options: &RestOptions) -> Result<Client> {
    if options.ca_file.is_some() {
        return Err(Error::invalid("ca_file", "cannot be given in a browser, which has its own"));
    }
    Client::builder().build().map_err(unusable)
}

fn unusable(error: reqwest::Error) -> Error {
    Error::unavailable("connect", error.without_url())
}

//! TLS from PEM files.

use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;
use windlass_core::{Error, Result};

use super::options::TlsFiles;

/// Reads certificate and key.
///
/// # Errors
///
/// `invalid_argument` with field `tls_cert` or `tls_key`: a file is missing, holds something else, or
/// the two do not belong together.
pub(crate) fn acceptor(files: &TlsFiles) -> Result<TlsAcceptor> {
    let certs = read("tls_cert", &files.cert, |text| {
        CertificateDer::pem_slice_iter(text).collect::<Result<Vec<_>, _>>()
    })?;
    if certs.is_empty() {
        return Err(refused("tls_cert", &files.cert, "holds no certificate"));
    }
    let key = read("tls_key", &files.key, PrivateKeyDer::from_pem_slice)?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::internal(error.to_string()))?
        .with_no_client_auth()
        .with_single_cert(certs, key)
        .map_err(|error| {
            let why = format!("does not belong to the certificate: {error}");
            refused("tls_key", &files.key, &why)
        })?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn read<T, E: std::fmt::Display>(
    field: &str,
    path: &Path,
    parse: impl FnOnce(&[u8]) -> Result<T, E>,
) -> Result<T> {
    let text = std::fs::read(path)
        .map_err(|error| refused(field, path, &format!("cannot be read: {error}")))?;
    parse(&text).map_err(|error| refused(field, path, &format!("is not what it must be: {error}")))
}

fn refused(field: &str, path: &Path, why: &str) -> Error {
    Error::invalid(field, format!("{} {why}", path.display()))
}

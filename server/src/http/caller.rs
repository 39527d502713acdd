//! Who asks: tenant, request id, and the connection that the answer goes to.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{fmt, str};

use axum::http::header::HeaderValue;
use axum::http::{HeaderMap, HeaderName};
use windlass_core::client::DEFAULT_TENANT;
use windlass_core::rules::{chance, limits};
use windlass_core::{Error, Result};

use super::peer::Peer;

/// Names the request in answers and logs.
pub(crate) static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
static TENANT: HeaderName = HeaderName::from_static("windlass-tenant");

/// Who asks.
#[derive(Clone)]
pub(crate) struct Caller {
    tenant: Option<Box<str>>,
    pub(crate) peer: Arc<Peer>,
}

impl Caller {
    /// Reads who asks from the headers.
    ///
    /// # Errors
    ///
    /// `invalid_argument` for a tenant that no tenant can be called, and for more than one: whoever stands
    /// before the server may have meant another one than the first.
    pub(crate) fn of(headers: &HeaderMap, peer: Arc<Peer>) -> Result<Self> {
        let mut tenants = headers.get_all(&TENANT).iter();
        let tenant = match (tenants.next(), tenants.next()) {
            (None, _) => None,
            (_, Some(_)) => return Err(Error::invalid("tenant", "is given twice")),
            (Some(value), None) => {
                let name = str::from_utf8(value.as_bytes())
                    .map_err(|_| Error::invalid("tenant", "must be UTF-8"))?;
                limits::name("tenant", name)?;
                Some(name.into())
            }
        };
        Ok(Self { tenant, peer })
    }

    /// Whose tasks it is about.
    pub(crate) fn tenant(&self) -> &str {
        self.tenant.as_deref().unwrap_or(DEFAULT_TENANT)
    }
}

/// Name of a request: the caller's own when it can stand in a header and a log, else a new one.
pub(crate) struct RequestId(HeaderValue);

impl RequestId {
    /// The name of the request with these headers.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let given = headers.get(&REQUEST_ID).filter(|value| {
            (1..=128).contains(&value.len()) && value.as_bytes().iter().all(u8::is_ascii_graphic)
        });
        Self(given.cloned().unwrap_or_else(made))
    }

    /// For a header.
    pub(crate) fn value(&self) -> HeaderValue {
        self.0.clone()
    }

    /// As text.
    pub(crate) fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A random start and a counter: unique, and cheaper than a draw for each request.
fn made() -> HeaderValue {
    static START: std::sync::LazyLock<u64> = std::sync::LazyLock::new(|| {
        let mut bytes = [0; 8];
        chance::fill(&mut bytes);
        u64::from_le_bytes(bytes)
    });
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let mut text = *b"0000000000000000-00000000";
    hex(&mut text[..16], *START);
    hex(&mut text[17..], count);
    HeaderValue::from_bytes(&text).unwrap_or_else(|_| HeaderValue::from_static("none"))
}

fn hex(to: &mut [u8], mut number: u64) {
    for digit in to.iter_mut().rev() {
        *digit = b"0123456789abcdef"[(number & 15) as usize];
        number >>= 4;
    }
}

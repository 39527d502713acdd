//! What a connection to a server can be told.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use windlass_core::rules::chance;
use windlass_core::{BreakerConfig, Error, Result, RetryConfig};

/// Everything that a connection to a server can be told. Every field has a default.
#[derive(Clone)]
pub struct RestOptions {
    /// Sent as a bearer token. Never shown, not even in errors.
    pub api_key: Option<String>,
    /// Longest time that one call may take with its retries. Default 30 s. What waits on purpose, like
    /// the end of a task, may take as much longer as it waits.
    pub timeout: Duration,
    /// How calls are repeated.
    pub retry: RetryConfig,
    /// When calls are kept away from a server that keeps failing; `None` never does. A worker's own calls
    /// are not kept away: its leases would run out.
    pub breaker: Option<BreakerConfig>,
    /// Ordinary calls in flight at once, and connections kept open for them. Default 20. What waits on
    /// purpose, and each stream, has a connection beside these.
    pub max_connections: usize,
    /// Streams, and calls that wait on purpose, that all clients of one host and port with such a limit may
    /// have open at once, by the limit of the first of them; what is beyond asks again and again instead.
    /// Default any number. A browser has six connections to a server that speaks HTTP/1.1, for all clients
    /// together, and everything else needs some, too.
    pub max_waits: Option<usize>,
    /// A file of certificates, as PEM, that are trusted beside those of the system.
    pub ca_file: Option<PathBuf>,
    /// Draws for the jitter of retries, from 0 up to 1.
    pub chance: fn() -> f64,
}

impl Default for RestOptions {
    fn default() -> Self {
        Self {
            api_key: None,
            timeout: Duration::from_secs(30),
            retry: RetryConfig::default(),
            breaker: Some(BreakerConfig::default()),
            max_connections: 20,
            max_waits: None,
            ca_file: None,
            chance: chance::unit,
        }
    }
}

impl RestOptions {
    /// Checks every field but the key and the file, which are checked where they are read.
    ///
    /// # Errors
    ///
    /// `invalid_argument`.
    pub fn check(&self) -> Result<()> {
        if self.timeout.is_zero() {
            return Err(Error::invalid("timeout", "must be more than 0"));
        }
        if !(1..=10_000).contains(&self.max_connections) {
            return Err(Error::invalid("max_connections", "must be 1 to 10000"));
        }
        self.retry.check()?;
        self.breaker.as_ref().map_or(Ok(()), BreakerConfig::check)
    }
}

impl fmt::Debug for RestOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RestOptions")
            .field("api_key", &self.api_key.as_ref().map(|_| "***"))
            .field("timeout", &self.timeout)
            .field("retry", &self.retry)
            .field("breaker", &self.breaker)
            .field("max_connections", &self.max_connections)
            .field("max_waits", &self.max_waits)
            .field("ca_file", &self.ca_file)
            .finish_non_exhaustive()
    }
}

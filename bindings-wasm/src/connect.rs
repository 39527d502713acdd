//! From a URL to a client.

use std::sync::Arc;

#[cfg(feature = "whole")]
use windlass_core::Client;
use windlass_core::client::DEFAULT_TENANT;
use windlass_core::rules::urls;
use windlass_core::{Error, Result};
#[cfg(feature = "whole")]
use windlass_json::Client as Verbs;
use windlass_json::{Fields, Options};

use crate::host::JsHost;
#[cfg(not(feature = "whole"))]
use crate::thin::Verbs;
#[cfg(not(feature = "whole"))]
use windlass_client::TextClient as Client;

/// Longest time that a submit keeps trying while its queue is full, and the default of a call.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);

/// What a client may have for time: the system's unless a test gives one.
#[cfg(feature = "engine")]
pub(crate) type Time = Option<Arc<windlass_core::ManualClock>>;
/// A server has its own.
#[cfg(not(feature = "engine"))]
pub(crate) type Time = Option<std::convert::Infallible>;

/// A client of what `url` names; `options` is JSON text of an object.
///
/// # Errors
///
/// `invalid_url`, `invalid_argument`, also for a field that is not known.
pub(crate) fn connect(url: &str, options: &str, clock: Time) -> Result<Verbs> {
    let mut fields = Fields::read("options", options)?;
    let options = Options::take(&mut fields)?;
    fields.end()?;
    let tenant = options.tenant.as_deref().unwrap_or(DEFAULT_TENANT);
    let patience = options.patience.or(options.timeout).unwrap_or(PATIENCE);
    let client = open(url, &options, tenant, clock)?;
    Ok(Verbs::new(client, patience))
}

fn open(url: &str, options: &Options, tenant: &str, clock: Time) -> Result<Client> {
    let (scheme, rest) = url.split_once(':').unwrap_or_default();
    #[cfg(feature = "engine")]
    if scheme == "memory" {
        return Ok(memory(rest, options, tenant, clock));
    }
    #[cfg(not(feature = "engine"))]
    if scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https") {
        return server(url, options, tenant);
    }
    let _ = (options, tenant, clock, scheme, rest);
    Err(Error::InvalidUrl { url: urls::shown(url), reason: KNOWN.to_owned() })
}

#[cfg(feature = "engine")]
const KNOWN: &str = "must begin with memory:";
#[cfg(not(feature = "engine"))]
const KNOWN: &str = "must begin with http:// or https://";

/// Of the six connections that a browser has to a server, those that all clients of a page together may keep
/// waiting: to follow tasks and to wait for them.
#[cfg(feature = "rest")]
const WAITS: usize = 3;
/// The same of what is fetched for workers, which shares nothing with the other part: to wait for work, and to follow pipelines. The sixth
/// is for whoever has something to say.
#[cfg(feature = "worker")]
const WAITS: usize = 2;

/// A server, asked by HTTP. Makes no request yet.
#[cfg(not(feature = "engine"))]
fn server(url: &str, options: &Options, tenant: &str) -> Result<Client> {
    use windlass_client::RestOptions;

    let default = RestOptions::default();
    let rest = RestOptions {
        api_key: options.api_key.clone(),
        timeout: options.timeout.unwrap_or(default.timeout),
        retry: options.retry.clone().unwrap_or(default.retry),
        breaker: options.breaker.clone().unwrap_or(default.breaker),
        max_connections: options.max_connections.unwrap_or(default.max_connections),
        chance: if options.seedless_jitter { || 0.5 } else { default.chance },
        max_waits: Some(WAITS),
        ca_file: None,
    };
    let host = Arc::new(JsHost);
    #[cfg(feature = "rest")]
    return Client::new(url, rest, host, tenant);
    #[cfg(feature = "worker")]
    {
        let service = windlass_client::RestService::new(url, rest, host.clone())?;
        Ok(Client::new(Arc::new(service), host, tenant))
    }
}

/// A store in this page or process: private without a name.
#[cfg(feature = "engine")]
fn memory(name: &str, options: &Options, tenant: &str, clock: Time) -> Client {
    use windlass_core::{Clock, Engine, MemoryStore, SystemClock};

    let clock: Arc<dyn Clock> = match clock {
        Some(clock) => clock,
        None => Arc::new(SystemClock),
    };
    let manual = clock.is_manual();
    let store = match name {
        "" => MemoryStore::new(clock),
        name => MemoryStore::named(name, clock),
    };
    let host = Arc::new(JsHost);
    let engine = Engine::new(Arc::new(store), host.clone(), options.engine(manual));
    Client::new(engine, host, tenant)
}

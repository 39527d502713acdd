//! From a URL to a client.

use std::sync::Arc;

use windlass_core::client::DEFAULT_TENANT;
use windlass_core::rules::urls;
use windlass_core::{Client, Error, Result};
use windlass_json::{Client as Verbs, Fields, Options};

use crate::host::JsHost;

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
    match url.split_once(':') {
        #[cfg(feature = "engine")]
        Some(("memory", name)) => Ok(memory(name, options, tenant, clock)),
        _ => {
            let _ = (options, tenant, clock, JsHost, Arc::new(()));
            let reason = "is not known to this module".to_owned();
            Err(Error::InvalidUrl { url: urls::shown(url), reason })
        }
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
        name => shared(name, clock),
    };
    let host = Arc::new(JsHost);
    let engine = Engine::new(Arc::new(store), host.clone(), options.engine(manual));
    Client::new(engine, host, tenant)
}

/// Stores that connections of this page or process share by name.
#[cfg(feature = "engine")]
fn shared(name: &str, clock: Arc<dyn windlass_core::Clock>) -> windlass_core::MemoryStore {
    use std::collections::HashMap;
    use std::sync::{LazyLock, Mutex};

    use windlass_core::MemoryStore;

    static SHARED: LazyLock<Mutex<HashMap<String, MemoryStore>>> = LazyLock::new(Mutex::default);
    let mut shared = SHARED.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    // With only the connection that is kept here, everybody has left: what was there is gone.
    let known = shared.get(name).filter(|store| store.connections() > 1).cloned();
    let store = known.unwrap_or_else(|| MemoryStore::new(clock));
    let connection = store.connect();
    shared.insert(name.to_owned(), store);
    connection
}

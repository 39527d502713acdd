//! Stores that connections of one process share by name.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use crate::store::clock::Clock;
use crate::store::memory::MemoryStore;

static SHARED: LazyLock<Mutex<HashMap<String, MemoryStore>>> = LazyLock::new(Mutex::default);

impl MemoryStore {
    /// A connection to the store that has this name in this process. The first one's clock counts, and the
    /// tasks go with the last one.
    pub fn named(name: &str, clock: Arc<dyn Clock>) -> Self {
        let mut shared = SHARED.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        // With only the connection that is kept here, everybody has left: what was there is gone.
        let known = shared.get(name).filter(|store| store.connections() > 1).cloned();
        let store = known.unwrap_or_else(|| Self::new(clock));
        let connection = store.connect();
        shared.insert(name.to_owned(), store);
        connection
    }
}

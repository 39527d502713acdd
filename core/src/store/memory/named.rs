//! Stores that connections of one process share by name.

use std::sync::{Arc, LazyLock, Mutex};

use crate::store::clock::Clock;
use crate::store::memory::MemoryStore;

static SHARED: LazyLock<Mutex<Vec<(String, MemoryStore)>>> = LazyLock::new(Mutex::default);

impl MemoryStore {
    /// A connection to the store that has this name in this process. The first one's clock counts, and the
    /// tasks go with the last one.
    pub fn named(name: &str, clock: Arc<dyn Clock>) -> Self {
        let mut shared = SHARED.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        // With only the connection that is kept here, everybody has left: what was there is gone.
        let place = shared.iter().position(|(known, _)| known == name);
        let known = place.map(|place| shared.swap_remove(place).1);
        let known = known.filter(|store| store.connections() > 1);
        let store = known.unwrap_or_else(|| Self::new(clock));
        let connection = store.connect();
        shared.push((name.to_owned(), store));
        connection
    }
}

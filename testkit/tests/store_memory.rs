//! The store suite on the store in memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use windlass_core::{Clock, MemoryStore, Store};

fn opener() -> impl Fn(&str, Arc<dyn Clock>) -> Arc<dyn Store> + Sync {
    let places: Mutex<HashMap<String, MemoryStore>> = Mutex::default();
    move |name, clock| {
        let mut places = places.lock().unwrap();
        Arc::new(places.entry(name.to_owned()).or_insert_with(|| MemoryStore::new(clock)).connect())
    }
}

#[test]
fn memory_store_keeps_the_contract() {
    windlass_testkit::store::exercise("memory", opener());
}

#[test]
fn memory_store_keeps_the_contract_of_composites() {
    windlass_testkit::store::exercise_composites("memory", opener());
}

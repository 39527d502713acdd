//! The store suite on the store in memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use windlass_core::MemoryStore;

#[test]
fn memory_store_keeps_the_contract() {
    let places: Mutex<HashMap<String, MemoryStore>> = Mutex::default();
    windlass_testkit::store::exercise("memory", |name, clock| {
        let mut places = places.lock().unwrap();
        Arc::new(places.entry(name.to_owned()).or_insert_with(|| MemoryStore::new(clock)).connect())
    });
}

//! The store suite on the store in an SQLite file.

use std::sync::Arc;

use windlass_core::{Clock, Store};
use windlass_sqlite::{Durability, Options, SqliteStore};
use windlass_testkit::store::{exercise, exercise_composites};

fn opener(
    folder: &tempfile::TempDir,
    durability: Durability,
) -> impl Fn(&str, Arc<dyn Clock>) -> Arc<dyn Store> + Sync {
    move |name, clock| {
        let path = folder.path().join(format!("{name}.db"));
        Arc::new(SqliteStore::open(&path, Options { durability, clock }).unwrap())
    }
}

#[test]
fn sqlite_store_keeps_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    exercise("sqlite", opener(&folder, Durability::Full));
}

#[test]
fn sqlite_store_keeps_the_contract_with_less_durability() {
    let folder = tempfile::tempdir().unwrap();
    exercise("sqlite", opener(&folder, Durability::Normal));
}

#[test]
fn sqlite_store_keeps_the_contract_of_composites() {
    let folder = tempfile::tempdir().unwrap();
    exercise_composites("sqlite", opener(&folder, Durability::Full));
}

//! The store suite on the store in an SQLite file.

use std::sync::Arc;

use windlass_sqlite::{Durability, Options, SqliteStore};

fn exercise(durability: Durability) {
    let folder = tempfile::tempdir().unwrap();
    windlass_testkit::store::exercise("sqlite", |name, clock| {
        let path = folder.path().join(format!("{name}.db"));
        Arc::new(SqliteStore::open(&path, Options { durability, clock }).unwrap())
    });
}

#[test]
fn sqlite_store_keeps_the_contract() {
    exercise(Durability::Full);
}

#[test]
fn sqlite_store_keeps_the_contract_with_less_durability() {
    exercise(Durability::Normal);
}

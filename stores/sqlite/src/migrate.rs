//! Bringing a store's schema up to date.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use windlass_core::{Error, Result};

use crate::error::Place;
use crate::fork;
use crate::location::Location;
use crate::open::{self, Failure};
use crate::schema::{APPLICATION_ID, MIGRATIONS, Migration, VERSION};

/// What a store has, and what opening it would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The schema version found; 0 when there is no store yet.
    pub found: u32,
    /// The oldest schema version that a build must know to work beside it; 0 when there is no store.
    pub min_compatible: u32,
    /// The schema version of this build.
    pub supported: u32,
    /// Steps that are still to be taken, in order.
    pub pending: Vec<Migration>,
}

/// What [`migrate`] would do. Changes nothing.
///
/// # Errors
///
/// `invalid_url`, `invalid_store`, `schema_incompatible`, `store_unavailable`.
pub fn migrate_plan(path: &Path) -> Result<Plan> {
    let location = Location::find(path)?;
    let place = Place { operation: "reading the schema", location: &location.name };
    if !open::is_there(&location) {
        return Ok(plan(Found::default()));
    }
    let found = open::patiently(|| {
        let _inside = fork::enter();
        fork::ready();
        let connection =
            open::look(&location).map_err(|e| Failure::Sqlite(place.sqlite(None, e)))?;
        open::identify(&connection, place)?;
        found(&connection).map_err(|e| Failure::from(place, &connection, e))
    })?;
    check(found, place)?;
    Ok(plan(found))
}

/// Takes the steps that are pending, all or none, and tells what there was to do. With `dry_run`,
/// only tells.
///
/// # Errors
///
/// As opening the store.
pub fn migrate(path: &Path, dry_run: bool) -> Result<Plan> {
    let plan = migrate_plan(path)?;
    if !dry_run {
        open::writer(&Location::find(path)?)?;
    }
    Ok(plan)
}

#[derive(Debug, Clone, Copy, Default)]
struct Found {
    version: u32,
    min_compatible: u32,
}

fn plan(found: Found) -> Plan {
    Plan {
        found: found.version,
        min_compatible: found.min_compatible,
        supported: VERSION,
        pending: pending(found).copied().collect(),
    }
}

fn pending(found: Found) -> impl Iterator<Item = &'static Migration> {
    MIGRATIONS.iter().filter(move |step| step.version > found.version)
}

/// Takes every pending step in one transaction. The caller has the turn to write.
pub(crate) fn forward(
    connection: &mut Connection,
    place: Place<'_>,
) -> std::result::Result<(), Failure> {
    let now = found(connection).map_err(|e| Failure::from(place, connection, e))?;
    check(now, place).map_err(Failure::Sqlite)?;
    if pending(now).next().is_none() {
        return Ok(());
    }
    take(connection).map_err(|e| Failure::from(place, connection, e))
}

fn take(connection: &mut Connection) -> rusqlite::Result<()> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    tx.execute_batch(&format!(
        "PRAGMA application_id = {APPLICATION_ID};
         CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL)
         STRICT, WITHOUT ROWID;"
    ))?;
    // Read again: the first look was outside of the transaction.
    let before = found(&tx)?;
    for step in pending(before) {
        tx.execute_batch(step.sql)?;
        for (key, value) in [("version", step.version), ("min_compatible", step.min_compatible)] {
            tx.execute(
                "INSERT INTO meta (key, value) VALUES (?1, ?2) \
                 ON CONFLICT DO UPDATE SET value = excluded.value",
                params![key, value],
            )?;
        }
    }
    tx.commit()
}

/// An older build works beside a newer schema that only adds to what it knows.
fn check(found: Found, place: Place<'_>) -> Result<()> {
    if found.version > VERSION && found.min_compatible > VERSION {
        return Err(Error::SchemaIncompatible {
            location: place.location.to_owned(),
            found: found.version,
            supported: VERSION,
        });
    }
    Ok(())
}

fn found(connection: &Connection) -> rusqlite::Result<Found> {
    let tables: u32 = connection.query_row(
        "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'meta'",
        [],
        |row| row.get(0),
    )?;
    if tables == 0 {
        return Ok(Found::default());
    }
    let read = |key: &str| -> rusqlite::Result<u32> {
        let value = connection
            .query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get(0))
            .optional()?;
        Ok(value.unwrap_or(0))
    };
    Ok(Found { version: read("version")?, min_compatible: read("min_compatible")? })
}

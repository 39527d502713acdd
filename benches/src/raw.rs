//! What SQLite alone can do with Windlass's own tables, writing the same values for the same events:
//! no checks, no decisions, no callers to answer.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior, params};
use windlass::rules::ids::IdSource;
use windlass::{Clock, SystemClock};
use windlass_sqlite::Durability;

use crate::Result;

/// How long a lease lasts, in milliseconds.
const LEASE: i64 = 60_000;

/// A store without Windlass: its tables, made by its own migrations, on one connection.
pub(crate) struct Raw {
    connection: Connection,
    ids: IdSource,
    token: [u8; 16],
}

/// A leased row: its number and payload.
pub(crate) type Row = (i64, String);

impl Raw {
    /// Makes or opens the store, with the settings of Windlass's own writer.
    pub(crate) fn open(file: &Path, durability: Durability) -> Result<Self> {
        windlass_sqlite::migrate(file, false)?;
        let connection = Connection::open(file)?;
        connection.set_prepared_statement_cache_capacity(64);
        connection.busy_timeout(std::time::Duration::from_secs(10))?;
        // No checkpoint while a measurement lasts: Windlass does them beside its writes, so in line
        // they would be no limit.
        connection.execute_batch(
            "PRAGMA wal_autocheckpoint = 0; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16000;",
        )?;
        let ids = IdSource::default();
        let token = *ids.token().as_bytes();
        let store = Self { connection, ids, token };
        store.press(durability)?;
        Ok(store)
    }

    /// How far the next commits go before they return. A lease needs not go to the disk.
    pub(crate) fn press(&self, durability: Durability) -> Result<()> {
        let synchronous = match durability {
            Durability::Full => "FULL",
            Durability::Normal => "NORMAL",
        };
        Ok(self.connection.pragma_update(None, "synchronous", synchronous)?)
    }

    /// Carries the log over into the database, so that what follows overwrites it from its start: to
    /// make a file longer costs a disk more than to write over it, and Windlass writes over it.
    pub(crate) fn restart_log(&self) -> Result<()> {
        let sql = "PRAGMA wal_checkpoint(RESTART)";
        let busy = self.connection.query_row(sql, [], |row| row.get::<_, i64>(0))?;
        if busy == 0 { Ok(()) } else { Err("somebody else uses the log".into()) }
    }

    /// Stores tasks in one transaction.
    pub(crate) fn submit(&mut self, task_type: &str, payloads: &[String]) -> Result<()> {
        let now = SystemClock.now();
        let tx = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        {
            let mut insert = tx.prepare_cached(
                "INSERT INTO tasks (id, status, version, tenant, queue, handler, suspect, priority, \
                 run_at, created_at, attempt, submitted_as, last_seq, first_seq, cancel_requested, \
                 lease_counted, task_type, payload) \
                 VALUES (?1, 2, 1, 'default', 'default', ?2, 0, 3, ?3, ?3, 0, 2, 1, 1, 0, 0, ?2, ?4)",
            )?;
            for payload in payloads {
                let id = self.ids.task(now);
                insert.execute(params![id.as_bytes(), task_type, now.as_millis(), payload])?;
            }
        }
        count(&tx, &[(2, i64::try_from(payloads.len())?)])?;
        Ok(tx.commit()?)
    }

    /// Completes rows and leases up to `limit` others, in one transaction.
    pub(crate) fn turn(&mut self, task_type: &str, done: &[Row], limit: u32) -> Result<Vec<Row>> {
        let now = SystemClock.now().as_millis();
        let tx = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut leased = Vec::with_capacity(limit as usize);
        {
            let mut complete = tx.prepare_cached(
                "UPDATE tasks SET status = 4, version = version + 1, started_at = ?2, \
                 finished_at = ?2, attempt_started_at = ?2, attempt = 1, last_seq = 3, start_seq = 2, \
                 token = NULL, lease_worker = NULL, lease_expires_at = NULL, executed_on = 'raw', \
                 progress = 100.0, result = 'null' WHERE num = ?1 AND token = ?3",
            )?;
            for (num, _) in done {
                complete.execute(params![num, now, self.token])?;
            }
            let mut select = tx.prepare_cached(
                "SELECT num, payload FROM tasks INDEXED BY tasks_pending WHERE status = 2 \
                 AND tenant = 'default' AND queue = 'default' AND handler = ?1 AND suspect = 0 \
                 ORDER BY priority, run_at, id LIMIT ?2",
            )?;
            let mut rows = select.query(params![task_type, limit])?;
            while let Some(row) = rows.next()? {
                leased.push((row.get(0)?, row.get(1)?));
            }
            let mut lease = tx.prepare_cached(
                "UPDATE tasks SET status = 3, token = ?2, lease_worker = 'raw', \
                 lease_expires_at = ?3, version = version + 1 WHERE num = ?1",
            )?;
            for (num, _) in &leased {
                lease.execute(params![num, self.token, now + LEASE])?;
            }
        }
        let (completed, taken) = (i64::try_from(done.len())?, i64::try_from(leased.len())?);
        count(&tx, &[(2, -taken), (3, taken - completed), (4, completed)])?;
        tx.commit()?;
        Ok(leased)
    }

    /// How many tasks are completed.
    pub(crate) fn completed(&self) -> Result<u64> {
        let sql = "SELECT count(*) FROM tasks WHERE status = 4";
        let number = self.connection.query_row(sql, [], |row| row.get::<_, i64>(0))?;
        Ok(u64::try_from(number)?)
    }
}

fn count(connection: &Connection, deltas: &[(u8, i64)]) -> Result<()> {
    let mut upsert = connection.prepare_cached(
        "INSERT INTO queue_counts (tenant, queue, status, n) VALUES ('default', 'default', ?1, ?2) \
         ON CONFLICT DO UPDATE SET n = n + excluded.n",
    )?;
    for (status, n) in deltas.iter().filter(|(_, n)| *n != 0) {
        upsert.execute(params![status, n])?;
    }
    Ok(())
}

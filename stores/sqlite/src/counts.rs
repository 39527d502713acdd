//! How many tasks each queue has in each status, kept as deltas.

use rusqlite::{Connection, Result, params};
use windlass_core::{BatchId, Count, Counts, TaskStatus};

use crate::row::Cells;

/// Changes of one transaction, gathered in memory and written once at its end.
#[derive(Debug, Clone, Default)]
pub(crate) struct Deltas(Vec<(String, String, [i64; 7])>);

impl Deltas {
    /// `by` more tasks of the queue have `status`.
    pub(crate) fn add(&mut self, tenant: &str, queue: &str, status: TaskStatus, by: i64) {
        self.line(tenant, queue)[status as usize] += by;
    }

    /// One task of the queue went from one status to another.
    pub(crate) fn moved(&mut self, tenant: &str, queue: &str, from: TaskStatus, to: TaskStatus) {
        if from != to {
            let line = self.line(tenant, queue);
            line[from as usize] -= 1;
            line[to as usize] += 1;
        }
    }

    /// How many more waiting tasks the queue has than the table says.
    pub(crate) fn waiting(&self, tenant: &str, queue: &str) -> i64 {
        let line = self.0.iter().find(|(t, q, _)| t == tenant && q == queue);
        let waiting = TaskStatus::ALL.into_iter().filter(|status| status.is_waiting());
        line.map_or(0, |(_, _, n)| waiting.map(|status| n[status as usize]).sum())
    }

    /// Writes what is not zero.
    pub(crate) fn write(&self, connection: &Connection) -> Result<()> {
        let mut upsert = connection.prepare_cached(
            "INSERT INTO queue_counts (tenant, queue, status, n) VALUES (?1, ?2, ?3, ?4) \
             ON CONFLICT DO UPDATE SET n = n + excluded.n",
        )?;
        for (tenant, queue, line) in &self.0 {
            for (status, n) in line.iter().enumerate().filter(|(_, n)| **n != 0) {
                upsert.execute(params![tenant, queue, status as u8, n])?;
            }
        }
        Ok(())
    }

    fn line(&mut self, tenant: &str, queue: &str) -> &mut [i64; 7] {
        // A transaction touches few queues, and the same one many times in a row: look at the
        // newest first.
        let known = self.0.iter().rposition(|(t, q, _)| t == tenant && q == queue);
        let at = known.unwrap_or_else(|| {
            self.0.push((tenant.to_owned(), queue.to_owned(), [0; 7]));
            self.0.len() - 1
        });
        &mut self.0[at].2
    }
}

/// The tenant's counts as they are stored.
pub(crate) fn read(connection: &Connection, tenant: &str) -> Result<Vec<Count>> {
    let mut select = connection.prepare_cached(
        "SELECT queue, status, n FROM queue_counts WHERE tenant = ?1 AND n > 0 ORDER BY queue, status",
    )?;
    let rows = select.query_map([tenant], |row| {
        let mut cells = Cells::new(row);
        Ok(Count { queue: cells.take()?, status: cells.status()?, count: cells.number()? })
    })?;
    rows.collect()
}

/// Waiting tasks of a queue, as stored.
pub(crate) fn waiting(connection: &Connection, tenant: &str, queue: &str) -> Result<i64> {
    let mut select = connection.prepare_cached(
        "SELECT coalesce(sum(n), 0) FROM queue_counts WHERE tenant = ?1 AND queue = ?2 AND status <= 2",
    )?;
    select.query_row(params![tenant, queue], |row| row.get(0))
}

/// Tasks of all tenants whose status lies between two numbers, both included.
pub(crate) fn between(connection: &Connection, least: u8, most: u8) -> Result<u64> {
    let mut select = connection.prepare_cached(
        "SELECT coalesce(sum(n), 0) FROM queue_counts WHERE status BETWEEN ?1 AND ?2",
    )?;
    select.query_row([least, most], |row| Cells::new(row).number())
}

/// Tasks of a batch by status.
pub(crate) fn batch(connection: &Connection, tenant: &str, batch_id: BatchId) -> Result<Counts> {
    let mut select = connection.prepare_cached(
        "SELECT status, count(*) FROM tasks INDEXED BY tasks_batch \
         WHERE batch_id = ?1 AND tenant = ?2 AND parent_kind IS NULL GROUP BY status",
    )?;
    let rows = select.query_map(params![batch_id.as_bytes(), tenant], |row| {
        let mut cells = Cells::new(row);
        Ok((cells.status()?, cells.number()?))
    })?;
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_move_there_and_back_leaves_nothing_to_write() {
        let mut deltas = Deltas::default();
        deltas.add("t", "q", TaskStatus::Pending, 2);
        deltas.moved("t", "q", TaskStatus::Pending, TaskStatus::Running);
        assert_eq!(deltas.waiting("t", "q"), 1);
        deltas.moved("t", "q", TaskStatus::Running, TaskStatus::Pending);
        assert_eq!((deltas.waiting("t", "q"), deltas.waiting("other", "q")), (2, 0));
    }
}

//! Composites and their members as they are read: the graph, and what a task waited for.

use rusqlite::{Connection, OptionalExtension, Result, params};
use windlass_core::store::Graph;
use windlass_core::{Task, TaskId};

use crate::row::{self, Cells, Num};

/// A composite with its members and edges. The caller holds one transaction around it.
pub(crate) fn graph(connection: &Connection, tenant: &str, id: TaskId) -> Result<Option<Graph>> {
    let Some((_, task)) = row::full(connection, tenant, id)? else { return Ok(None) };
    if task.kind.is_task() {
        return Ok(None);
    }
    let mut select = connection.prepare_cached(concat!(
        "SELECT ",
        row::light_columns!(),
        " FROM tasks t INDEXED BY tasks_batch WHERE t.batch_id = ?1 AND t.tenant = ?2 ORDER BY t.id"
    ))?;
    let rows = select.query_map(params![id.as_bytes(), tenant], |row| {
        row::read_all(&mut Cells::new(row)).map(|(_, task)| task)
    })?;
    let members = rows.collect::<Result<_>>()?;
    let mut select = connection.prepare_cached(
        "SELECT f.id, t.id FROM tasks f INDEXED BY tasks_batch \
         CROSS JOIN edges e ON e.from_num = f.num CROSS JOIN tasks t ON t.num = e.to_num \
         WHERE f.batch_id = ?1 AND f.tenant = ?2",
    )?;
    let rows = select.query_map(params![id.as_bytes(), tenant], |row| {
        let mut cells = Cells::new(row);
        let mut id = || cells.take().map(TaskId::from_bytes);
        Ok((id()?, id()?))
    })?;
    let mut edges = rows.collect::<Result<Vec<_>>>()?;
    edges.sort_unstable_by_key(|(from, to)| (*to, *from));
    Ok(Some(Graph { task, members, edges }))
}

/// The task of a name that a task waited for.
pub(crate) fn upstream(
    connection: &Connection,
    tenant: &str,
    id: TaskId,
    name: &str,
) -> Result<Option<Task>> {
    // A stage by its name, then whether there is an edge: there may be very many.
    let mut stage = connection.prepare_cached(
        "SELECT f.num FROM tasks t CROSS JOIN tasks f INDEXED BY tasks_stage \
         ON f.batch_id = t.batch_id AND f.stage = ?3 AND f.stage IS NOT NULL \
         CROSS JOIN edges e ON e.from_num = f.num AND e.to_num = t.num \
         WHERE t.tenant = ?1 AND t.id = ?2",
    )?;
    let values = params![tenant, id.as_bytes(), name];
    let mut found: Option<Num> = stage.query_row(values, |row| row.get(0)).optional()?;
    if found.is_none() && name == "batch" {
        let mut batch = connection.prepare_cached(
            "SELECT f.num FROM tasks t CROSS JOIN edges e INDEXED BY edges_to ON e.to_num = t.num \
             CROSS JOIN tasks f ON f.num = e.from_num \
             WHERE t.tenant = ?1 AND t.id = ?2 AND f.kind = 1",
        )?;
        let values = params![tenant, id.as_bytes()];
        found = batch.query_row(values, |row| row.get(0)).optional()?;
    }
    let Some(num) = found else { return Ok(None) };
    row::by_num(&mut row::select_by_num(connection)?, num).map(Some)
}

/// The names of what a task waited for, in the order of their tasks.
pub(crate) fn upstream_names(
    connection: &Connection,
    tenant: &str,
    id: TaskId,
) -> Result<Vec<String>> {
    let mut select = connection.prepare_cached(
        "SELECT coalesce(f.stage, iif(f.kind = 1, 'batch', NULL)) AS name FROM tasks t \
         CROSS JOIN edges e INDEXED BY edges_to ON e.to_num = t.num \
         CROSS JOIN tasks f ON f.num = e.from_num \
         WHERE t.tenant = ?1 AND t.id = ?2 AND name IS NOT NULL ORDER BY f.id",
    )?;
    let rows = select.query_map(params![tenant, id.as_bytes()], |row| row.get(0))?;
    rows.collect()
}

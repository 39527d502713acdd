//! Bounded walks over a tenant's tasks, newest first.

use rusqlite::types::Value;
use rusqlite::{Connection, Result, params_from_iter};
use windlass_core::store::Found;
use windlass_core::{Cursor, Filter, Page, TaskError, TaskId, TaskStatus};

use crate::row::{self, Cells, Num};
use crate::walk::{Part, Statement, Walk};

/// Rows that one page may look at.
const BUDGET: usize = 10_000;

/// A page of the tenant's tasks that match, below `cursor`.
pub(crate) fn list(
    connection: &Connection,
    tenant: &str,
    filter: &Filter,
    cursor: Option<Cursor>,
    limit: usize,
) -> Result<Page> {
    let mut full = row::select_by_num(connection)?;
    let mut tasks = Vec::new();
    let next = walk(connection, tenant, filter, cursor, limit, |num, _| {
        tasks.push(row::by_num(&mut full, num)?);
        Ok(())
    })?;
    Ok(Page { tasks, next })
}

/// Ids of the tenant's tasks that match, below `cursor`.
pub(crate) fn find(
    connection: &Connection,
    tenant: &str,
    filter: &Filter,
    cursor: Option<Cursor>,
    limit: usize,
) -> Result<Found> {
    let mut ids = Vec::new();
    let next = walk(connection, tenant, filter, cursor, limit, |_, id| {
        ids.push(id);
        Ok(())
    })?;
    Ok(Found { ids, next })
}

/// Hands over number and id of what matches, newest first; answers where to go on.
fn walk(
    connection: &Connection,
    tenant: &str,
    filter: &Filter,
    cursor: Option<Cursor>,
    limit: usize,
    mut found: impl FnMut(Num, TaskId) -> Result<()>,
) -> Result<Option<Cursor>> {
    let Some(statement) = statement(connection, tenant, filter, cursor)? else { return Ok(None) };
    let mut candidates = connection.prepare_cached(&statement.sql)?;
    let mut rows = candidates.query(params_from_iter(&statement.values))?;
    let (mut count, mut looked, mut next) = (0, 0, None);
    while let Some(row) = rows.next()? {
        if count == limit || looked == BUDGET {
            return Ok(next);
        }
        looked += 1;
        let mut cells = Cells::new(row);
        let num: Num = cells.take()?;
        let id = TaskId::from_bytes(cells.take()?);
        next = Some(Cursor { after: id });
        if cells.take::<bool>()? && says(&mut cells, filter)? {
            count += 1;
            found(num, id)?;
        }
    }
    Ok(None)
}

/// Whether the error, which is read for no other filter, is the one asked for.
fn says(cells: &mut Cells<'_, '_>, filter: &Filter) -> Result<bool> {
    let Some(text) = &filter.error else { return Ok(true) };
    let error: Option<TaskError> = cells.error()?;
    Ok(error.is_some_and(|error| error.message.contains(text.as_str())))
}

/// The walk as a statement: of each row number, id, whether all but the error is as asked for, and then
/// the error. `None` when nothing can match.
fn statement(
    connection: &Connection,
    tenant: &str,
    filter: &Filter,
    cursor: Option<Cursor>,
) -> Result<Option<Statement>> {
    let walk = Walk::choose(connection, tenant, filter)?;
    let least = filter.least_id().map_or([0; 16], |id| *id.as_bytes());
    let below = [cursor.map(|cursor| cursor.after), filter.above_ids()].into_iter().flatten().min();
    // One byte longer than any id, so above all of them.
    let below = below.map_or_else(|| vec![0xFF; 17], |id| id.as_bytes().to_vec());
    let budget = i64::try_from(BUDGET + 1).unwrap_or(i64::MAX);
    let mut s = Statement::default();
    s.values.extend([Value::Text(tenant.to_owned()), Value::Blob(least.to_vec())]);
    s.values.extend([Value::Blob(below), Value::Integer(budget)]);
    let parts: Vec<String> = match &walk {
        Walk::Parts(parts) if parts.is_empty() => return Ok(None),
        Walk::Label(key, value) => {
            let columns = columns(&mut s, filter, &walk, None);
            let (key, value) = (s.bind(key.clone()), s.bind(value.clone()));
            // Where nothing of the task itself is asked for, its row is not read.
            let join = match columns.contains(" t.") {
                true => "CROSS JOIN tasks t ON t.num = w.num",
                false => "",
            };
            vec![format!(
                "SELECT {columns} FROM task_labels w {join} WHERE w.tenant = ?1 AND w.key = {key} \
                 AND w.value = {value} AND w.id >= ?2 AND w.id < ?3"
            )]
        }
        Walk::Batch(batch) => {
            let columns = columns(&mut s, filter, &walk, None);
            let batch = s.bind(batch.as_bytes().to_vec());
            vec![of_tasks(&columns, "tasks_batch", &format!("t.batch_id = {batch}"))]
        }
        Walk::Parts(parts) => {
            let each = parts.iter().map(|part| {
                let columns = columns(&mut s, filter, &walk, Some(part));
                match part {
                    Part::Status(status) => of_status(&mut s, &columns, *status, filter),
                    Part::Completed(queue, task_type) => {
                        let (queue, of) = (s.bind(queue.clone()), s.bind(task_type.clone()));
                        let is =
                            format!("t.status = 4 AND t.queue = {queue} AND t.task_type = {of}");
                        of_tasks(&columns, "tasks_completed", &is)
                    }
                }
            });
            each.collect()
        }
        Walk::Composites(kind) => {
            let columns = columns(&mut s, filter, &walk, None);
            let is = format!("t.kind > 0 AND t.kind = {}", *kind as u8);
            vec![of_tasks(&columns, "tasks_composite", &is)]
        }
        Walk::Ids => vec![of_tasks(&columns(&mut s, filter, &walk, None), "tasks_id", "1")],
    };
    s.sql = format!("{} ORDER BY 2 DESC LIMIT ?4", parts.join(" UNION ALL "));
    Ok(Some(s))
}

fn of_tasks(columns: &str, index: &str, is: &str) -> String {
    let columns = columns.replace("w.", "t.");
    format!(
        "SELECT {columns} FROM tasks t INDEXED BY {index} \
         WHERE {is} AND t.tenant = ?1 AND t.id >= ?2 AND t.id < ?3"
    )
}

fn of_status(s: &mut Statement, columns: &str, status: TaskStatus, filter: &Filter) -> String {
    let is = format!("t.status = {}", status as u8);
    let index = match status {
        TaskStatus::Failed | TaskStatus::Cancelled => {
            return of_tasks(columns, "tasks_ended_badly", &format!("{is} AND t.status >= 5"));
        }
        TaskStatus::Scheduled => "tasks_scheduled",
        TaskStatus::Pending => "tasks_pending",
        _ => "tasks_leased",
    };
    // These are not in the order of ids: the newest are found first, from the index alone where it can.
    let queue = match (status, &filter.queue) {
        (TaskStatus::Pending, Some(queue)) => format!("AND t.queue = {}", s.bind(queue.clone())),
        _ => String::new(),
    };
    let columns = columns.replace("w.", "t.");
    format!(
        "SELECT {columns} FROM (SELECT t.num AS num FROM tasks t INDEXED BY {index} WHERE {is} \
         AND t.tenant = ?1 {queue} AND t.id >= ?2 AND t.id < ?3 ORDER BY t.id DESC LIMIT ?4) n \
         CROSS JOIN tasks t ON t.num = n.num"
    )
}

/// What is selected of a row; `w` is the table that is walked.
fn columns(s: &mut Statement, filter: &Filter, walk: &Walk, part: Option<&Part>) -> String {
    let mut all = Vec::new();
    if !filter.status.is_empty() && part.is_none() {
        let statuses = filter.status.iter().map(|status| (*status as u8).to_string());
        all.push(format!(" t.status IN ({})", statuses.collect::<Vec<_>>().join(", ")));
    }
    if !matches!(part, Some(Part::Completed(..))) {
        for (column, name) in [("task_type", &filter.task_type), ("queue", &filter.queue)] {
            if let Some(name) = name {
                all.push(format!(" t.{column} = {}", s.bind(name.clone())));
            }
        }
    }
    match filter.kind {
        Some(kind) if !kind.is_task() => {
            if !matches!(walk, Walk::Composites(_)) {
                all.push(format!(" t.kind = {}", kind as u8));
            }
        }
        // Composites are few: to look whether a row is one of them is less than to read the row.
        _ => all.push("NOT EXISTS (SELECT 1 FROM composites c WHERE c.num = w.num)".to_owned()),
    }
    for (sign, at) in [(">=", filter.since), ("<", filter.until)] {
        if let Some(at) = at {
            all.push(format!(" t.created_at {sign} {}", s.bind(at.as_millis())));
        }
    }
    if let (Some(batch), false) = (filter.batch_id, matches!(walk, Walk::Batch(_))) {
        all.push(format!(" t.batch_id IS {}", s.bind(batch.as_bytes().to_vec())));
    }
    if filter.batch_id.is_some() {
        all.push(" t.parent_kind IS NULL".to_owned());
    }
    for (key, value) in &filter.labels {
        if !matches!(walk, Walk::Label(k, v) if (k, v) == (key, value)) {
            let (key, value) = (s.bind(key.clone()), s.bind(value.clone()));
            all.push(format!(
                "EXISTS (SELECT 1 FROM task_labels o WHERE o.tenant = ?1 AND o.key = {key} \
                 AND o.value = {value} AND o.id = w.id)"
            ));
        }
    }
    let all = if all.is_empty() { "1".to_owned() } else { all.join(" AND ") };
    match filter.error {
        None => format!("w.num, w.id, {all}"),
        Some(_) => format!("w.num, w.id, {all}, t.error"),
    }
}

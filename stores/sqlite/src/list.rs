//! Bounded walks over a tenant's tasks, newest first.

use rusqlite::types::ToSql;
use rusqlite::{Connection, Result};
use windlass_core::store::Found;
use windlass_core::{BatchId, Cursor, Filter, Labels, Page, TaskError, TaskId, TaskStatus};

use crate::counts;
use crate::row::{self, Cells, Num};

/// Rows that one page may look at.
const BUDGET: usize = 10_000;

/// Most tasks of a status for its own index to be walked: the walk sorts them by id.
const FEW: u64 = 5_000;

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
    let least = filter.least_id().map_or([0; 16], |id| *id.as_bytes());
    // One byte longer than any id, so above all of them.
    let below = [cursor.map(|cursor| cursor.after), filter.above_ids()].into_iter().flatten().min();
    let below = below.map_or_else(|| vec![0xFF; 17], |id| id.as_bytes().to_vec());
    let walk = Walk::choose(connection, filter)?;
    let sql = walk.sql(filter);
    let budget = BUDGET + 1;
    let budget = i64::try_from(budget).unwrap_or(i64::MAX);
    let mut values: Vec<&dyn ToSql> = vec![&tenant, &least, &below, &budget];
    let batch;
    match &walk {
        Walk::Label(key, value) => values.extend([key as &dyn ToSql, value]),
        Walk::Batch(id) => {
            batch = *id.as_bytes();
            values.push(&batch);
        }
        _ => {}
    }
    let mut candidates = connection.prepare_cached(&sql)?;
    let mut rows = candidates.query(values.as_slice())?;
    let (mut count, mut looked, mut next) = (0, 0, None);
    while let Some(row) = rows.next()? {
        if count == limit || looked == BUDGET {
            return Ok(next);
        }
        looked += 1;
        let mut cells = Cells::new(row);
        let num: Num = cells.take()?;
        let after = TaskId::from_bytes(cells.take()?);
        next = Some(Cursor { after });
        if matches(&mut cells, filter)? {
            count += 1;
            found(num, after)?;
        }
    }
    Ok(None)
}

/// Which index is walked.
enum Walk<'a> {
    Label(&'a str, &'a str),
    Batch(BatchId),
    /// Failed, cancelled or both.
    EndedBadly(Vec<TaskStatus>),
    /// One status that few tasks have.
    Few(TaskStatus),
    /// All ids of the tenant.
    Ids,
}

impl<'a> Walk<'a> {
    fn choose(connection: &Connection, filter: &'a Filter) -> Result<Self> {
        if let Some(batch) = filter.batch_id {
            return Ok(Self::Batch(batch));
        }
        if let Some((key, value)) = filter.labels.first_key_value() {
            return Ok(Self::Label(key, value));
        }
        let bad =
            |status: &TaskStatus| matches!(status, TaskStatus::Failed | TaskStatus::Cancelled);
        if !filter.status.is_empty() && filter.status.iter().all(bad) {
            let mut statuses = filter.status.clone();
            statuses.sort_unstable();
            statuses.dedup();
            return Ok(Self::EndedBadly(statuses));
        }
        if let [status @ (TaskStatus::Scheduled | TaskStatus::Pending | TaskStatus::Running)] =
            filter.status[..]
            && counts::between(connection, status as u8, status as u8)? <= FEW
        {
            return Ok(Self::Few(status));
        }
        Ok(Self::Ids)
    }

    /// Selects number, id and what the filter looks at. Parameters: tenant, least id, id to stay
    /// below, most rows, then the walk's own.
    fn sql(&self, filter: &Filter) -> String {
        // Text that may be long is read only when it is asked for.
        let labels = if filter.labels.is_empty() { "NULL" } else { "t.labels" };
        let error = if filter.error.is_none() { "NULL" } else { "t.error" };
        let columns = format!(
            "t.num, t.id AS id, t.status, t.task_type, t.queue, t.created_at, t.batch_id, \
             {labels}, {error}"
        );
        let bounds = "t.id >= ?2 AND t.id < ?3";
        let last = "ORDER BY id DESC LIMIT ?4";
        match self {
            Self::Label(..) => format!(
                "SELECT {columns} FROM task_labels l JOIN tasks t ON t.num = l.num \
                 WHERE l.tenant = ?1 AND l.key = ?5 AND l.value = ?6 AND l.id >= ?2 AND l.id < ?3 \
                 ORDER BY l.id DESC LIMIT ?4"
            ),
            Self::Batch(_) => format!(
                "SELECT {columns} FROM tasks t INDEXED BY tasks_batch \
                 WHERE t.batch_id = ?5 AND t.tenant = ?1 AND {bounds} {last}"
            ),
            Self::EndedBadly(statuses) => {
                let each = statuses.iter().map(|status| {
                    format!(
                        "SELECT {columns} FROM tasks t INDEXED BY tasks_ended_badly \
                         WHERE t.tenant = ?1 AND t.status = {} AND t.status >= 5 AND {bounds}",
                        *status as u8
                    )
                });
                format!("{} {last}", each.collect::<Vec<_>>().join(" UNION ALL "))
            }
            Self::Few(status) => {
                let index = match status {
                    TaskStatus::Scheduled => "tasks_scheduled",
                    TaskStatus::Pending => "tasks_ready",
                    _ => "tasks_leased",
                };
                format!(
                    "SELECT {columns} FROM tasks t INDEXED BY {index} \
                     WHERE t.status = {} AND t.tenant = ?1 AND {bounds} {last}",
                    *status as u8
                )
            }
            Self::Ids => {
                format!(
                    "SELECT {columns} FROM tasks t INDEXED BY tasks_id WHERE t.tenant = ?1 AND {bounds} {last}"
                )
            }
        }
    }
}

/// [`Filter::matches`], on the columns after number and id.
fn matches(cells: &mut Cells<'_, '_>, filter: &Filter) -> Result<bool> {
    let given = |wanted: &Option<String>, is: &str| wanted.as_ref().is_none_or(|w| w == is);
    let status = cells.status()?;
    if !(filter.status.is_empty() || filter.status.contains(&status)) {
        return Ok(false);
    }
    if !given(&filter.task_type, cells.text()?.unwrap_or_default())
        || !given(&filter.queue, cells.text()?.unwrap_or_default())
    {
        return Ok(false);
    }
    let created_at = cells.instant()?;
    let batch_id = cells.take::<Option<[u8; 16]>>()?.map(BatchId::from_bytes);
    if filter.since.is_some_and(|since| created_at < since)
        || filter.until.is_some_and(|until| created_at >= until)
        || filter.batch_id.is_some_and(|batch| batch_id != Some(batch))
    {
        return Ok(false);
    }
    let labels: Labels = match cells.text()? {
        None => Labels::new(),
        Some(text) => serde_json::from_str(text).map_err(|e| cells.damaged(e))?,
    };
    if !filter.labels.iter().all(|(key, value)| labels.get(key) == Some(value)) {
        return Ok(false);
    }
    let error: Option<TaskError> = cells.error()?;
    Ok(filter
        .error
        .as_ref()
        .is_none_or(|text| error.is_some_and(|error| error.message.contains(text.as_str()))))
}

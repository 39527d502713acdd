//! Which index a list walks: the one with the fewest rows to look at.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Result, params};
use windlass_core::words::TaskKind;
use windlass_core::{BatchId, Count, Filter, TaskStatus};

use crate::counts;

/// Most rows that a walk may sort by id before it begins.
const SORTED: u64 = 50_000;
/// Rows that are counted to learn whether there are few.
const PROBE: i64 = 2_000;
/// Most pairs of queue and type that one walk merges.
const PAIRS: usize = 64;

/// What is walked, each in the order of ids.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Walk {
    /// One label, of a key and a value.
    Label(String, String),
    /// One batch.
    Batch(BatchId),
    /// Several indexes side by side; none when nothing can match.
    Parts(Vec<Part>),
    /// Composites of a kind.
    Composites(TaskKind),
    /// All ids of the tenant.
    Ids,
}

/// An index that holds a part of the tasks.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Part {
    /// Tasks of a status other than `completed` and `blocked`.
    Status(TaskStatus),
    /// Completed tasks of a queue and a type.
    Completed(String, String),
}

impl Walk {
    /// The walk for a filter, with the fewest rows.
    pub(crate) fn choose(connection: &Connection, tenant: &str, filter: &Filter) -> Result<Self> {
        if let Some(batch) = filter.batch_id {
            return Ok(Self::Batch(batch));
        }
        if let Some(kind) = filter.kind.filter(|kind| !kind.is_task()) {
            return Ok(Self::Composites(kind));
        }
        if filter.is_empty() {
            return Ok(Self::Ids);
        }
        let counts = counts::read(connection, tenant)?;
        let all: u64 = counts.iter().map(|count| count.count).sum();
        let mut best = (all, Self::Ids);
        for (key, value) in &filter.labels {
            let rows = labelled(connection, tenant, key, value)?.unwrap_or(all);
            if rows <= best.0 {
                best = (rows, Self::Label(key.clone(), value.clone()));
            }
        }
        // Parts may have to be sorted before they begin.
        if let Some((rows, parts)) = parts(connection, tenant, filter, &counts)?
            && (rows < best.0 || parts.is_empty())
        {
            best = (rows, Self::Parts(parts));
        }
        Ok(best.1)
    }
}

/// The parts that hold every match, and how many rows they have together. `None` when one has no index,
/// or too many rows would have to be sorted.
fn parts(
    connection: &Connection,
    tenant: &str,
    filter: &Filter,
    counts: &[Count],
) -> Result<Option<(u64, Vec<Part>)>> {
    let (mut rows, mut sorted, mut parts) = (0, 0, Vec::new());
    for status in TaskStatus::ALL {
        let of_status = |count: &&Count| count.status == status;
        let of_queue = |count: &&Count| filter.queue.as_ref().is_none_or(|q| *q == count.queue);
        let sum = |counts: &mut dyn Iterator<Item = &Count>| counts.map(|c| c.count).sum::<u64>();
        let possible = sum(&mut counts.iter().filter(of_status).filter(of_queue));
        let asked = filter.status.is_empty() || filter.status.contains(&status);
        // What is completed keeps no error.
        let silent = status == TaskStatus::Completed && filter.error.is_some();
        if possible == 0 || !asked || silent {
            continue;
        }
        match status {
            TaskStatus::Blocked => return Ok(None),
            TaskStatus::Completed => {
                let Some(pairs) = kinds(connection, tenant, filter, counts)? else {
                    return Ok(None);
                };
                for (queue, task_type) in pairs {
                    match completed(connection, tenant, &queue, &task_type)? {
                        Some(0) => continue,
                        Some(few) => rows += few,
                        None => rows += possible,
                    }
                    parts.push(Part::Completed(queue, task_type));
                }
                continue;
            }
            TaskStatus::Failed | TaskStatus::Cancelled => {
                rows += sum(&mut counts.iter().filter(of_status));
            }
            TaskStatus::Pending => sorted += possible,
            // Their indexes hold the tasks of all tenants.
            TaskStatus::Scheduled | TaskStatus::Running => {
                sorted += counts::between(connection, status as u8, status as u8)?;
            }
        }
        parts.push(Part::Status(status));
    }
    Ok((sorted <= SORTED).then_some((rows + sorted, parts)))
}

/// How many tasks have a label; `None` for many.
fn labelled(connection: &Connection, tenant: &str, key: &str, value: &str) -> Result<Option<u64>> {
    let mut count = connection.prepare_cached(
        "SELECT count(*) FROM (SELECT 1 FROM task_labels \
         WHERE tenant = ?1 AND key = ?2 AND value = ?3 LIMIT ?4)",
    )?;
    count.query_row(params![tenant, key, value, PROBE], |row| row.get(0)).map(few)
}

/// The pairs of queue and type that a completed match may have. `None` when the filter names neither, or
/// there are too many.
fn kinds(
    connection: &Connection,
    tenant: &str,
    filter: &Filter,
    counts: &[Count],
) -> Result<Option<Vec<(String, String)>>> {
    Ok(match (&filter.queue, &filter.task_type) {
        (None, None) => None,
        (Some(queue), Some(task_type)) => Some(vec![(queue.clone(), task_type.clone())]),
        (Some(queue), None) => types(connection, tenant, queue)?
            .map(|types| types.into_iter().map(|of| (queue.clone(), of)).collect()),
        (None, Some(task_type)) => {
            let done = counts.iter().filter(|count| count.status == TaskStatus::Completed);
            let pairs: Vec<_> = done.map(|of| (of.queue.clone(), task_type.clone())).collect();
            (pairs.len() <= PAIRS).then_some(pairs)
        }
    })
}

/// How many completed tasks a queue has of a type; `None` for many.
fn completed(
    connection: &Connection,
    tenant: &str,
    queue: &str,
    task_type: &str,
) -> Result<Option<u64>> {
    let mut count = connection.prepare_cached(
        "SELECT count(*) FROM (SELECT 1 FROM tasks INDEXED BY tasks_completed \
         WHERE status = 4 AND tenant = ?1 AND queue = ?2 AND task_type = ?3 LIMIT ?4)",
    )?;
    count.query_row(params![tenant, queue, task_type, PROBE], |row| row.get(0)).map(few)
}

/// The types of a queue's completed tasks, by one step in the index for each; `None` when there are too many.
fn types(connection: &Connection, tenant: &str, queue: &str) -> Result<Option<Vec<String>>> {
    let mut next = connection.prepare_cached(
        "SELECT task_type FROM tasks INDEXED BY tasks_completed \
         WHERE status = 4 AND tenant = ?1 AND queue = ?2 AND task_type > ?3 ORDER BY task_type LIMIT 1",
    )?;
    let (mut found, mut after) = (Vec::new(), String::new());
    while let Some(one) =
        next.query_row(params![tenant, queue, after], |row| row.get::<_, String>(0)).optional()?
    {
        if found.len() == PAIRS {
            return Ok(None);
        }
        found.push(one.clone());
        after = one;
    }
    Ok(Some(found))
}

/// A count that reached its bound says only that there are many.
fn few(found: i64) -> Option<u64> {
    (found < PROBE).then(|| found.cast_unsigned())
}

/// A statement with its values, which names them as it grows.
#[derive(Debug, Default)]
pub(crate) struct Statement {
    /// The text.
    pub(crate) sql: String,
    /// The values, in the order of their numbers.
    pub(crate) values: Vec<Value>,
}

impl Statement {
    /// Adds a value; answers its name in the text.
    pub(crate) fn bind(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("?{}", self.values.len())
    }
}

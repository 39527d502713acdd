//! The statements that store new tasks as rows.

use std::sync::LazyLock;

use rusqlite::{CachedStatement, Connection, Result};
use windlass_core::engine::submit::{NewTask, Place};
use windlass_core::words::TaskKind;
use windlass_core::{BatchId, Payload, TaskSpec, TaskStatus, Timestamp};

use crate::row::{self, Num};

/// Payloads longer than this, in bytes, have a place of their own: a page holds a few rows.
const LONG: usize = 1500;

/// Whether a payload goes to that place.
pub(crate) fn is_long(payload: &Payload) -> bool {
    payload.len() > LONG
}

/// Tasks that one statement stores when they are alike. It places each beside the one before, where a
/// statement for each would look for the place in every index anew.
pub(crate) const ALIKE: usize = 20;

// `OR FAIL`, because who calls rolls back what a statement has begun: SQLite need not be able to.
macro_rules! into {
    () => {
        "INSERT OR FAIL INTO tasks (id, status, version, tenant, queue, handler, suspect, priority, run_at, \
         created_at, attempt, submitted_as, last_seq, first_seq, cancel_requested, lease_counted, \
         task_type, timeout, retry, batch_id, idempotency_key, fingerprint, traceparent, state_key, \
         labels, metadata, initial_state, payload, kind, parent_kind, stage, waits, line) VALUES "
    };
}

/// A statement for [`ALIKE`] rows, which differ in id and payload.
static ALIKE_ROWS: LazyLock<String> = LazyLock::new(|| {
    let row = |n: usize| {
        let (id, payload) = (10 + 2 * n, 11 + 2 * n);
        format!(
            "(?{id}, ?1, 1, ?2, ?3, ?4, 0, ?5, ?6, ?7, 0, ?1, 1, 1, 0, 0, ?8, NULL, NULL, ?9, NULL, \
             NULL, NULL, NULL, NULL, NULL, NULL, ?{payload}, 0, NULL, NULL, 0, NULL)"
        )
    };
    format!("{}{}", into!(), (0..ALIKE).map(row).collect::<Vec<_>>().join(", "))
});

/// Whether nothing but ids and payloads differs from one task to the next, and a row holds each whole.
pub(crate) fn are_alike(tasks: &[NewTask]) -> bool {
    let [first, ..] = tasks else { return true };
    tasks.iter().all(|new| {
        let (spec, like) = (&new.spec, &first.spec);
        let TaskSpec {
            task_type,
            payload,
            queue,
            priority,
            run_at,
            delay,
            timeout,
            retry,
            idempotency_key,
            labels,
            metadata,
            traceparent,
            state_key,
            initial_state,
        } = spec;
        !is_long(payload)
            && (task_type, queue, priority) == (&like.task_type, &like.queue, &like.priority)
            && (run_at, delay) == (&like.run_at, &like.delay)
            && (&new.tenant, &new.handler, new.batch_id)
                == (&first.tenant, &first.handler, first.batch_id)
            && new.place == Place::default()
            && timeout.is_none()
            && retry.is_empty()
            && idempotency_key.is_none()
            && labels.is_empty()
            && metadata.is_none()
            && traceparent.is_none()
            && state_key.is_none()
            && initial_state.is_none()
    })
}

/// Stores tasks that are alike and come in at `now`: so many of them as make whole statements.
pub(crate) fn insert_alike(
    connection: &Connection,
    tasks: &[NewTask],
    now: Timestamp,
) -> Result<()> {
    let [first, ..] = tasks else { return Ok(()) };
    let mut statement = connection.prepare_cached(&ALIKE_ROWS)?;
    let (run_at, status) = first.due(now);
    statement.raw_bind_parameter(1, status as u8)?;
    statement.raw_bind_parameter(2, &first.tenant)?;
    statement.raw_bind_parameter(3, &first.spec.queue)?;
    statement.raw_bind_parameter(4, &first.handler)?;
    statement.raw_bind_parameter(5, first.spec.priority.number())?;
    statement.raw_bind_parameter(6, run_at.as_millis())?;
    statement.raw_bind_parameter(7, now.as_millis())?;
    statement.raw_bind_parameter(8, &first.spec.task_type)?;
    statement.raw_bind_parameter(9, first.batch_id.as_ref().map(BatchId::as_bytes))?;
    for rows in tasks.chunks_exact(ALIKE) {
        for (new, place) in rows.iter().zip((10..).step_by(2)) {
            statement.raw_bind_parameter(place, new.task_id.as_bytes())?;
            statement.raw_bind_parameter(place + 1, new.spec.payload.as_str())?;
        }
        statement.raw_execute()?;
    }
    Ok(())
}

/// Inserts tasks one after the other. What a task has in common with the one before it stays bound: the
/// tasks of one call are much alike, and to bind a text costs SQLite a copy of it.
pub(crate) struct Insert<'tx, 'task> {
    connection: &'tx Connection,
    statement: CachedStatement<'tx>,
    now: Timestamp,
    before: Option<(&'task NewTask, TaskStatus, Option<i64>)>,
}

impl<'tx, 'task> Insert<'tx, 'task> {
    /// For tasks that come in at `now`.
    pub(crate) fn new(connection: &'tx Connection, now: Timestamp) -> Result<Self> {
        let mut statement = connection.prepare_cached(concat!(
            into!(),
            "(?1, ?2, 1, ?3, ?4, ?5, 0, ?6, ?7, ?8, 0, ?2, 1, 1, 0, 0, ?9, ?10, ?11, ?12, ?13, ?14, \
             ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25)",
        ))?;
        statement.raw_bind_parameter(8, now.as_millis())?;
        Ok(Self { connection, statement, now, before: None })
    }

    /// Writes what [`NewTask::into_task`] describes, without building it, with its status and its place
    /// in the line of its state key.
    pub(crate) fn task(
        &mut self,
        new: &'task NewTask,
        status: TaskStatus,
        line: Option<i64>,
    ) -> Result<Num> {
        let Self { statement, now, before, .. } = self;
        // Until the first one is bound nothing is.
        let before = before.replace((new, status, line));
        if before.is_none_or(|(_, before, _)| before != status) {
            statement.raw_bind_parameter(2, status as u8)?;
        }
        if before.is_none_or(|(_, _, before)| before != line) {
            statement.raw_bind_parameter(25, line)?;
        }
        let before = before.map(|(before, ..)| before);
        let spec = &new.spec;
        macro_rules! bind {
            ($place:literal, $value:expr, $($($field:ident).+),+) => {
                if before.is_none_or(|before| $(before.$($field).+ != new.$($field).+)||+) {
                    statement.raw_bind_parameter($place, $value)?;
                }
            };
        }
        statement.raw_bind_parameter(1, new.task_id.as_bytes())?;
        if before.is_none_or(|b| (b.spec.run_at, b.spec.delay) != (spec.run_at, spec.delay)) {
            statement.raw_bind_parameter(7, new.due(*now).0.as_millis())?;
        }
        bind!(3, &new.tenant, tenant);
        bind!(4, &spec.queue, spec.queue);
        bind!(5, &new.handler, handler);
        bind!(6, spec.priority.number(), spec.priority);
        bind!(9, &spec.task_type, spec.task_type);
        let nanos = |timeout: std::time::Duration| i64::try_from(timeout.as_nanos());
        bind!(10, spec.timeout.map(|timeout| nanos(timeout).unwrap_or(i64::MAX)), spec.timeout);
        bind!(11, row::retry_text(&spec.retry), spec.retry);
        if before.is_none_or(|b| (b.batch_id, b.place.parent) != (new.batch_id, new.place.parent)) {
            let own = new.place.parent.filter(|parent| parent.kind != TaskKind::Batch);
            let batch = new.batch_id.as_ref().map(BatchId::as_bytes);
            let parent = own.as_ref().map(|parent| parent.task_id.as_bytes()).or(batch);
            statement.raw_bind_parameter(12, parent)?;
            statement.raw_bind_parameter(22, own.map(|parent| parent.kind as u8))?;
        }
        bind!(13, &spec.idempotency_key, spec.idempotency_key);
        bind!(14, new.fingerprint, fingerprint);
        bind!(15, &spec.traceparent, spec.traceparent);
        bind!(16, &spec.state_key, spec.state_key);
        let labels = |spec: &TaskSpec| {
            let text = || serde_json::to_string(&spec.labels).expect("labels are plain text");
            (!spec.labels.is_empty()).then(text)
        };
        bind!(17, labels(spec), spec.labels);
        bind!(18, spec.metadata.as_ref().map(Payload::as_str), spec.metadata);
        bind!(19, spec.initial_state.as_ref().map(Payload::as_str), spec.initial_state);
        let payload = (!is_long(&spec.payload)).then(|| spec.payload.as_str());
        bind!(20, payload, spec.payload);
        bind!(21, new.place.kind as u8, place.kind);
        bind!(23, &new.place.stage, place.stage);
        bind!(24, new.place.waits, place.waits);
        statement.raw_execute()?;
        Ok(self.connection.last_insert_rowid())
    }
}

//! How a task comes to be.

use crate::error::Result;
use crate::rules::fingerprint::{self, Print};
use crate::rules::{handler, limits};
use crate::words::{
    BatchId, Parent, Task, TaskId, TaskKind, TaskSpec, TaskStatus, Timestamp, When,
};

/// A checked task, ready to be stored. The store's clock decides when it is due.
#[derive(Debug, Clone, PartialEq)]
pub struct NewTask {
    /// Its id.
    pub task_id: TaskId,
    /// Whose it is.
    pub tenant: String,
    /// What was asked for.
    pub spec: TaskSpec,
    /// The handler that runs it.
    pub handler: String,
    /// SHA-256 of what the key stands for; only with a key.
    pub fingerprint: Option<[u8; 32]>,
    /// The batch it is submitted with.
    pub batch_id: Option<BatchId>,
    /// What it is made of, and where it stands in a composite.
    pub place: Place,
}

/// Where a new task stands in a batch, block or pipeline.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// What it is made of.
    pub kind: TaskKind,
    /// The block or pipeline that it is a member of; a batch is told by `batch_id`.
    pub parent: Option<Parent>,
    /// Its name in a pipeline.
    pub stage: Option<String>,
    /// How many tasks it waits for.
    pub waits: u32,
}

/// Checks a spec and makes it a task to store.
///
/// # Errors
///
/// `invalid_argument`, `invalid_payload`, `payload_too_large`.
pub fn decide(
    spec: TaskSpec,
    tenant: &str,
    task_id: TaskId,
    batch_id: Option<BatchId>,
) -> Result<NewTask> {
    limits::check_spec(&spec)?;
    let fingerprint = match &spec.idempotency_key {
        Some(_) => Some(fingerprint::of(&spec.task_type, &spec.queue, &spec.payload)?),
        None => None,
    };
    let handler = handler::of(&spec.task_type, &spec.payload);
    if !handler.is_empty() {
        // The type is a name already; a function that is none could not be registered anywhere.
        limits::name("payload.function", &handler)?;
    }
    let place = Place::default();
    Ok(NewTask { task_id, tenant: tenant.to_owned(), handler, fingerprint, batch_id, place, spec })
}

impl NewTask {
    /// Makes the key of a composite stand for its members too, in order: `fingerprint` stands for what was
    /// told of the composite itself until now. However the members come, all at once or in chunks, the
    /// same ones come to the same.
    ///
    /// # Errors
    ///
    /// `invalid_payload` when a payload has no canonical form.
    pub fn stand_for<'m>(&mut self, members: impl Iterator<Item = &'m Self>) -> Result<()> {
        let Some(head) = self.fingerprint else { return Ok(()) };
        let mut print = Print::after(head);
        for member in members {
            member.tell(&mut print)?;
        }
        self.fingerprint = Some(print.finish());
        Ok(())
    }

    /// Tells the print of a composite what this member is.
    ///
    /// # Errors
    ///
    /// `invalid_payload` when the payload has no canonical form.
    pub fn tell(&self, print: &mut Print) -> Result<()> {
        print.task(&self.spec.task_type, &self.spec.queue, &self.spec.payload)
    }

    /// When it is due and its first status, by the store's clock; of a task that need not wait for its
    /// turn on a state key.
    pub fn due(&self, now: Timestamp) -> (Timestamp, TaskStatus) {
        let when = match (self.spec.run_at, self.spec.delay) {
            (Some(at), _) => When::At(at),
            (None, Some(delay)) => When::After(delay),
            (None, None) => When::Now,
        };
        let run_at = when.resolve(now);
        let status = match self.place {
            Place { kind: TaskKind::Task, waits: 0, .. } if run_at > now => TaskStatus::Scheduled,
            Place { kind: TaskKind::Task, waits: 0, .. } => TaskStatus::Pending,
            Place { kind: TaskKind::Task, .. } => TaskStatus::Blocked,
            _ => TaskStatus::Running,
        };
        (run_at, status)
    }

    /// The row to store at `now`.
    pub fn into_task(self, now: Timestamp) -> Task {
        let (run_at, status) = self.due(now);
        let spec = self.spec;
        let own = self.place.parent;
        let parent = |kind| own.filter(|parent| parent.kind == kind).map(|parent| parent.task_id);
        Task {
            task_id: self.task_id,
            tenant: self.tenant,
            queue: spec.queue,
            task_type: spec.task_type,
            handler: self.handler,
            payload: spec.payload,
            priority: spec.priority,
            status,
            run_at,
            created_at: now,
            started_at: None,
            finished_at: None,
            attempt_started_at: None,
            timeout: spec.timeout,
            retry: spec.retry,
            attempt: 0,
            idempotency_key: spec.idempotency_key,
            fingerprint: self.fingerprint,
            labels: spec.labels,
            metadata: spec.metadata,
            traceparent: spec.traceparent,
            state_key: spec.state_key,
            initial_state: spec.initial_state,
            kind: self.place.kind,
            batch_id: self.batch_id,
            block_id: parent(TaskKind::Block),
            pipeline_id: parent(TaskKind::Pipeline),
            stage: self.place.stage,
            waits: self.place.waits,
            members: None,
            suspect: false,
            cancel_requested: false,
            lease: None,
            token: None,
            executed_on: None,
            result: None,
            error: None,
            progress: None,
            message: None,
            submitted_as: status,
            last_seq: 1,
            start_seq: None,
            first_seq: 1,
            version: 1,
        }
    }
}

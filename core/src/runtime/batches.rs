//! Batches: stored at once or in chunks, looked at, cancelled.

use std::time::Duration;

use crate::engine::cancel;
use crate::engine::composite::Plan;
use crate::error::{Error, Result};
use crate::rules::limits;
use crate::runtime::composing::{Composer, check_batch};
use crate::runtime::engine::Engine;
use crate::runtime::service::Service;
use crate::store::{Applied, Composed, Composition};
use crate::words::{
    Batch, BatchId, BatchSpec, BatchSubmission, Filter, Submission, SubmitOptions, Task, TaskId,
    TaskKind, TaskSpec, TaskStatus,
};

/// Tasks of a batch that one look takes: each may have a megabyte.
const LOOK: u32 = 100;

impl Engine {
    pub(super) fn composer<'a>(&'a self, tenant: &'a str) -> Result<Composer<'a>> {
        limits::name("tenant", tenant)?;
        let (ids, now, depth_limit) = (&self.ids, self.store.now(), self.options.queue_depth_limit);
        Ok(Composer { tenant, ids, now, depth_limit })
    }

    /// Stores a composition, and waits for room meanwhile.
    pub(super) async fn compose(
        &self,
        composition: Composition,
        patience: Duration,
    ) -> Result<Composed> {
        let start = self.host.monotonic();
        let mut tries = 0;
        loop {
            // A copy is kept only while there may be a second try.
            if patience.is_zero() || composition.depth_limit.is_none() {
                return self.composed(self.store.compose(composition).await);
            }
            match self.store.compose(composition.clone()).await {
                Err(Error::QueueFull { retry_after, .. })
                    if self.wait_for_room(start, &mut tries, patience, retry_after).await => {}
                answer => return self.composed(answer),
            }
        }
    }

    fn composed(&self, composed: Result<Composed>) -> Result<Composed> {
        let composed = composed?;
        let pending = |s: &Submission| s.status == TaskStatus::Pending && !s.deduplicated;
        if composed.members.iter().any(pending) {
            self.bells.work.ring();
        }
        Ok(composed)
    }

    pub(super) async fn store_batch(
        &self,
        tenant: &str,
        spec: BatchSpec,
        tasks: Vec<TaskSpec>,
        options: SubmitOptions,
    ) -> Result<BatchSubmission> {
        let composition = self.composer(tenant)?.batch(spec, tasks)?;
        self.compose(composition, options.patience).await.map(submission)
    }

    pub(super) async fn begin_batch(&self, tenant: &str, spec: BatchSpec) -> Result<BatchId> {
        let composition = self.composer(tenant)?.open_batch(spec)?;
        let id = composition.task.task_id;
        self.store.open_batch(composition).await?;
        Ok(id.into())
    }

    pub(super) async fn add_chunk(
        &self,
        tenant: &str,
        batch_id: BatchId,
        chunk: u32,
        tasks: Vec<TaskSpec>,
    ) -> Result<u64> {
        let tasks = self.composer(tenant)?.members(batch_id, tasks)?;
        let total = self.store.extend_batch(tenant, batch_id, chunk, tasks).await?;
        if let Err(error) = check_batch(total) {
            self.store.extend_batch(tenant, batch_id, chunk, Vec::new()).await?;
            return Err(error);
        }
        Ok(total)
    }

    pub(super) async fn close_batch(
        &self,
        tenant: &str,
        batch_id: BatchId,
        options: SubmitOptions,
    ) -> Result<BatchSubmission> {
        let start = self.host.monotonic();
        let (limit, mut tries) = (self.options.queue_depth_limit, 0);
        loop {
            match self.store.seal_batch(tenant, batch_id, limit).await {
                Err(Error::QueueFull { retry_after, .. })
                    if self
                        .wait_for_room(start, &mut tries, options.patience, retry_after)
                        .await => {}
                answer => return self.composed(answer).map(submission),
            }
        }
    }

    pub(super) async fn find_batch(&self, tenant: &str, batch_id: BatchId) -> Result<Batch> {
        let row = self.store.get(tenant, vec![batch_id.into()]).await?.pop().flatten();
        let counts = self.store.batch(tenant, batch_id).await?;
        let row = row.filter(|task| task.kind == TaskKind::Batch);
        if row.is_none() && counts.is_empty() {
            return Err(not_found(batch_id));
        }
        let mut batch = Batch::of(batch_id, counts);
        if let Some(row) = row {
            batch.name = Some(row.task_type.clone()).filter(|name| name != row.kind.as_str());
            batch.hooks = Plan::of(&row)?.hooks;
            (batch.created_at, batch.finished_at) = (Some(row.created_at), row.finished_at);
            if row.status.is_final() {
                batch.status = row.status;
            } else if batch.status.is_final() || has_begun(&row) {
                batch.status = TaskStatus::Running;
            }
        }
        Ok(batch)
    }

    pub(super) async fn cancel_tasks_of(&self, tenant: &str, batch_id: BatchId) -> Result<Batch> {
        let batch = self.find_batch(tenant, batch_id).await?;
        let open: Vec<TaskStatus> =
            TaskStatus::ALL.into_iter().filter(|status| !status.is_final()).collect();
        let filter = Filter { status: open, batch_id: Some(batch_id), ..Filter::default() };
        let mut cursor = None;
        loop {
            let page = self.list_tasks(tenant, filter.clone(), cursor, LOOK).await?;
            self.cancel_some(tenant, &page.tasks).await?;
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        match self.find_batch(tenant, batch_id).await {
            // All of it was pruned meanwhile: this is how it stood.
            Err(Error::BatchNotFound { .. }) => Ok(batch),
            other => other,
        }
    }

    /// Cancels tasks as they were just read; those that moved on meanwhile, one by one.
    async fn cancel_some(&self, tenant: &str, tasks: &[Task]) -> Result<()> {
        let transitions: Vec<_> = tasks.iter().filter_map(cancel::decide).collect();
        if transitions.is_empty() {
            return Ok(());
        }
        let mut is_asked = false;
        for applied in self.store.settle(transitions, None).await?.0 {
            match applied? {
                Applied::Done(done) => {
                    is_asked |= done.status == TaskStatus::Running;
                    self.ring_for(&done);
                }
                Applied::Stale(task) => match self.cancel_one(tenant, task.task_id).await {
                    // Pruned meanwhile: it had ended.
                    Ok(_) | Err(Error::TaskNotFound { .. }) => {}
                    Err(error) => return Err(error),
                },
                Applied::Missing => {}
            }
        }
        if is_asked {
            self.bells.cancel.ring();
        }
        Ok(())
    }

    /// Runs the failed and cancelled tasks of a batch again.
    pub(super) async fn retry_tasks_of(&self, tenant: &str, batch: &Task) -> Result<()> {
        let filter = Filter { batch_id: Some(batch.task_id.into()), ..Filter::default() };
        let mut stretch = limits::CHANGE_MOST.into();
        let mut changed = 0;
        loop {
            let some = self.retry_matching(tenant, filter.clone(), stretch).await?;
            changed += some.changed;
            stretch.cursor = some.next;
            if !some.more {
                break;
            }
        }
        if changed > 0 {
            return Ok(());
        }
        Err(Error::InvalidTransition {
            task_id: batch.task_id,
            status: batch.status,
            verb: "retry".into(),
            needs: "a task that failed or was cancelled".into(),
        })
    }
}

/// Whether a member of it has ended since it was stored. What runs again has begun, though all of it may wait.
fn has_begun(row: &Task) -> bool {
    row.last_seq > 1
}

fn submission(composed: Composed) -> BatchSubmission {
    let Composed { task, members } = composed;
    BatchSubmission {
        batch_id: task.task_id.into(),
        deduplicated: task.deduplicated,
        submissions: members,
    }
}

fn not_found(batch_id: BatchId) -> Error {
    Error::BatchNotFound { batch_id: TaskId::from(batch_id).to_string() }
}

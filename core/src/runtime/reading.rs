//! Reading: lists, history, waits and explanations.

use std::time::Duration;

use crate::engine::{explain, history};
use crate::error::{Error, Result};
use crate::rules::limits;
use crate::runtime::engine::{Engine, WORKER_LIVES};
use crate::runtime::host::timeout;
use crate::runtime::seldom::SELDOM;
use crate::words::{
    Cursor, Filter, Page, Task, TaskId, TaskKind, TaskStatus, Update, UpdateKind, Why,
};

/// Tasks that one `why` counts before it stops.
const AHEAD: u64 = 1000;
/// Unfinished tasks that a wait looks at in one read.
const LOOK: usize = 256;
/// A wait on many tasks looks at most this often.
const CALM: Duration = Duration::from_millis(20);

impl Engine {
    pub(super) async fn list_tasks(
        &self,
        tenant: &str,
        filter: Filter,
        cursor: Option<Cursor>,
        limit: u32,
    ) -> Result<Page> {
        limits::check_page(limit)?;
        self.store.list(tenant, filter, cursor, limit).await
    }

    pub(super) async fn read_updates(
        &self,
        tenant: &str,
        task_id: TaskId,
        after: u64,
        limit: u32,
        wait: Duration,
    ) -> Result<Vec<Update>> {
        let limit = limit.clamp(1, 1000);
        let start = self.host.monotonic();
        loop {
            let news = self.bells.task(task_id).listen();
            let found = self.store.updates(tenant, task_id, after, limit).await?;
            let (task, rows) = found.ok_or_else(|| not_found(task_id))?;
            let is_final = task.status.is_final();
            let mut updates = history::assemble(&task, rows, after, limit as usize);
            if let Some(Update { seq, kind: UpdateKind::Status { result, .. }, .. }) =
                updates.last_mut().filter(|_| is_final && task.kind == TaskKind::Block)
                && *seq == task.last_seq
            {
                *result = match (SELDOM.block_value)(self, tenant.to_owned(), task_id, 0).await {
                    Ok((found, _)) => Some(found),
                    // The end is told all the same; who asks for the result learns why it is not here.
                    Err(Error::PayloadTooLarge { .. }) => None,
                    Err(error) => return Err(error),
                };
            }
            let left = wait.saturating_sub(self.host.monotonic().saturating_sub(start));
            if !updates.is_empty() || is_final || left.is_zero() {
                return Ok(updates);
            }
            timeout(&*self.host, left.min(self.patience_with_task()), news).await;
        }
    }

    pub(super) async fn wait_for(
        &self,
        tenant: &str,
        ids: Vec<TaskId>,
        fail_fast: bool,
        wait: Duration,
    ) -> Result<Vec<Task>> {
        let start = self.host.monotonic();
        let mut open = ids.clone();
        loop {
            // Without `fail_fast` the first open task alone decides whether to look further.
            let first = open.first().copied();
            let news = first.map(|id| self.bells.task(id).listen());
            let (still_open, failed) = self.look(tenant, open, fail_fast).await?;
            open = still_open;
            let left = wait.saturating_sub(self.host.monotonic().saturating_sub(start));
            if open.is_empty() || (fail_fast && failed) || left.is_zero() {
                break;
            }
            match news {
                // Another task's finish may matter, and it rings another bell.
                Some(_) if fail_fast && open.len() > 1 => self.host.sleep(CALM.min(left)).await,
                Some(news) if open.first() == first.as_ref() => {
                    timeout(&*self.host, left.min(self.patience_with_task()), news).await;
                }
                _ => {}
            }
        }
        let mut found = self.store.get(tenant, ids.clone()).await?;
        self.with_results(tenant, found.iter_mut().flatten()).await?;
        found.into_iter().zip(ids).map(|(task, id)| task.ok_or_else(|| not_found(id))).collect()
    }

    /// The tasks that are still open, and whether one ended badly. Without `fail_fast` it stops looking
    /// at the first open one.
    async fn look(
        &self,
        tenant: &str,
        ids: Vec<TaskId>,
        fail_fast: bool,
    ) -> Result<(Vec<TaskId>, bool)> {
        let mut open = Vec::new();
        let mut failed = false;
        let mut chunks = ids.chunks(LOOK);
        for chunk in chunks.by_ref() {
            for (task, id) in self.store.get(tenant, chunk.to_vec()).await?.into_iter().zip(chunk) {
                let task = task.ok_or_else(|| not_found(*id))?;
                failed |= matches!(task.status, TaskStatus::Failed | TaskStatus::Cancelled);
                if !task.status.is_final() {
                    open.push(*id);
                }
            }
            if !fail_fast && !open.is_empty() {
                break;
            }
        }
        open.extend(chunks.flatten());
        Ok((open, failed))
    }

    pub(super) async fn get_tasks(
        &self,
        tenant: &str,
        ids: Vec<TaskId>,
    ) -> Result<Vec<Option<Task>>> {
        let mut found = self.store.get(tenant, ids).await?;
        self.with_results(tenant, found.iter_mut().flatten()).await?;
        Ok(found)
    }

    pub(super) async fn explain(&self, tenant: &str, task_id: TaskId) -> Result<Why> {
        let task = self.find(tenant, task_id).await?;
        let workers = self.store.workers(tenant, WORKER_LIVES).await?;
        let (ahead, paused) = match task.status {
            TaskStatus::Pending => (
                Some(self.store.ahead(&task, AHEAD).await?),
                self.store.paused(tenant).await?.contains(&task.queue),
            ),
            _ => (None, false),
        };
        Ok(explain::decide(&task, &workers, paused, ahead, self.store.now()))
    }

    pub(super) async fn find(&self, tenant: &str, task_id: TaskId) -> Result<Task> {
        let mut found = self.store.get(tenant, vec![task_id]).await?;
        found.pop().flatten().ok_or_else(|| not_found(task_id))
    }
}

fn not_found(id: TaskId) -> Error {
    Error::TaskNotFound { task_id: id.to_string() }
}

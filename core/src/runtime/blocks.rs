//! Durable blocks: stored, and what they came to.

use crate::engine::block_result;
use crate::error::{Error, Result};
use crate::future::breath;
use crate::rules::limits;
use crate::runtime::engine::Engine;
use crate::runtime::seldom::SELDOM;
use crate::store::Graph;
use crate::words::{
    BlockResult, BlockSpec, Payload, Submission, SubmitOptions, Task, TaskId, TaskKind, TaskStatus,
};

/// Steps of one read: each may have megabytes.
const ROWS: usize = 16;

impl Engine {
    pub(super) async fn store_block(
        &self,
        tenant: &str,
        spec: BlockSpec,
        options: SubmitOptions,
    ) -> Result<Submission> {
        let composition = self.composer(tenant)?.block(spec)?;
        Ok(self.compose(composition, options.patience).await?.task)
    }

    pub(super) async fn block_result(&self, tenant: &str, id: TaskId) -> Result<BlockResult> {
        self.result_within(tenant, id, &mut 0).await
    }

    /// The result of a block, whose bytes are added to `size`.
    ///
    /// # Errors
    ///
    /// `task_not_found`; `payload_too_large` once `size` is over [`limits::BLOCK_RESULT_BYTES`].
    async fn result_within(
        &self,
        tenant: &str,
        id: TaskId,
        size: &mut usize,
    ) -> Result<BlockResult> {
        let not_found = || Error::TaskNotFound { task_id: id.to_string() };
        let graph = self.store.graph(tenant, id).await?;
        let graph = graph.filter(|graph| graph.task.kind == TaskKind::Block);
        let Graph { task: block, members: mut steps, .. } = graph.ok_or_else(not_found)?;
        let told = steps.iter().filter_map(|step| step.error.as_ref());
        *size += told.map(|error| error.message.len()).sum::<usize>();
        limits::block_result(*size)?;
        // Only these have a result, and everything else of them is known.
        let completed = |step: &&mut Task| step.status == TaskStatus::Completed;
        let mut completed: Vec<&mut Task> = steps.iter_mut().filter(completed).collect();
        for some in completed.chunks_mut(ROWS) {
            let ids = some.iter().map(|step| step.task_id).collect();
            let found = self.store.get(tenant, ids).await?;
            for (step, found) in some.iter_mut().zip(found) {
                step.result = found.and_then(|found| found.result);
                *size += step.result.as_ref().map_or(0, |result| result.as_str().len());
            }
            limits::block_result(*size)?;
            breath().await;
        }
        Ok(block_result::of(&block, steps, self.store.now()))
    }

    /// Tasks with the results of the blocks among them that have ended.
    ///
    /// # Errors
    ///
    /// `payload_too_large`, for all of them together.
    pub(super) async fn with_results<'a>(
        &self,
        tenant: &str,
        tasks: impl Iterator<Item = &'a mut Task> + Send,
    ) -> Result<()> {
        let mut size = 0;
        for task in tasks.filter(|task| task.kind == TaskKind::Block && task.status.is_final()) {
            let value = (SELDOM.block_value)(self, tenant.to_owned(), task.task_id, size);
            let (result, sum) = value.await?;
            (task.result, size) = (Some(result), sum);
        }
        Ok(())
    }

    /// The result of a block as a payload, and `size` with its bytes; see
    /// [`result_within`](Self::result_within).
    pub(super) async fn block_value(
        &self,
        tenant: &str,
        id: TaskId,
        mut size: usize,
    ) -> Result<(Payload, usize)> {
        let result = self.result_within(tenant, id, &mut size).await?;
        Ok((Payload::of("result", &result)?, size))
    }
}

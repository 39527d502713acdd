//! Durable blocks: stored, and what they came to.

use crate::engine::block_result;
use crate::error::{Error, Result};
use crate::runtime::engine::Engine;
use crate::words::{
    BlockResult, BlockSpec, Payload, Submission, SubmitOptions, Task, TaskId, TaskKind,
};

/// Steps of one read: each may have a megabyte.
const ROWS: usize = 100;

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
        let not_found = || Error::TaskNotFound { task_id: id.to_string() };
        let graph = self.store.graph(tenant, id).await?;
        let graph = graph.filter(|graph| graph.task.kind == TaskKind::Block);
        let graph = graph.ok_or_else(not_found)?;
        let ids: Vec<TaskId> = graph.members.iter().map(|step| step.task_id).collect();
        let mut steps = Vec::with_capacity(ids.len());
        for ids in ids.chunks(ROWS) {
            steps.extend(self.store.get(tenant, ids.to_vec()).await?.into_iter().flatten());
        }
        Ok(block_result::of(&graph.task, steps, self.store.now()))
    }

    /// Tasks with the results of the blocks among them that have ended.
    pub(super) async fn with_results<'a>(
        &self,
        tenant: &str,
        tasks: impl Iterator<Item = &'a mut Task> + Send,
    ) -> Result<()> {
        for task in tasks.filter(|task| task.kind == TaskKind::Block && task.status.is_final()) {
            let result = self.block_result(tenant, task.task_id).await?;
            task.result = Some(Payload::of("result", &result)?);
        }
        Ok(())
    }
}

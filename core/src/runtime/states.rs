//! What a running task may read: the results of what it waited for. What anybody may: states.

use crate::error::{Error, Result};
use crate::runtime::engine::Engine;
use crate::words::{Payload, TaskId, TaskKind, TaskStatus};

impl Engine {
    pub(super) async fn upstream_result(
        &self,
        tenant: &str,
        task_id: TaskId,
        name: &str,
    ) -> Result<Option<Payload>> {
        match self.store.upstream(tenant, task_id, name).await? {
            Some(task) if task.kind == TaskKind::Batch => {
                let batch = self.find_batch(tenant, task.task_id.into()).await?;
                Payload::of("result", &batch).map(Some)
            }
            Some(task) if task.status == TaskStatus::Completed => {
                Ok(Some(task.result.unwrap_or_default()))
            }
            // Its result may still come: null would say that it has answered nothing.
            Some(task) => Err(Error::InvalidTransition {
                task_id: task.task_id,
                status: task.status,
                verb: "upstream".into(),
                needs: "a stage that completed".into(),
            }),
            // A task that is not there is told from one that did not wait for this.
            None => self.find(tenant, task_id).await.map(|_| None),
        }
    }

    pub(super) async fn names_upstream(
        &self,
        tenant: &str,
        task_id: TaskId,
    ) -> Result<Vec<String>> {
        let names = self.store.upstream_names(tenant, task_id).await?;
        if names.is_empty() {
            self.find(tenant, task_id).await?;
        }
        Ok(names)
    }
}

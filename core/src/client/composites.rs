//! Verbs of batches, pipelines, blocks and states.

use std::time::Duration;

use crate::client::{Client, batch};
use crate::error::{Error, Result};
use crate::words::{
    BatchSpec, BatchSubmission, BlockResult, BlockSpec, Payload, Pipeline, PipelineSpec,
    PipelineSubmission, Submission, SubmitOptions, TaskId, TaskSpec,
};

/// How long a full queue is retried.
const PATIENCE: Duration = Duration::from_secs(30);

/// Tasks of one chunk.
const CHUNK: usize = 5_000;

fn patient() -> SubmitOptions {
    SubmitOptions { batch: false, patience: PATIENCE }
}

fn pipeline(id: &str) -> Result<TaskId> {
    id.parse().map_err(|_| Error::PipelineNotFound { pipeline_id: id.chars().take(64).collect() })
}

impl Client {
    /// Stores tasks as a batch, all or none; see [`Service::submit_batch`](crate::Service::submit_batch).
    /// Waits up to 30 s while a queue is full.
    ///
    /// # Errors
    ///
    /// As [`submit`](Self::submit).
    pub async fn submit_batch(
        &self,
        spec: BatchSpec,
        tasks: Vec<TaskSpec>,
    ) -> Result<BatchSubmission> {
        self.service.submit_batch(&self.tenant, spec, tasks, patient()).await
    }

    /// Begins a batch to which tasks are added; nothing is seen of it before it is sealed.
    pub fn new_batch(&self, spec: BatchSpec) -> BatchBuilder {
        BatchBuilder { client: self.clone(), spec, tasks: Vec::new(), opened: None, size: CHUNK }
    }

    /// Adds a chunk to a batch that another client began; see
    /// [`Service::extend_batch`](crate::Service::extend_batch).
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn extend_batch(
        &self,
        batch_id: &str,
        chunk: u32,
        tasks: Vec<TaskSpec>,
    ) -> Result<u64> {
        self.service.extend_batch(&self.tenant, batch(batch_id)?, chunk, tasks).await
    }

    /// Begins a batch whose chunks are sent by [`extend_batch`](Self::extend_batch).
    ///
    /// # Errors
    ///
    /// As [`Service::open_batch`](crate::Service::open_batch).
    pub async fn open_batch(&self, spec: BatchSpec) -> Result<String> {
        self.service.open_batch(&self.tenant, spec).await.map(|id| id.to_string())
    }

    /// Makes a batch visible; see [`Service::seal_batch`](crate::Service::seal_batch).
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn seal_batch(&self, batch_id: &str) -> Result<BatchSubmission> {
        self.service.seal_batch(&self.tenant, batch(batch_id)?, patient()).await
    }

    /// Stores a pipeline whole; its stages begin at once. Waits up to 30 s while a queue is full.
    ///
    /// # Errors
    ///
    /// As [`Service::submit_pipeline`](crate::Service::submit_pipeline).
    pub async fn submit_pipeline(&self, spec: PipelineSpec) -> Result<PipelineSubmission> {
        self.service.submit_pipeline(&self.tenant, spec, patient()).await
    }

    /// How a pipeline and its stages stand.
    ///
    /// # Errors
    ///
    /// `pipeline_not_found`.
    pub async fn pipeline(&self, id: &str) -> Result<Pipeline> {
        self.service.pipeline(&self.tenant, pipeline(id)?).await
    }

    /// Cancels a pipeline, and its unfinished stages with it.
    ///
    /// # Errors
    ///
    /// `pipeline_not_found`.
    pub async fn cancel_pipeline(&self, id: &str) -> Result<Pipeline> {
        self.service.cancel_pipeline(&self.tenant, pipeline(id)?).await
    }

    /// Runs failed and cancelled stages again, from `stage` on or all of them; see
    /// [`Service::retry_pipeline`](crate::Service::retry_pipeline).
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn retry_pipeline(&self, id: &str, stage: Option<&str>) -> Result<Pipeline> {
        let stage = stage.map(str::to_owned);
        self.service.retry_pipeline(&self.tenant, pipeline(id)?, stage).await
    }

    /// Stores a block of steps; its `task_id` is to be waited for, followed and cancelled as any. Waits up
    /// to 30 s while a queue is full.
    ///
    /// # Errors
    ///
    /// As [`Service::submit_block`](crate::Service::submit_block).
    pub async fn submit_block(&self, spec: BlockSpec) -> Result<Submission> {
        self.service.submit_block(&self.tenant, spec, patient()).await
    }

    /// What a block came to, or how it stands while it runs.
    ///
    /// # Errors
    ///
    /// `task_not_found`.
    pub async fn block(&self, task_id: &str) -> Result<BlockResult> {
        self.service.block(&self.tenant, TaskId::parse(task_id)?).await
    }

    /// The state that was stored last under a key; `None` when there is none.
    pub async fn state(&self, state_key: &str) -> Result<Option<Payload>> {
        self.service.state(&self.tenant, state_key).await
    }

    /// The result of a task that `task_id` waited for, by the name of its stage; see
    /// [`Service::upstream`](crate::Service::upstream).
    ///
    /// # Errors
    ///
    /// `task_not_found`.
    pub async fn upstream(&self, task_id: &str, name: &str) -> Result<Option<Payload>> {
        self.service.upstream(&self.tenant, TaskId::parse(task_id)?, name).await
    }

    /// The names that [`upstream`](Self::upstream) knows for a task.
    ///
    /// # Errors
    ///
    /// `task_not_found`.
    pub async fn upstream_names(&self, task_id: &str) -> Result<Vec<String>> {
        self.service.upstream_names(&self.tenant, TaskId::parse(task_id)?).await
    }
}

/// A batch to which tasks are added, as many as 100,000. Those beyond one chunk of 5,000 are sent as they
/// come, so that no more than a chunk is held here. Dropped before its seal, it is as if it had never been.
pub struct BatchBuilder {
    client: Client,
    spec: BatchSpec,
    tasks: Vec<TaskSpec>,
    /// The batch, once a chunk was sent, and how many were.
    opened: Option<(String, u32)>,
    size: usize,
}

impl BatchBuilder {
    /// Sends chunks of so many tasks, at least 1.
    #[must_use]
    pub fn chunk_size(mut self, tasks: usize) -> Self {
        self.size = tasks.max(1);
        self
    }

    /// Adds a task.
    ///
    /// # Errors
    ///
    /// As [`Service::extend_batch`](crate::Service::extend_batch), when a chunk is sent. What could not be
    /// sent is kept, and goes with the next task or the seal.
    pub async fn add(&mut self, task: TaskSpec) -> Result<()> {
        if self.tasks.len() >= self.size {
            self.send().await?;
        }
        self.tasks.push(task);
        Ok(())
    }

    /// Adds tasks, in order. Errors as [`add`](Self::add): then a part of them is added.
    pub async fn extend(&mut self, tasks: impl IntoIterator<Item = TaskSpec>) -> Result<()> {
        for task in tasks {
            self.add(task).await?;
        }
        Ok(())
    }

    /// Makes the batch visible whole; its tasks may run from then on. After an error it can be sealed again.
    ///
    /// # Errors
    ///
    /// As [`Client::submit_batch`].
    pub async fn seal(&mut self) -> Result<BatchSubmission> {
        if self.opened.is_none() {
            return self.client.submit_batch(self.spec.clone(), self.tasks.clone()).await;
        }
        self.send().await?;
        match &self.opened {
            Some((id, _)) => self.client.seal_batch(id).await,
            None => Err(Error::internal("a batch was sent and is not open")),
        }
    }

    async fn send(&mut self) -> Result<()> {
        let (id, chunk) = match &mut self.opened {
            Some((id, chunk)) => (id, chunk),
            None => {
                let id = self.client.open_batch(self.spec.clone()).await?;
                let (id, chunk) = self.opened.insert((id, 0));
                (id, chunk)
            }
        };
        if !self.tasks.is_empty() {
            // The same number again replaces a chunk whose answer was lost.
            self.client.extend_batch(id, *chunk, self.tasks.clone()).await?;
            *chunk += 1;
            self.tasks.clear();
        }
        Ok(())
    }
}

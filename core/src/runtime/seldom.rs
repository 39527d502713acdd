//! The verbs of the engine that few pages ask for.

use crate::apart::{Apart, seldom};
use crate::error::Result;
use crate::future::BoxFuture;
use crate::runtime::engine::Engine;
use crate::runtime::matching::Verb;
use crate::words::{
    Batch, BatchId, BatchSpec, BatchSubmission, BlockResult, BlockSpec, Changed, Cursor, Filter,
    Page, Payload, Pipeline, PipelineSpec, PipelineSubmission, QueueInfo, Stretch, Submission,
    SubmitOptions, Tally, Task, TaskId, TaskSpec, Why,
};

seldom! { engine: Engine;
    list(tenant: String, filter: Filter, cursor: Option<Cursor>, limit: u32) -> Page {
        engine.list_tasks(&tenant, filter, cursor, limit).await
    }
    count(tenant: String, filter: Filter, most: u32) -> Tally {
        engine.count_matching(&tenant, filter, most).await
    }
    change_matching(tenant: String, verb: Verb, filter: Filter, stretch: Stretch) -> Changed {
        engine.change_matching(&tenant, verb, filter, stretch).await
    }
    queues(tenant: String) -> Vec<QueueInfo> {
        engine.all_queues(&tenant).await
    }
    pause(tenant: String, queue: String, paused: bool) -> QueueInfo {
        engine.pause_queue(&tenant, &queue, paused).await
    }
    why(tenant: String, id: TaskId) -> Why {
        engine.explain(&tenant, id).await
    }
    batch(tenant: String, id: BatchId) -> Batch {
        engine.find_batch(&tenant, id).await
    }
    cancel_batch(tenant: String, id: BatchId) -> Batch {
        engine.cancel_tasks_of(&tenant, id).await
    }
    submit_batch(tenant: String, spec: BatchSpec, tasks: Vec<TaskSpec>, options: SubmitOptions) -> BatchSubmission {
        engine.store_batch(&tenant, spec, tasks, options).await
    }
    open_batch(tenant: String, spec: BatchSpec) -> BatchId {
        engine.begin_batch(&tenant, spec).await
    }
    extend_batch(tenant: String, id: BatchId, chunk: u32, tasks: Vec<TaskSpec>) -> u64 {
        engine.add_chunk(&tenant, id, chunk, tasks).await
    }
    seal_batch(tenant: String, id: BatchId, options: SubmitOptions) -> BatchSubmission {
        engine.close_batch(&tenant, id, options).await
    }
    submit_pipeline(tenant: String, spec: PipelineSpec, options: SubmitOptions) -> PipelineSubmission {
        engine.store_pipeline(&tenant, spec, options).await
    }
    pipeline(tenant: String, id: TaskId) -> Pipeline {
        engine.find_pipeline(&tenant, id).await
    }
    cancel_pipeline(tenant: String, id: TaskId) -> Pipeline {
        engine.stop_pipeline(&tenant, id).await
    }
    retry_pipeline(tenant: String, id: TaskId, stage: Option<String>) -> Pipeline {
        engine.rerun_pipeline(&tenant, id, stage.as_deref()).await
    }
    submit_block(tenant: String, spec: BlockSpec, options: SubmitOptions) -> Submission {
        engine.store_block(&tenant, spec, options).await
    }
    block(tenant: String, id: TaskId) -> BlockResult {
        engine.block_result(&tenant, id).await
    }
    upstream(tenant: String, id: TaskId, name: String) -> Option<Payload> {
        engine.upstream_result(&tenant, id, &name).await
    }
    upstream_names(tenant: String, id: TaskId) -> Vec<String> {
        engine.names_upstream(&tenant, id).await
    }
    retry(tenant: String, id: TaskId) -> Task {
        engine.retry_task(&tenant, id).await
    }
    block_value(tenant: String, id: TaskId, size: usize) -> (Payload, usize) {
        engine.block_value(&tenant, id, size).await
    }
}

//! Pipelines: stored, looked at, cancelled, run again.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::composite;
use crate::engine::rerun::{self, Which};
use crate::error::{Error, Result};
use crate::future::breath;
use crate::runtime::engine::Engine;
use crate::store::{Applied, Graph};
use crate::words::{
    Pipeline, PipelineSpec, PipelineSubmission, Stage, SubmitOptions, Task, TaskId, TaskKind,
};

impl Engine {
    pub(super) async fn store_pipeline(
        &self,
        tenant: &str,
        spec: PipelineSpec,
        options: SubmitOptions,
    ) -> Result<PipelineSubmission> {
        let composition = self.composer(tenant)?.pipeline(spec)?;
        let composed = self.compose(composition, options.patience).await?;
        Ok(PipelineSubmission {
            pipeline_id: composed.task.task_id,
            task_ids: composed.members.iter().map(|stage| stage.task_id).collect(),
            status: composed.task.status,
            deduplicated: composed.task.deduplicated,
        })
    }

    pub(super) async fn find_pipeline(&self, tenant: &str, id: TaskId) -> Result<Pipeline> {
        self.graph_of(tenant, id).await.map(told)
    }

    async fn graph_of(&self, tenant: &str, id: TaskId) -> Result<Graph> {
        let graph = self.store.graph(tenant, id).await?;
        graph.filter(|graph| graph.task.kind == TaskKind::Pipeline).ok_or_else(|| not_found(id))
    }

    pub(super) async fn stop_pipeline(&self, tenant: &str, id: TaskId) -> Result<Pipeline> {
        let row = self.store.get(tenant, vec![id]).await?.pop().flatten();
        if row.is_none_or(|row| row.kind != TaskKind::Pipeline) {
            return Err(not_found(id));
        }
        self.command(tenant, id, |task| Ok(composite::cancel(task))).await?;
        self.find_pipeline(tenant, id).await
    }

    pub(super) async fn rerun_pipeline(
        &self,
        tenant: &str,
        id: TaskId,
        stage: Option<&str>,
    ) -> Result<Pipeline> {
        self.rerun(tenant, id, stage.map_or(Which::All, Which::Named)).await?;
        self.find_pipeline(tenant, id).await
    }

    /// Runs stages of a pipeline again, all by one write; answers those that start over.
    pub(super) async fn rerun(
        &self,
        tenant: &str,
        id: TaskId,
        which: Which<'_>,
    ) -> Result<BTreeSet<TaskId>> {
        loop {
            let graph = self.graph_of(tenant, id).await?;
            let transitions = rerun::decide(&graph.task, &graph.members, &graph.edges, which)?;
            let again = transitions.iter().filter(|to| to.start_over).map(|to| to.task_id);
            let again: BTreeSet<TaskId> = again.collect();
            match self.store.settle_together(transitions).await? {
                Applied::Done(_) => {
                    again.iter().for_each(|id| self.bells.task(*id).ring());
                    self.bells.work.ring();
                    return Ok(again);
                }
                // Something ended between look and write: look again.
                Applied::Stale(_) => breath().await,
                Applied::Missing => return Err(not_found(id)),
            }
        }
    }
}

fn told(graph: Graph) -> Pipeline {
    let Graph { task, members, edges } = graph;
    let names: BTreeMap<TaskId, String> =
        members.iter().map(|stage| (stage.task_id, name_of(stage))).collect();
    let mut depends_on: BTreeMap<TaskId, Vec<String>> = BTreeMap::new();
    for (from, to) in edges {
        depends_on.entry(to).or_default().extend(names.get(&from).cloned());
    }
    let stage = |stage: Task| Stage {
        name: name_of(&stage),
        task_id: stage.task_id,
        status: stage.status,
        depends_on: depends_on.remove(&stage.task_id).unwrap_or_default(),
        task_type: stage.task_type,
        attempt: stage.attempt,
        started_at: stage.started_at,
        finished_at: stage.finished_at,
        error: stage.error,
        progress: stage.progress,
    };
    Pipeline {
        pipeline_id: task.task_id,
        name: task.task_type,
        status: task.status,
        stages: members.into_iter().map(stage).collect(),
        members: task.members.unwrap_or_default(),
        created_at: task.created_at,
        finished_at: task.finished_at,
        error: task.error,
        timeout: task.timeout,
        labels: task.labels,
    }
}

fn name_of(stage: &Task) -> String {
    stage.stage.clone().unwrap_or_default()
}

fn not_found(id: TaskId) -> Error {
    Error::PipelineNotFound { pipeline_id: id.to_string() }
}

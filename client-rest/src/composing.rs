//! Batches, pipelines and blocks from words, and what a task reads of others.

use std::time::Duration;

use serde::Serialize;
use windlass_core::rules::limits;
use windlass_core::words::opt_seconds;
use windlass_core::{
    BatchSpec, BatchSubmission, BlockSpec, Error, Labels, Payload, PipelineSpec,
    PipelineSubmission, Result, StageSpec, Submission, TaskId, TaskSpec,
};

use crate::address::segment;
use crate::answered::{Answered, Names, State, Upstream, unread};
use crate::batching::BatchText;
use crate::call::{Call, json};
use crate::service::RestService;
use crate::verb;

/// What is told of a batch beside its tasks.
#[derive(Serialize)]
struct Head<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    on_complete: Option<&'a TaskSpec>,
    #[serde(skip_serializing_if = "Option::is_none")]
    on_success: Option<&'a TaskSpec>,
    #[serde(skip_serializing_if = "Option::is_none")]
    on_failure: Option<&'a TaskSpec>,
    idempotency_key: &'a str,
    #[serde(skip_serializing_if = "Labels::is_empty")]
    labels: &'a Labels,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a Payload>,
}

#[derive(Serialize)]
struct PipelineBody<'a> {
    name: &'a str,
    stages: Vec<StageBody<'a>>,
    #[serde(with = "opt_seconds", skip_serializing_if = "Option::is_none")]
    timeout_seconds: Option<Duration>,
    idempotency_key: &'a str,
    #[serde(skip_serializing_if = "Labels::is_empty")]
    labels: &'a Labels,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a Payload>,
}

#[derive(Serialize)]
struct StageBody<'a> {
    name: &'a str,
    depends_on: &'a [String],
    #[serde(flatten)]
    task: &'a TaskSpec,
}

impl<'a> From<&'a StageSpec> for StageBody<'a> {
    fn from(StageSpec { name, depends_on, task }: &'a StageSpec) -> Self {
        Self { name, depends_on, task }
    }
}

/// An answer that says whether its key was known.
pub(crate) trait Keyed {
    /// What says so.
    fn deduplicated(&mut self) -> &mut bool;
}

impl Keyed for Submission {
    fn deduplicated(&mut self) -> &mut bool {
        &mut self.deduplicated
    }
}

impl Keyed for PipelineSubmission {
    fn deduplicated(&mut self) -> &mut bool {
        &mut self.deduplicated
    }
}

impl RestService {
    pub(crate) async fn batch_of(
        &self,
        tenant: &str,
        spec: BatchSpec,
        tasks: Vec<TaskSpec>,
        patience: Duration,
    ) -> Result<BatchSubmission> {
        tasks.iter().try_for_each(limits::check_spec)?;
        let (head, filled) = self.head(tenant, spec)?;
        let tasks = texts(&tasks)?;
        self.send_batch(tenant, BatchText { head, filled, tasks }, patience).await
    }

    /// What is told of a batch beside its tasks, and whether its key was made here.
    pub(crate) fn head(&self, tenant: &str, spec: BatchSpec) -> Result<(String, bool)> {
        limits::name("tenant", tenant)?;
        let BatchSpec { name, on_complete, on_success, on_failure, labels, metadata, .. } = &spec;
        for (place, hook) in
            [("on_complete", on_complete), ("on_success", on_success), ("on_failure", on_failure)]
        {
            let checked = hook.as_ref().map_or(Ok(()), limits::check_spec);
            checked.map_err(|error| error.within(place))?;
        }
        let filled = spec.idempotency_key.is_none();
        let head = Head {
            name: name.as_deref(),
            on_complete: on_complete.as_ref(),
            on_success: on_success.as_ref(),
            on_failure: on_failure.as_ref(),
            idempotency_key: &self.key_or(spec.idempotency_key.as_ref()),
            labels,
            metadata: metadata.as_ref(),
        };
        let head = text(&head)?;
        Ok((head[1..head.len() - 1].to_owned(), filled))
    }

    pub(crate) async fn send_pipeline(
        &self,
        tenant: &str,
        spec: PipelineSpec,
        patience: Duration,
    ) -> Result<PipelineSubmission> {
        limits::name("tenant", tenant)?;
        for (place, stage) in spec.stages.iter().enumerate() {
            let checked = limits::check_spec(&stage.task);
            checked.map_err(|error| error.within(&format!("stages[{place}]")))?;
        }
        let body = json(&PipelineBody {
            name: &spec.name,
            stages: spec.stages.iter().map(StageBody::from).collect(),
            timeout_seconds: spec.timeout,
            idempotency_key: &self.key_or(spec.idempotency_key.as_ref()),
            labels: &spec.labels,
            metadata: spec.metadata.as_ref(),
        })?;
        let call = verb::SUBMIT_PIPELINE.call().json(body).tenant(tenant);
        self.keyed(&call, spec.idempotency_key.is_none(), patience).await
    }

    pub(crate) async fn send_block(
        &self,
        tenant: &str,
        mut spec: BlockSpec,
        patience: Duration,
    ) -> Result<Submission> {
        limits::name("tenant", tenant)?;
        limits::check_retry(&spec.retry)?;
        if spec.rate_per_second.is_some_and(|rate| !rate.is_finite()) {
            return Err(Error::invalid("rate_per_second", "must be a number"));
        }
        let filled = spec.idempotency_key.is_none();
        spec.idempotency_key = Some(self.key_or(spec.idempotency_key.as_ref()));
        let call = verb::SUBMIT_BLOCK.call().json(json(&spec)?).tenant(tenant);
        self.keyed(&call, filled, patience).await
    }

    /// Stores what has a key: `filled` when it was made here, so that its being known means only that an
    /// answer was lost.
    pub(crate) async fn keyed<T: Keyed + Answered>(
        &self,
        call: &Call,
        filled: bool,
        patience: Duration,
    ) -> Result<T> {
        let stored = self.patiently(call, patience).await?;
        let mut stored = T::read(&stored).map_err(unread)?;
        *stored.deduplicated() &= !filled;
        Ok(stored)
    }

    fn key_or(&self, given: Option<&String>) -> String {
        given.cloned().unwrap_or_else(|| self.keys.next(self.calls.clock().now()))
    }

    pub(crate) async fn upstream_of(
        &self,
        tenant: &str,
        task_id: TaskId,
        name: &str,
    ) -> Result<Option<Payload>> {
        // No stage has such a name.
        let Ok(name) = segment("name", name) else { return Ok(None) };
        let call = verb::UPSTREAM.of(&[&task_id.to_string(), &name]);
        match self.calls.answer::<Upstream>(&call.tenant(tenant)).await {
            Ok(upstream) => Ok(Some(upstream.0)),
            // Either there is no such task, or it waited for nothing of that name.
            Err(error) if error.code() == "task_not_found" => {
                self.names_of(tenant, task_id).await.map(|_| None).map_err(|_| error)
            }
            Err(error) => Err(error),
        }
    }

    pub(crate) async fn names_of(&self, tenant: &str, task_id: TaskId) -> Result<Vec<String>> {
        let call = verb::UPSTREAM_NAMES.of(&[&task_id.to_string()]);
        Ok(self.calls.answer::<Names>(&call.tenant(tenant)).await?.0)
    }

    pub(crate) async fn state_of(&self, tenant: &str, state_key: &str) -> Result<Option<Payload>> {
        let call = verb::STATE.of(&[&segment("state_key", state_key)?]).tenant(tenant);
        Ok(self.calls.answer::<State>(&call).await?.0)
    }
}

pub(crate) fn texts(tasks: &[TaskSpec]) -> Result<Vec<String>> {
    tasks.iter().map(text).collect()
}

/// JSON text of a word.
fn text(word: &impl Serialize) -> Result<String> {
    serde_json::to_string(word)
        .map_err(|error| Error::internal(format!("a request has no JSON text: {error}")))
}

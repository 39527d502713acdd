//! Batches, pipelines, blocks and states. Errors are those of the same verb of `windlass_core::Service`.

use std::time::Duration;

use windlass_core::future::BoxFuture;
use windlass_core::words::members::{Members, quoted};
use windlass_core::{
    BatchId, BatchSubmission, Error, PipelineSubmission, Result, Submission, TaskId,
};

use super::records::{KEY, alone};
use super::verbs::task;
use super::{Answer, TextClient, Wanted};
use crate::answered::Answered;
use crate::batching::{BatchText, object};
use crate::call::Call;
use crate::composing::Keyed;
use crate::verb::{self, Verb};

/// An answer on its way.
type Told<T> = BoxFuture<'static, Result<T>>;

impl TextClient {
    /// Stores a batch from JSON text of its record, whose `tasks` are task records. One that is too large for
    /// one request goes in chunks.
    pub fn submit_batch(&self, record: &str, patience: Duration) -> Told<BatchSubmission> {
        let (client, read) = (self.clone(), self.batch_text(record));
        Box::pin(async move {
            let sent = client.rest.send_batch(&client.tenant, read?, patience).await;
            sent.map_err(alone)
        })
    }

    /// Begins a batch whose tasks come in chunks; JSON text of its id.
    pub fn open_batch(&self, record: &str) -> Answer {
        let (client, read) = (self.clone(), self.batch_text(record));
        Box::pin(async move {
            let id = client.rest.open_text(&client.tenant, &read?.head).await?;
            Ok(quoted(&id.to_string()))
        })
    }

    /// Adds a chunk, JSON text of a list of task records; how many tasks the batch has so far.
    pub fn extend_batch(&self, batch_id: &str, chunk: u32, tasks: &str) -> Told<u64> {
        let (client, id, tasks) = (self.clone(), id_of(batch_id), texts(tasks));
        Box::pin(async move {
            let put = client.rest.put_chunk(&client.tenant, id?, chunk, &tasks?).await;
            put.map_err(alone)
        })
    }

    /// Makes a batch visible whole.
    pub fn seal_batch(&self, batch_id: &str, patience: Duration) -> Told<BatchSubmission> {
        let (client, id) = (self.clone(), id_of(batch_id));
        Box::pin(async move { client.rest.seal(&client.tenant, id?, patience).await })
    }

    /// One page of batches, newest first, as their tasks' records; `page` as for `list`.
    pub fn batches(&self, page: &str) -> Answer {
        self.page(&verb::BATCHES, page, "batches")
    }

    /// Stores a pipeline from JSON text of its record.
    pub fn submit_pipeline(&self, record: &str, patience: Duration) -> Told<PipelineSubmission> {
        self.send(&verb::SUBMIT_PIPELINE, record, patience)
    }

    /// How a pipeline and its stages stand.
    pub fn pipeline(&self, pipeline_id: &str) -> Answer {
        self.ask(pipeline(&verb::PIPELINE, pipeline_id), Wanted::Whole("stages"))
    }

    /// One page of pipelines, newest first; `page` as for `list`.
    pub fn pipelines(&self, page: &str) -> Answer {
        self.page(&verb::PIPELINES, page, "pipelines")
    }

    /// Cancels a pipeline; its record as it stands then.
    pub fn cancel_pipeline(&self, pipeline_id: &str) -> Answer {
        self.ask(pipeline(&verb::CANCEL_PIPELINE, pipeline_id), Wanted::Whole("stages"))
    }

    /// Runs stages again, from `stage` on or all that failed; its record.
    pub fn retry_pipeline(&self, pipeline_id: &str, stage: Option<&str>) -> Answer {
        let stage = stage.map(|stage| ["\"stage\":", &quoted(stage)].concat());
        let body = object(&[&stage.unwrap_or_default()]);
        let call = pipeline(&verb::RETRY_PIPELINE, pipeline_id).map(|call| call.json(body));
        self.ask(call, Wanted::Whole("stages"))
    }

    /// Stores a block from JSON text of its record.
    pub fn submit_block(&self, record: &str, patience: Duration) -> Told<Submission> {
        self.send(&verb::SUBMIT_BLOCK, record, patience)
    }

    /// What a block came to, or how it stands.
    pub fn block(&self, task_id: &str) -> Answer {
        self.ask(task(&verb::BLOCK, task_id), Wanted::Whole("overall_status"))
    }

    /// JSON text of what a task waited for, by the name of its stage.
    pub fn upstream(&self, task_id: &str, name: &str) -> Told<Option<String>> {
        let (client, id, name) = (self.clone(), TaskId::parse(task_id), name.to_owned());
        Box::pin(async move {
            let found = client.rest.upstream_of(&client.tenant, id?, &name).await?;
            Ok(found.map(|result| result.as_str().to_owned()))
        })
    }

    /// The names that `upstream` knows for a task.
    pub fn upstream_names(&self, task_id: &str) -> Answer {
        self.ask(task(&verb::UPSTREAM_NAMES, task_id), Wanted::Member("names"))
    }

    /// JSON text of the state under a key.
    pub fn state(&self, state_key: &str) -> Told<Option<String>> {
        let (client, key) = (self.clone(), state_key.to_owned());
        Box::pin(async move {
            let state = client.rest.state_of(&client.tenant, &key).await?;
            Ok(state.map(|state| state.as_str().to_owned()))
        })
    }

    fn send<T: Keyed + Answered + 'static>(
        &self,
        verb: &'static Verb,
        record: &str,
        patience: Duration,
    ) -> Told<T> {
        let read = Members::read("body", record).map(|members| self.head(members));
        let client = self.clone();
        Box::pin(async move {
            let (head, filled) = read?;
            let call = verb.call().json(object(&[&head])).tenant(&client.tenant);
            client.rest.keyed(&call, filled, patience).await
        })
    }

    /// A batch that is told nothing beside its tasks.
    pub(super) fn batch_of(&self, records: &str) -> Result<BatchText> {
        let (head, filled) = self.head(Members(Vec::new()));
        Ok(BatchText { head, filled, tasks: texts(records)? })
    }

    fn batch_text(&self, record: &str) -> Result<BatchText> {
        let mut members = Members::read("body", record)?;
        let tasks = members.take("tasks").map_or_else(|| Ok(Vec::new()), texts)?;
        let (head, filled) = self.head(members);
        Ok(BatchText { head, filled, tasks })
    }

    /// The members of a record without its braces, with a key of ours where it has none.
    fn head(&self, mut members: Members<'_>) -> (String, bool) {
        let filled = members.get(KEY).is_none();
        if filled {
            members.take(KEY);
        }
        let pair = |name: &str, value: &str| [&quoted(name), ":", value].concat();
        let given = members.0.iter().map(|(name, value)| pair(name, value));
        let mut head: Vec<String> = given.collect();
        if filled {
            head.push(pair(KEY, &quoted(&self.rest.keys.next(self.now()))));
        }
        (head.join(","), filled)
    }
}

/// The records of a list, checked for their sizes.
fn texts(list: &str) -> Result<Vec<String>> {
    let records = super::records::checked(list)?;
    Ok(records.into_iter().map(|(text, _)| text.to_owned()).collect())
}

/// A call about a pipeline.
fn pipeline(verb: &'static Verb, pipeline_id: &str) -> Result<Call> {
    let id = TaskId::parse(pipeline_id);
    let missing =
        |_| Error::PipelineNotFound { pipeline_id: pipeline_id.chars().take(64).collect() };
    id.map_err(missing).map(|id| verb.of(&[&id.to_string()]))
}

fn id_of(batch_id: &str) -> Result<BatchId> {
    let missing = |_| Error::BatchNotFound { batch_id: batch_id.to_owned() };
    batch_id.parse().map_err(missing)
}

//! The verbs of a client. Each answers JSON text; errors are core's of the same verb.

use std::time::Duration;

use windlass_core::client::FollowOptions;
use windlass_core::rules::limits;
use windlass_core::{Error, Result, SubmitOptions, TaskId, TaskSpec, Timestamp};

use crate::arguments::{place, seconds};
use crate::query;
use crate::stream::Stream;
use crate::submit;
use crate::text::text;

/// A connected client. Clones share it.
#[derive(Clone)]
pub struct Client {
    pub(crate) client: windlass_core::Client,
    pub(crate) patience: Duration,
}

impl Client {
    /// The verbs of `client`, whose submits keep trying for `patience` while their queue is full.
    pub fn new(client: windlass_core::Client, patience: Duration) -> Self {
        Self { client, patience }
    }

    /// The client beneath.
    pub fn core(&self) -> &windlass_core::Client {
        &self.client
    }

    /// What and where the store is.
    pub fn location(&self) -> String {
        self.client.location()
    }

    /// The store's time, in milliseconds since 1970.
    pub fn now_millis(&self) -> i64 {
        self.client.now().as_millis()
    }

    /// Stores tasks, all or none, from JSON text of a list of their records. Answers runs of submissions:
    /// `[{"task_ids", "status", "deduplicated", "batch_id"}, …]`.
    pub async fn submit(&self, records: &str, batch: bool) -> Result<String> {
        let options = SubmitOptions { batch, patience: self.patience };
        let specs = TaskSpec::list_from_wire(records)?;
        submit::told(&self.client.submit_many(specs, options).await?)
    }

    /// Checks tasks as a submit does before anything travels; stores nothing.
    ///
    /// # Errors
    ///
    /// `invalid_argument`, `invalid_payload`, `payload_too_large`.
    pub fn check(&self, records: &str) -> Result<()> {
        TaskSpec::list_from_wire(records)?.iter().try_for_each(limits::check_spec)
    }

    /// A task's record.
    pub async fn get(&self, task_id: &str) -> Result<String> {
        text(&self.client.get(task_id).await?)
    }

    /// The tasks' records, in order.
    pub async fn get_many(&self, task_ids: &[String]) -> Result<String> {
        text(&self.client.get_many(task_ids).await?)
    }

    /// The tasks' records once all have ended, or with `fail_fast` the first has failed. `timeout` is in
    /// seconds.
    pub async fn wait(
        &self,
        task_ids: &[String],
        timeout: Option<f64>,
        fail_fast: bool,
    ) -> Result<String> {
        let timeout = seconds("timeout", timeout)?;
        text(&self.client.wait_many(task_ids, timeout, fail_fast).await?)
    }

    /// A task's answer, once it has completed. `timeout` is in seconds.
    pub async fn result(&self, task_id: &str, timeout: Option<f64>) -> Result<String> {
        let timeout = seconds("timeout", timeout)?;
        Ok(self.client.result(task_id, timeout).await?.as_str().to_owned())
    }

    /// One page of tasks that match, newest first; `page` is an object.
    pub async fn list(&self, page: &str) -> Result<String> {
        let (filter, cursor, limit) = query::page(page)?;
        text(&self.client.list(filter, cursor, limit).await?)
    }

    /// How many tasks match; `query` is an object, with `most` beside what it filters by.
    pub async fn count(&self, query: &str) -> Result<String> {
        let (filter, most) = query::bounded(query)?;
        text(&self.client.count(filter, most).await?)
    }

    /// Cancels the tasks that match; `query` as for `count`, and `cursor` to go on.
    pub async fn cancel_matching(&self, query: &str) -> Result<String> {
        let (filter, stretch) = query::stretch(query)?;
        text(&self.client.cancel_matching(filter, stretch).await?)
    }

    /// Runs the failed and cancelled tasks that match again; `query` as for `cancel_matching`.
    pub async fn retry_matching(&self, query: &str) -> Result<String> {
        let (filter, stretch) = query::stretch(query)?;
        text(&self.client.retry_matching(filter, stretch).await?)
    }

    /// What a task's history holds after entry `after`, without waiting.
    pub async fn history(&self, task_id: &str, after: i64, limit: u32) -> Result<String> {
        let (id, after) = (TaskId::parse(task_id)?, place(after)?);
        let (service, tenant) = (self.client.service(), self.client.tenant());
        text(&service.updates(tenant, id, after, limit, Duration::ZERO).await?)
    }

    /// A task's history after entry `after`, as it grows.
    ///
    /// # Errors
    ///
    /// `invalid_argument`, `task_not_found`.
    pub fn updates(&self, task_id: &str, after: i64) -> Result<Stream> {
        Ok(Stream::new(self.client.updates(task_id, place(after)?)?))
    }

    /// The changes of a pipeline's stages behind entry `after` of its history, and then its end.
    ///
    /// # Errors
    ///
    /// `invalid_argument`, `task_not_found`.
    pub fn monitor(&self, pipeline_id: &str, after: i64) -> Result<Stream> {
        let after = place(after)?;
        Ok(Stream::new(self.client.monitor(pipeline_id)?.after(after)))
    }

    /// What happens to tasks from now on, or since an instant of the store's; of one queue or type, if one is given.
    pub fn events(
        &self,
        queue: Option<String>,
        task_type: Option<String>,
        since: Option<Timestamp>,
    ) -> Stream {
        Stream::new(self.client.follow(FollowOptions { queue, task_type, since }))
    }

    /// Cancels a task; its record as it stands then.
    pub async fn cancel(&self, task_id: &str) -> Result<String> {
        text(&self.client.cancel(task_id).await?)
    }

    /// Runs a failed or cancelled task again; its record.
    pub async fn retry(&self, task_id: &str) -> Result<String> {
        text(&self.client.retry(task_id).await?)
    }

    /// Why a task does not run now.
    pub async fn why(&self, task_id: &str) -> Result<String> {
        text(&self.client.why(task_id).await?)
    }

    /// How many tasks each queue has in each status.
    pub async fn counts(&self) -> Result<String> {
        text(&self.client.counts().await?)
    }

    /// The queues' records.
    pub async fn queues(&self) -> Result<String> {
        text(&self.client.queues().await?)
    }

    /// Pauses a queue or lets it go on; its record.
    pub async fn pause(&self, queue: &str, paused: bool) -> Result<String> {
        text(&self.client.pause(queue, paused).await?)
    }

    /// A batch's record.
    pub async fn batch(&self, batch_id: &str) -> Result<String> {
        text(&self.client.batch(batch_id).await?)
    }

    /// Cancels what is open of a batch; its record as it stands then.
    pub async fn cancel_batch(&self, batch_id: &str) -> Result<String> {
        text(&self.client.cancel_batch(batch_id).await?)
    }

    /// Live workers.
    pub async fn workers(&self) -> Result<String> {
        text(&self.client.workers().await?)
    }

    /// Store, queues and workers at a glance.
    pub async fn cluster_health(&self) -> Result<String> {
        text(&self.client.cluster_health().await?)
    }

    /// Releases the store for good. Again is no error.
    pub async fn close(&self) -> Result<()> {
        match self.client.close().await {
            Ok(()) | Err(Error::ClientClosed) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

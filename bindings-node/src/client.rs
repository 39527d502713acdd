//! The verbs of a client.

use napi::Env;
use napi::bindgen_prelude::{Null, Object};
use napi_derive::napi;
use windlass::Result;
use windlass_json::Client as Verbs;

use crate::clock::ManualClock;
use crate::failure::raised;
use crate::options;
use crate::promise::{Cancel, handle, promise};
use crate::stream::Stream;

/// A connected client.
#[napi]
pub(crate) struct Client(pub(crate) Verbs);

impl Client {
    /// Runs a verb that answers JSON text.
    pub(crate) fn run<'env, F>(
        &self,
        env: &'env Env,
        verb: impl FnOnce(Verbs) -> F,
    ) -> napi::Result<Object<'env>>
    where
        F: Future<Output = Result<String>> + Send + 'static,
    {
        promise(env, verb(self.0.clone()))
    }
}

#[napi]
impl Client {
    /// Connects; `options` is JSON text of an object.
    #[napi(constructor)]
    pub fn new(url: String, options: String, clock: Option<&ManualClock>) -> napi::Result<Self> {
        crate::cli::log_to_stderr();
        let clock = clock.map(|clock| clock.0.clone());
        let (options, patience) = raised(options::read(&options, clock))?;
        let client = raised(windlass::connect_on(handle().clone(), &url, options))?;
        Ok(Self(Verbs::new(client, patience)))
    }

    /// What and where the store is.
    #[napi]
    pub fn location(&self) -> String {
        self.0.location()
    }

    /// The store's time, in milliseconds since 1970.
    #[napi]
    pub fn now_millis(&self) -> i64 {
        self.0.now_millis()
    }

    /// Stores tasks, all or none, from JSON text of a list of their records.
    #[napi]
    pub fn submit<'env>(
        &self,
        env: &'env Env,
        records: String,
        batch: bool,
        cancel: Option<&Cancel>,
    ) -> napi::Result<Object<'env>> {
        let client = self.0.clone();
        promise(env, Cancel::or(cancel, async move { client.submit(&records, batch).await }))
    }

    /// A task's record.
    #[napi]
    pub fn get<'env>(&self, env: &'env Env, task_id: String) -> napi::Result<Object<'env>> {
        self.run(env, |c| async move { c.get(&task_id).await })
    }

    /// The tasks' records, in order.
    #[napi]
    pub fn get_many<'env>(
        &self,
        env: &'env Env,
        task_ids: Vec<String>,
    ) -> napi::Result<Object<'env>> {
        self.run(env, |c| async move { c.get_many(&task_ids).await })
    }

    /// The tasks' records once all have ended, or with `fail_fast` the first has failed.
    #[napi]
    pub fn wait<'env>(
        &self,
        env: &'env Env,
        task_ids: Vec<String>,
        timeout: Option<f64>,
        fail_fast: bool,
        cancel: Option<&Cancel>,
    ) -> napi::Result<Object<'env>> {
        let client = self.0.clone();
        let work = async move { client.wait(&task_ids, timeout, fail_fast).await };
        promise(env, Cancel::or(cancel, work))
    }

    /// JSON text of the task's answer, once it has completed.
    #[napi]
    pub fn result<'env>(
        &self,
        env: &'env Env,
        task_id: String,
        timeout: Option<f64>,
        cancel: Option<&Cancel>,
    ) -> napi::Result<Object<'env>> {
        let client = self.0.clone();
        promise(env, Cancel::or(cancel, async move { client.result(&task_id, timeout).await }))
    }

    /// One page of tasks that match, newest first. `query` is JSON text of an object.
    #[napi]
    pub fn list<'env>(&self, env: &'env Env, query: String) -> napi::Result<Object<'env>> {
        self.run(env, |c| async move { c.list(&query).await })
    }

    /// How many tasks match. `query` is JSON text of an object.
    #[napi]
    pub fn count<'env>(&self, env: &'env Env, query: String) -> napi::Result<Object<'env>> {
        self.run(env, |c| async move { c.count(&query).await })
    }

    /// Cancels the tasks that match. `query` is JSON text of an object.
    #[napi]
    pub fn cancel_matching<'env>(
        &self,
        env: &'env Env,
        query: String,
    ) -> napi::Result<Object<'env>> {
        self.run(env, |c| async move { c.cancel_matching(&query).await })
    }

    /// Runs the failed and cancelled tasks that match again. `query` is JSON text of an object.
    #[napi]
    pub fn retry_matching<'env>(
        &self,
        env: &'env Env,
        query: String,
    ) -> napi::Result<Object<'env>> {
        self.run(env, |c| async move { c.retry_matching(&query).await })
    }

    /// What a task's history holds after entry `after`, without waiting.
    #[napi]
    pub fn history<'env>(
        &self,
        env: &'env Env,
        task_id: String,
        after: i64,
        limit: u32,
    ) -> napi::Result<Object<'env>> {
        self.run(env, move |c| async move { c.history(&task_id, after, limit).await })
    }

    /// A task's history after entry `after`, as it grows.
    #[napi]
    pub fn updates(&self, task_id: String, after: i64) -> napi::Result<Stream> {
        raised(self.0.updates(&task_id, after)).map(Stream)
    }

    /// The changes of a pipeline's stages behind entry `after` of its history, and then its end.
    #[napi]
    pub fn monitor(&self, pipeline_id: String, after: i64) -> napi::Result<Stream> {
        raised(self.0.monitor(&pipeline_id, after)).map(Stream)
    }

    /// What happens to tasks from now on; of one queue or type, if one is given.
    #[napi]
    pub fn events(&self, queue: Option<String>, task_type: Option<String>) -> Stream {
        // What it starts belongs to the runtime.
        let _entered = handle().enter();
        Stream(self.0.events(queue, task_type, None))
    }

    /// Cancels a task; its record as it stands then.
    #[napi]
    pub fn cancel<'env>(&self, env: &'env Env, task_id: String) -> napi::Result<Object<'env>> {
        self.run(env, |c| async move { c.cancel(&task_id).await })
    }

    /// Runs a failed or cancelled task again; its record.
    #[napi]
    pub fn retry<'env>(&self, env: &'env Env, task_id: String) -> napi::Result<Object<'env>> {
        self.run(env, |c| async move { c.retry(&task_id).await })
    }

    /// Why a task does not run now.
    #[napi]
    pub fn why<'env>(&self, env: &'env Env, task_id: String) -> napi::Result<Object<'env>> {
        self.run(env, |c| async move { c.why(&task_id).await })
    }

    /// How many tasks each queue has in each status.
    #[napi]
    pub fn counts<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        self.run(env, |c| async move { c.counts().await })
    }

    /// The queues' records.
    #[napi]
    pub fn queues<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        self.run(env, |c| async move { c.queues().await })
    }

    /// Pauses a queue or lets it go on; its record.
    #[napi]
    pub fn pause<'env>(
        &self,
        env: &'env Env,
        queue: String,
        paused: bool,
    ) -> napi::Result<Object<'env>> {
        self.run(env, move |c| async move { c.pause(&queue, paused).await })
    }

    /// A batch's record.
    #[napi]
    pub fn batch<'env>(&self, env: &'env Env, batch_id: String) -> napi::Result<Object<'env>> {
        self.run(env, |c| async move { c.batch(&batch_id).await })
    }

    /// Cancels what is open of a batch; its record as it stands then.
    #[napi]
    pub fn cancel_batch<'env>(
        &self,
        env: &'env Env,
        batch_id: String,
    ) -> napi::Result<Object<'env>> {
        self.run(env, |c| async move { c.cancel_batch(&batch_id).await })
    }

    /// A verb of batches, pipelines, blocks and states; `null` where there is nothing of that name.
    #[napi]
    pub fn compose<'env>(
        &self,
        env: &'env Env,
        verb: String,
        subject: String,
        told: String,
        cancel: Option<&Cancel>,
    ) -> napi::Result<Object<'env>> {
        let client = self.0.clone();
        let work = async move { client.compose(&verb, &subject, &told).await };
        promise(env, Cancel::or(cancel, work))
    }

    /// Live workers.
    #[napi]
    pub fn workers<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        self.run(env, |c| async move { c.workers().await })
    }

    /// Store, queues and workers at a glance.
    #[napi]
    pub fn cluster_health<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        self.run(env, |c| async move { c.cluster_health().await })
    }

    /// Leases tasks; see `Service::lease`.
    #[napi]
    pub fn lease<'env>(&self, env: &'env Env, request: String) -> napi::Result<Object<'env>> {
        self.run(env, |c| async move { c.lease(&request).await })
    }

    /// Keeps leases; a word for each: `held`, `cancel_requested` or `lost`.
    #[napi]
    pub fn renew<'env>(&self, env: &'env Env, renewals: String) -> napi::Result<Object<'env>> {
        self.run(env, |c| async move { c.renew(&renewals).await })
    }

    /// Records outcomes; for each its task's status, or the error.
    #[napi]
    pub fn settle<'env>(&self, env: &'env Env, settles: String) -> napi::Result<Object<'env>> {
        self.run(env, |c| async move { c.settle(&settles).await })
    }

    /// Sweeps once; what it did, by name.
    #[napi]
    pub fn sweep<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        self.run(env, |c| async move { c.sweep().await })
    }

    /// Releases the store for good. Again is no error.
    #[napi]
    pub fn close<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        let client = self.0.clone();
        promise(env, async move { client.close().await.map(|()| Null) })
    }
}

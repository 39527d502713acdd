//! The verbs of a client.

use js_sys::Promise;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use windlass_core::Result;
use windlass_json::Client as Verbs;

use crate::cancel::{self, CancelObject};
use crate::connect::connect;
use crate::failure::{raised, tell_panics};
use crate::promise::{optional, promise};
use crate::stream::{Events, Updates};

/// Version of the engine within.
#[wasm_bindgen]
pub fn version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}

#[wasm_bindgen]
extern "C" {
    /// A `ManualClock` in JavaScript's hands.
    pub type ClockObject;

    #[cfg(feature = "engine")]
    #[wasm_bindgen(method)]
    fn share(this: &ClockObject) -> crate::clock::ManualClock;
}

/// A connected client.
#[wasm_bindgen]
pub struct Client(pub(crate) Verbs);

impl Client {
    /// Runs a verb that answers JSON text.
    fn run<F>(&self, verb: impl FnOnce(Verbs) -> F) -> Promise
    where
        F: Future<Output = Result<String>> + 'static,
    {
        promise(verb(self.0.clone()))
    }
}

#[wasm_bindgen]
impl Client {
    /// Connects; `options` is JSON text of an object.
    #[wasm_bindgen(constructor)]
    pub fn new(url: &str, options: &str, clock: Option<ClockObject>) -> Result<Client, JsValue> {
        tell_panics();
        #[cfg(feature = "engine")]
        let clock = clock.map(|object| object.share().0);
        #[cfg(not(feature = "engine"))]
        let clock = {
            drop(clock);
            None
        };
        raised(connect(url, options, clock)).map(Self)
    }

    /// What and where the store is.
    pub fn location(&self) -> String {
        self.0.location()
    }

    /// The store's time, in milliseconds since 1970.
    #[wasm_bindgen(js_name = nowMillis)]
    pub fn now_millis(&self) -> f64 {
        self.0.now_millis() as f64
    }

    /// Stores tasks, all or none, from JSON text of a list of their records.
    pub fn submit(&self, records: String, batch: bool, cancel: Option<CancelObject>) -> Promise {
        let client = self.0.clone();
        promise(cancel::or(cancel, async move { client.submit(&records, batch).await }))
    }

    /// Checks tasks as `submit` does before anything travels; resolves with `null`.
    pub fn check(&self, records: &str) -> Promise {
        let checked = self.0.check(records);
        optional(async move { checked.map(|()| None) })
    }

    /// A task's record.
    pub fn get(&self, task_id: String) -> Promise {
        self.run(|c| async move { c.get(&task_id).await })
    }

    /// The tasks' records, in order.
    #[wasm_bindgen(js_name = getMany)]
    pub fn get_many(&self, task_ids: Vec<String>) -> Promise {
        self.run(|c| async move { c.get_many(&task_ids).await })
    }

    /// The tasks' records once all have ended, or with `fail_fast` the first has failed.
    pub fn wait(
        &self,
        task_ids: Vec<String>,
        timeout: Option<f64>,
        fail_fast: bool,
        cancel: Option<CancelObject>,
    ) -> Promise {
        let client = self.0.clone();
        let work = async move { client.wait(&task_ids, timeout, fail_fast).await };
        promise(cancel::or(cancel, work))
    }

    /// JSON text of the task's answer, once it has completed.
    pub fn result(
        &self,
        task_id: String,
        timeout: Option<f64>,
        cancel: Option<CancelObject>,
    ) -> Promise {
        let client = self.0.clone();
        promise(cancel::or(cancel, async move { client.result(&task_id, timeout).await }))
    }

    /// One page of tasks that match, newest first. `query` is JSON text of an object.
    pub fn list(&self, query: String) -> Promise {
        self.run(|c| async move { c.list(&query).await })
    }

    /// How many tasks match. `query` is JSON text of an object.
    pub fn count(&self, query: String) -> Promise {
        self.run(|c| async move { c.count(&query).await })
    }

    /// Cancels the tasks that match. `query` is JSON text of an object.
    #[wasm_bindgen(js_name = "cancelMatching")]
    pub fn cancel_matching(&self, query: String) -> Promise {
        self.run(|c| async move { c.cancel_matching(&query).await })
    }

    /// Runs the failed and cancelled tasks that match again. `query` is JSON text of an object.
    #[wasm_bindgen(js_name = "retryMatching")]
    pub fn retry_matching(&self, query: String) -> Promise {
        self.run(|c| async move { c.retry_matching(&query).await })
    }

    /// What a task's history holds after entry `after`, without waiting.
    pub fn history(&self, task_id: String, after: f64, limit: u32) -> Promise {
        self.run(move |c| async move { c.history(&task_id, after as i64, limit).await })
    }

    /// A task's history after entry `after`, as it grows.
    pub fn updates(&self, task_id: &str, after: f64) -> Result<Updates, JsValue> {
        raised(self.0.updates(task_id, after as i64)).map(Updates)
    }

    /// What happens to tasks from now on; of one queue or type, if one is given.
    pub fn events(&self, queue: Option<String>, task_type: Option<String>) -> Events {
        Events(self.0.events(queue, task_type))
    }

    /// Cancels a task; its record as it stands then.
    pub fn cancel(&self, task_id: String) -> Promise {
        self.run(|c| async move { c.cancel(&task_id).await })
    }

    /// Runs a failed or cancelled task again; its record.
    pub fn retry(&self, task_id: String) -> Promise {
        self.run(|c| async move { c.retry(&task_id).await })
    }

    /// Why a task does not run now.
    pub fn why(&self, task_id: String) -> Promise {
        self.run(|c| async move { c.why(&task_id).await })
    }

    /// How many tasks each queue has in each status.
    pub fn counts(&self) -> Promise {
        self.run(|c| async move { c.counts().await })
    }

    /// The queues' records.
    pub fn queues(&self) -> Promise {
        self.run(|c| async move { c.queues().await })
    }

    /// Pauses a queue or lets it go on; its record.
    pub fn pause(&self, queue: String, paused: bool) -> Promise {
        self.run(move |c| async move { c.pause(&queue, paused).await })
    }

    /// A batch's record.
    pub fn batch(&self, batch_id: String) -> Promise {
        self.run(|c| async move { c.batch(&batch_id).await })
    }

    /// Cancels what is open of a batch; its record as it stands then.
    #[wasm_bindgen(js_name = cancelBatch)]
    pub fn cancel_batch(&self, batch_id: String) -> Promise {
        self.run(|c| async move { c.cancel_batch(&batch_id).await })
    }

    /// A verb of batches, pipelines, blocks and states; `null` where there is nothing of that name.
    pub fn compose(
        &self,
        verb: String,
        subject: String,
        told: String,
        cancel: Option<CancelObject>,
    ) -> Promise {
        let client = self.0.clone();
        let work = async move { client.compose(&verb, &subject, &told).await };
        optional(cancel::or(cancel, work))
    }

    /// Live workers.
    pub fn workers(&self) -> Promise {
        self.run(|c| async move { c.workers().await })
    }

    /// Store, queues and workers at a glance.
    #[wasm_bindgen(js_name = clusterHealth)]
    pub fn cluster_health(&self) -> Promise {
        self.run(|c| async move { c.cluster_health().await })
    }

    /// Leases tasks; see `Service::lease`.
    pub fn lease(&self, request: String) -> Promise {
        self.run(|c| async move { c.lease(&request).await })
    }

    /// Keeps leases; a word for each: `held`, `cancel_requested` or `lost`.
    pub fn renew(&self, renewals: String) -> Promise {
        self.run(|c| async move { c.renew(&renewals).await })
    }

    /// Records outcomes; for each its task's status, or the error.
    pub fn settle(&self, settles: String) -> Promise {
        self.run(|c| async move { c.settle(&settles).await })
    }

    /// Sweeps once; what it did, by name.
    pub fn sweep(&self) -> Promise {
        self.run(|c| async move { c.sweep().await })
    }

    /// Releases the store for good. Again is no error.
    pub fn close(&self) -> Promise {
        let client = self.0.clone();
        optional(async move { client.close().await.map(|()| None) })
    }
}

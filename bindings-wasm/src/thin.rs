//! The verbs of a server's client, whose records are handed on as they came. What a worker needs, leases
//! taken by hand, and whoever follows all tasks, is in the module of feature `worker`.
//!
//! The class is that of `client`, with the same methods in the same words.

use std::time::Duration;

use js_sys::Promise;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use windlass_client::TextClient;
use windlass_client::text::check;
use windlass_core::Result;
use windlass_json::arguments::{place, seconds};
use windlass_json::submit;

use crate::cancel::{self, CancelObject};
use crate::connect::connect;
use crate::failure::{raised, tell_panics};
use crate::promise::{optional, promise, text};
use crate::stream::Stream;

/// Version of the engine within.
#[wasm_bindgen]
pub fn version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}

/// What `connect` answers.
pub(crate) struct Verbs {
    client: TextClient,
    patience: Duration,
}

impl Verbs {
    pub(crate) fn new(client: TextClient, patience: Duration) -> Self {
        Self { client, patience }
    }
}

/// A connected client.
#[wasm_bindgen]
pub struct Client(Verbs);

#[wasm_bindgen]
impl Client {
    /// Connects; `options` is JSON text of an object. A server has its own clock.
    #[wasm_bindgen(constructor)]
    pub fn new(url: &str, options: &str, _clock: JsValue) -> Result<Client, JsValue> {
        tell_panics();
        raised(connect(url, options, None)).map(Self)
    }

    /// What and where the store is.
    pub fn location(&self) -> String {
        self.0.client.location()
    }

    /// The store's time, in milliseconds since 1970.
    #[wasm_bindgen(js_name = nowMillis)]
    pub fn now_millis(&self) -> f64 {
        self.0.client.now().as_millis() as f64
    }

    /// Stores tasks, all or none, from JSON text of a list of their records. A batch is for the code that
    /// can do all: `ts/native.ts` asks that.
    pub fn submit(&self, records: &str, _batch: bool, cancel: Option<CancelObject>) -> Promise {
        let stored = self.0.client.store(records, self.0.patience);
        let told = Box::pin(async move { submit::told(&stored.await?) });
        promise(cancel::or(cancel, told as windlass_client::text::Answer))
    }

    /// Checks what can be told of tasks without reading all words; resolves with `null`.
    pub fn check(&self, records: &str) -> Promise {
        let checked = check(records);
        optional(async move { checked.map(|()| None) })
    }

    /// A task's record.
    pub fn get(&self, task_id: &str) -> Promise {
        text(self.0.client.get(task_id))
    }

    /// The tasks' records, in order.
    #[wasm_bindgen(js_name = getMany)]
    pub fn get_many(&self, task_ids: Vec<String>) -> Promise {
        text(self.0.client.get_many(task_ids))
    }

    /// The tasks' records once all have ended, or with `fail_fast` the first has failed.
    pub fn wait(
        &self,
        task_ids: Vec<String>,
        timeout: Option<f64>,
        fail_fast: bool,
        cancel: Option<CancelObject>,
    ) -> Result<Promise, JsValue> {
        let timeout = raised(seconds("timeout", timeout))?;
        Ok(promise(cancel::or(cancel, self.0.client.wait(task_ids, timeout, fail_fast))))
    }

    /// JSON text of the task's answer, once it has completed.
    pub fn result(
        &self,
        task_id: &str,
        timeout: Option<f64>,
        cancel: Option<CancelObject>,
    ) -> Result<Promise, JsValue> {
        let timeout = raised(seconds("timeout", timeout))?;
        Ok(promise(cancel::or(cancel, self.0.client.result(task_id, timeout))))
    }

    /// One page of tasks that match, newest first. `query` is JSON text of an object.
    pub fn list(&self, query: &str) -> Promise {
        text(self.0.client.list(query))
    }

    /// How many tasks match. `query` is JSON text of an object.
    pub fn count(&self, query: &str) -> Promise {
        text(self.0.client.count(query))
    }

    /// Cancels the tasks that match. `query` is JSON text of an object.
    #[wasm_bindgen(js_name = "cancelMatching")]
    pub fn cancel_matching(&self, query: &str) -> Promise {
        text(self.0.client.cancel_matching(query))
    }

    /// Runs the failed and cancelled tasks that match again. `query` is JSON text of an object.
    #[wasm_bindgen(js_name = "retryMatching")]
    pub fn retry_matching(&self, query: &str) -> Promise {
        text(self.0.client.retry_matching(query))
    }

    /// What a task's history holds after entry `after`, without waiting.
    pub fn history(&self, task_id: &str, after: f64, limit: u32) -> Result<Promise, JsValue> {
        Ok(text(self.0.client.history(task_id, raised(place(after as i64))?, limit)))
    }

    /// A task's history after entry `after`, as it grows.
    pub fn updates(&self, task_id: &str, after: f64) -> Result<Stream, JsValue> {
        let stream = place(after as i64).and_then(|after| self.0.client.updates(task_id, after));
        raised(stream).map(|stream| Stream(windlass_json::Stream::new(stream)))
    }

    /// Cancels a task; its record as it stands then.
    pub fn cancel(&self, task_id: &str) -> Promise {
        text(self.0.client.cancel(task_id))
    }

    /// Runs a failed or cancelled task again; its record.
    pub fn retry(&self, task_id: &str) -> Promise {
        text(self.0.client.retry(task_id))
    }

    /// Why a task does not run now.
    pub fn why(&self, task_id: &str) -> Promise {
        text(self.0.client.why(task_id))
    }

    /// How many tasks each queue has in each status.
    pub fn counts(&self) -> Promise {
        text(self.0.client.counts())
    }

    /// The queues' records.
    pub fn queues(&self) -> Promise {
        text(self.0.client.queues())
    }

    /// Pauses a queue or lets it go on; its record.
    pub fn pause(&self, queue: &str, paused: bool) -> Promise {
        text(self.0.client.pause(queue, paused))
    }

    /// A batch's record.
    pub fn batch(&self, batch_id: &str) -> Promise {
        text(self.0.client.batch(batch_id))
    }

    /// Cancels what is open of a batch; its record as it stands then.
    #[wasm_bindgen(js_name = cancelBatch)]
    pub fn cancel_batch(&self, batch_id: &str) -> Promise {
        text(self.0.client.cancel_batch(batch_id))
    }

    /// Live workers.
    pub fn workers(&self) -> Promise {
        text(self.0.client.workers())
    }

    /// Store, queues and workers at a glance.
    #[wasm_bindgen(js_name = clusterHealth)]
    pub fn cluster_health(&self) -> Promise {
        text(self.0.client.cluster_health())
    }

    /// Releases the store for good. Again is no error.
    pub fn close(&self) -> Promise {
        let client = self.0.client.clone();
        optional(async move {
            client.close().await;
            Ok(None)
        })
    }
}

//! Jobs on their way to handlers, outcomes on their way back: one string each way for many tasks.

use js_sys::Promise;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::client::Client;
use crate::failure::raised;
use crate::promise::{optional, promise};

/// A running worker.
#[wasm_bindgen]
pub struct Worker(windlass_json::Worker);

#[wasm_bindgen]
impl Worker {
    /// Starts a worker; `config` is JSON text of an object. Its `handlers` is an object, by name, of
    /// what each declares, as a task's record says it.
    #[wasm_bindgen(constructor)]
    pub fn new(client: &Client, config: &str) -> Result<Worker, JsValue> {
        raised(windlass_json::Worker::start(&client.0, config)).map(Self)
    }

    /// Its id.
    pub fn id(&self) -> String {
        self.0.id().to_owned()
    }

    /// Jobs as JSON text of a list; an empty list once no more will come.
    #[wasm_bindgen(js_name = claimJson)]
    pub fn claim_json(&self, max: u32) -> Promise {
        let worker = self.0.clone();
        promise(async move { worker.claim(max).await })
    }

    /// Hands in outcomes: JSON text of `{"completed": [[id, result], …], "ended": [[id, outcome], …]}`.
    #[wasm_bindgen(js_name = completeJson)]
    pub fn complete_json(&self, outcomes: &str) -> Result<(), JsValue> {
        raised(self.0.complete(outcomes))
    }

    /// The same, and takes what lies ready: no wait.
    #[wasm_bindgen(js_name = turnJson)]
    pub fn turn_json(&self, outcomes: &str, max: u32) -> Result<String, JsValue> {
        raised(self.0.turn(outcomes, max))
    }

    /// News as `[[id, reason], …]`; the reason is `null` when the job is given up. Empty at the end.
    pub fn signals(&self) -> Promise {
        let worker = self.0.clone();
        promise(async move { worker.signals().await })
    }

    /// Reports progress, 0 to 100.
    pub fn progress(&self, id: f64, progress: f64, message: Option<String>) -> Result<(), JsValue> {
        raised(self.0.progress(id as i64, progress, message))
    }

    /// Reports a log line.
    pub fn log(&self, id: f64, level: &str, message: String) -> Result<(), JsValue> {
        raised(self.0.log(id as i64, level, message))
    }

    /// Begins to drain.
    pub fn drain(&self) {
        self.0.drain();
    }

    /// Ends now.
    pub fn stop(&self) {
        self.0.stop();
    }

    /// Resolves when the worker has stopped and everything is settled.
    pub fn stopped(&self) -> Promise {
        let worker = self.0.clone();
        optional(async move {
            worker.stopped().await;
            Ok(None)
        })
    }

    /// Jobs that JavaScript has.
    pub fn running(&self) -> u32 {
        self.0.running()
    }

    /// Jobs given up whose code has still not returned.
    pub fn abandoned(&self) -> u32 {
        self.0.abandoned()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Nobody is left to run what it would lease.
        self.0.stop();
    }
}

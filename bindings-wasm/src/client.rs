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
use crate::seldom::SELDOM;
use crate::stream::Stream;

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

    /// Follows the `updates` of a task or the `monitor` of a pipeline, whose id `of` is, behind entry `after`; or the
    /// `events` of queue `of` and a type, or of all, since the millisecond `after` of the store's clock, or from now
    /// on where that is no number. The code for the last two is there, as for `seldom`.
    pub fn follow(
        &self,
        verb: &str,
        of: Option<String>,
        task_type: Option<String>,
        after: f64,
    ) -> Result<Stream, JsValue> {
        let stream = if verb == "updates" {
            self.0.updates(of.as_deref().unwrap_or_default(), after as i64)
        } else {
            (SELDOM.follow)(&self.0, verb, of, task_type, after)
        };
        raised(stream).map(Stream)
    }

    /// Cancels a task; its record as it stands then.
    pub fn cancel(&self, task_id: String) -> Promise {
        self.run(|c| async move { c.cancel(&task_id).await })
    }

    /// A verb that few ask for, once its code is there; see [`Verbs::seldom`].
    pub fn seldom(
        &self,
        verb: String,
        subject: String,
        told: String,
        cancel: Option<CancelObject>,
    ) -> Promise {
        let work = (SELDOM.call)(self.0.clone(), verb, subject, told);
        optional(cancel::or(cancel, work))
    }

    /// Releases the store for good. Again is no error.
    pub fn close(&self) -> Promise {
        let client = self.0.clone();
        optional(async move { client.close().await.map(|()| None) })
    }
}

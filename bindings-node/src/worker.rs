//! Jobs on their way to handlers, outcomes on their way back: one string each way for many tasks.

use napi::Env;
use napi::bindgen_prelude::{Null, Object};
use napi_derive::napi;

use crate::client::Client;
use crate::failure::raised;
use crate::promise::{handle, promise};

/// A running worker.
#[napi]
pub(crate) struct Worker(windlass_json::Worker);

#[napi]
impl Worker {
    /// Starts a worker; `config` is JSON text of an object. Its `handlers` is an object, by name, of
    /// what each declares, as a task's record says it.
    #[napi(constructor)]
    pub fn new(client: &Client, config: String) -> napi::Result<Self> {
        let _entered = handle().enter();
        raised(windlass_json::Worker::start(&client.0, &config)).map(Self)
    }

    /// Its id.
    #[napi]
    pub fn id(&self) -> String {
        self.0.id().to_owned()
    }

    /// Jobs as JSON text of a list; an empty list once no more will come.
    #[napi]
    pub fn claim_json<'env>(&self, env: &'env Env, max: u32) -> napi::Result<Object<'env>> {
        let worker = self.0.clone();
        promise(env, async move { worker.claim(max).await })
    }

    /// Hands in outcomes: JSON text of `{"completed": [[id, result], …], "ended": [[id, outcome], …]}`.
    #[napi]
    pub fn complete_json(&self, outcomes: String) -> napi::Result<()> {
        raised(self.0.complete(&outcomes))
    }

    /// The same, and takes what lies ready: no wait, and no way round by another thread.
    #[napi]
    pub fn turn_json(&self, outcomes: String, max: u32) -> napi::Result<String> {
        raised(self.0.turn(&outcomes, max))
    }

    /// News as `[[id, reason], …]`; the reason is `null` when the job is given up. Empty at the end.
    #[napi]
    pub fn signals<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        let worker = self.0.clone();
        promise(env, async move { worker.signals().await })
    }

    /// Reports progress, 0 to 100.
    #[napi]
    pub fn progress(&self, id: i64, progress: f64, message: Option<String>) -> napi::Result<()> {
        raised(self.0.progress(id, progress, message))
    }

    /// Reports a log line.
    #[napi]
    pub fn log(&self, id: i64, level: String, message: String) -> napi::Result<()> {
        raised(self.0.log(id, &level, message))
    }

    /// Begins to drain.
    #[napi]
    pub fn drain(&self) {
        self.0.drain();
    }

    /// Ends now.
    #[napi]
    pub fn stop(&self) {
        self.0.stop();
    }

    /// Resolves when the worker has stopped and everything is settled.
    #[napi]
    pub fn stopped<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        let worker = self.0.clone();
        promise(env, async move {
            worker.stopped().await;
            Ok(Null)
        })
    }

    /// Jobs that JavaScript has.
    #[napi]
    pub fn running(&self) -> u32 {
        self.0.running()
    }

    /// Jobs given up whose code has still not returned.
    #[napi]
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

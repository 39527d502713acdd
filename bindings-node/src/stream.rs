//! Histories, stages and events, followed.

use napi::Env;
use napi::bindgen_prelude::Object;
use napi_derive::napi;

use crate::promise::promise;

/// What is followed: a task's history, a pipeline's stages or all tasks.
#[napi]
pub(crate) struct Stream(pub(crate) windlass_json::Stream);

#[napi]
impl Stream {
    /// The next record; `null` when there are no more, or once it is closed.
    #[napi]
    pub fn next<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        let stream = self.0.clone();
        promise(env, async move { stream.next().await })
    }

    /// Ends the wait of `next`. Again is no error.
    #[napi]
    pub fn close(&self) {
        self.0.close();
    }
}

//! Histories and events, followed.

use napi::Env;
use napi::bindgen_prelude::Object;
use napi_derive::napi;

use crate::promise::promise;

/// A task's history as it grows.
#[napi]
pub(crate) struct Updates(pub(crate) windlass_json::Updates);

#[napi]
impl Updates {
    /// The next entry's record; `null` after the final one, or once it is closed.
    #[napi]
    pub fn next<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        let updates = self.0.clone();
        promise(env, async move { updates.next().await })
    }

    /// Ends the wait of `next`. Again is no error.
    #[napi]
    pub fn close(&self) {
        self.0.close();
    }
}

/// What happens to all tasks, as it happens.
#[napi]
pub(crate) struct Events(pub(crate) windlass_json::Events);

#[napi]
impl Events {
    /// The next event's record; `null` once it or the client is closed.
    #[napi]
    pub fn next<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        let events = self.0.clone();
        promise(env, async move { events.next().await })
    }

    /// Ends the wait of `next`. Again is no error.
    #[napi]
    pub fn close(&self) {
        self.0.close();
    }
}

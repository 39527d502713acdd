//! Histories and events, followed.

use std::sync::Arc;

use napi::Env;
use napi::bindgen_prelude::Object;
use napi_derive::napi;
use tokio::sync::{Mutex, watch};
use windlass::client::{Follower, UpdateStream};

use crate::promise::{promise, text};

/// Resolves when a stream is closed by its reader.
async fn closed(mut open: watch::Receiver<bool>) {
    // An error means that nobody reads any more.
    let _ = open.wait_for(|open| !*open).await;
}

/// A task's history as it grows.
#[napi]
pub(crate) struct Updates {
    /// Held while a reader waits; readers take turns.
    stream: Arc<Mutex<UpdateStream>>,
    open: watch::Sender<bool>,
}

impl Updates {
    pub(crate) fn new(stream: UpdateStream) -> Self {
        Self { stream: Arc::new(Mutex::new(stream)), open: watch::Sender::new(true) }
    }
}

#[napi]
impl Updates {
    /// The next entry's record; `null` after the final one, or once it is closed.
    #[napi]
    pub fn next<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        let (stream, open) = (self.stream.clone(), self.open.subscribe());
        promise(env, async move {
            let update = tokio::select! {
                biased;
                () = closed(open) => None,
                update = async { stream.lock().await.next().await } => update,
            };
            update.map(|update| text(&update?)).transpose()
        })
    }

    /// Ends the wait of `next`. Again is no error.
    #[napi]
    pub fn close(&self) {
        self.open.send_replace(false);
    }
}

/// What happens to all tasks, as it happens.
#[napi]
pub(crate) struct Events {
    /// Held while a reader waits; readers take turns.
    follower: Arc<Mutex<Follower>>,
    open: watch::Sender<bool>,
}

impl Events {
    pub(crate) fn new(follower: Follower) -> Self {
        Self { follower: Arc::new(Mutex::new(follower)), open: watch::Sender::new(true) }
    }
}

#[napi]
impl Events {
    /// The next event's record; `null` once it or the client is closed.
    #[napi]
    pub fn next<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        let (follower, open) = (self.follower.clone(), self.open.subscribe());
        promise(env, async move {
            let event = tokio::select! {
                biased;
                () = closed(open) => None,
                event = async { follower.lock().await.next().await } => event,
            };
            event.map(|event| text(&event?)).transpose()
        })
    }

    /// Ends the wait of `next`. Again is no error.
    #[napi]
    pub fn close(&self) {
        self.open.send_replace(false);
    }
}

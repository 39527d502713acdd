//! Histories and events, followed.

use std::sync::Arc;

use tokio::sync::{Mutex, watch};
use windlass_core::Result;
use windlass_core::client::{Client, Entry, Follower, Histories, UpdateStream};

use crate::text::text;

/// What a reader shares with whoever closes the stream.
struct Followed<S> {
    /// Held while a reader waits; readers take turns.
    stream: Mutex<S>,
    open: watch::Sender<bool>,
}

impl<S> Followed<S> {
    fn new(stream: S) -> Arc<Self> {
        Arc::new(Self { stream: Mutex::new(stream), open: watch::Sender::new(true) })
    }

    fn close(&self) {
        self.open.send_replace(false);
    }

    /// The record that `next` answers, unless the stream is closed first.
    async fn next<T>(
        &self,
        next: impl AsyncFnOnce(&mut S) -> Option<Result<T>>,
        text: impl FnOnce(T) -> Result<String>,
    ) -> Result<Option<String>> {
        let mut open = self.open.subscribe();
        let record = tokio::select! {
            biased;
            // The sender lives as long as `self`.
            _ = open.wait_for(|open| !*open) => None,
            record = async { next(&mut *self.stream.lock().await).await } => record,
        };
        record.map(|record| text(record?)).transpose()
    }
}

/// A task's history as it grows. Clones share it.
pub struct Updates<H: Histories = Client>(Arc<Followed<UpdateStream<H>>>);

impl<H: Histories> Clone for Updates<H> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<H: Histories> Updates<H> {
    /// Hands on what `stream` tells.
    pub fn new(stream: UpdateStream<H>) -> Self {
        Self(Followed::new(stream))
    }

    /// The next entry's record; `None` after the final one, or once it is closed.
    ///
    /// # Errors
    ///
    /// `task_not_found`, and what every verb may meet.
    pub async fn next(&self) -> Result<Option<String>> {
        self.0.next(UpdateStream::next, Entry::into_json).await
    }

    /// Ends the wait of `next`. Again is no error.
    pub fn close(&self) {
        self.0.close();
    }
}

/// What happens to all tasks, as it happens. Clones share it.
#[derive(Clone)]
pub struct Events(Arc<Followed<Follower>>);

impl Events {
    pub(crate) fn new(follower: Follower) -> Self {
        Self(Followed::new(follower))
    }

    /// The next event's record; `None` once it or the client is closed.
    ///
    /// # Errors
    ///
    /// What every verb may meet.
    pub async fn next(&self) -> Result<Option<String>> {
        self.0.next(Follower::next, |event| text(&event)).await
    }

    /// Ends the wait of `next`. Again is no error.
    pub fn close(&self) {
        self.0.close();
    }
}

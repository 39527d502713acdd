//! Histories, stages and events, followed.

use std::sync::Arc;

use tokio::sync::{Mutex, watch};
use windlass_core::Result;
use windlass_core::client::{Entry, Follower, Histories, Monitor, UpdateStream};
use windlass_core::future::{BoxFuture, MaybeSend, MaybeSync};

use crate::text::text;

/// What can be followed.
pub trait Follow: MaybeSend {
    /// The next record; `None` when there are no more. Nothing is lost when it is dropped.
    fn next(&mut self) -> BoxFuture<'_, Result<Option<String>>>;
}

impl<H> Follow for UpdateStream<H>
where
    H: Histories + MaybeSend + MaybeSync,
    H::Entry: MaybeSend,
{
    fn next(&mut self) -> BoxFuture<'_, Result<Option<String>>> {
        Box::pin(async move { self.next().await.map(|entry| entry?.into_json()).transpose() })
    }
}

impl Follow for Monitor {
    fn next(&mut self) -> BoxFuture<'_, Result<Option<String>>> {
        Box::pin(async move { self.next().await.map(|change| text(&change?)).transpose() })
    }
}

impl Follow for Follower {
    fn next(&mut self) -> BoxFuture<'_, Result<Option<String>>> {
        Box::pin(async move { self.next().await.map(|event| text(&event?)).transpose() })
    }
}

/// What a reader shares with whoever closes the stream.
struct Shared {
    /// Held while a reader waits; readers take turns.
    follow: Mutex<Box<dyn Follow>>,
    open: watch::Sender<bool>,
}

/// A task's history, a pipeline's stages or all tasks, followed. Clones share it.
///
/// One type for all, so that a page fetches one piece of code.
#[derive(Clone)]
pub struct Stream(Arc<Shared>);

impl Stream {
    /// Hands on what `follow` tells.
    pub fn new(follow: impl Follow + 'static) -> Self {
        let follow: Box<dyn Follow> = Box::new(follow);
        Self(Arc::new(Shared { follow: Mutex::new(follow), open: watch::Sender::new(true) }))
    }

    /// The next record; `None` when there are no more, or once it is closed.
    ///
    /// # Errors
    ///
    /// `task_not_found` of a history, `pipeline_not_found` of stages, and what every verb may meet.
    pub async fn next(&self) -> Result<Option<String>> {
        let mut open = self.0.open.subscribe();
        tokio::select! {
            biased;
            // The sender lives as long as `self`.
            _ = open.wait_for(|open| !*open) => Ok(None),
            record = async { self.0.follow.lock().await.next().await } => record,
        }
    }

    /// Ends the wait of `next`. Again is no error.
    pub fn close(&self) {
        self.0.open.send_replace(false);
    }
}

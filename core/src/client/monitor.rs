//! A pipeline, followed stage by stage.

use crate::client::{Changes, Client, StageChange, UpdateStream};
use crate::error::Result;

/// The changes of a pipeline's stages, in order, and then exactly one terminal item, unless `after` is its number.
pub struct Monitor {
    client: Client,
    id: String,
    updates: UpdateStream,
    after: u64,
    /// Since the number of stages is known.
    changes: Option<Changes>,
}

impl Client {
    /// Follows a pipeline from its beginning.
    ///
    /// # Errors
    ///
    /// `task_not_found`, at the first item.
    pub fn monitor(&self, pipeline_id: &str) -> Result<Monitor> {
        Ok(Monitor {
            updates: self.updates(pipeline_id, 0)?,
            client: self.clone(),
            id: pipeline_id.to_owned(),
            after: 0,
            changes: None,
        })
    }
}

impl Monitor {
    /// Tells only what comes behind the change with this `seq`: the last one that was seen before.
    #[must_use]
    pub const fn after(mut self, seq: u64) -> Self {
        self.after = seq;
        self
    }

    /// The next change; `None` after the terminal one. Safe to drop and call again: nothing is lost.
    ///
    /// # Errors
    ///
    /// `task_not_found`, `pipeline_not_found`, `store_unavailable`; the next call tries again.
    pub async fn next(&mut self) -> Option<Result<StageChange>> {
        let changes = match &mut self.changes {
            Some(changes) => changes,
            unknown => match self.client.pipeline(&self.id).await {
                Ok(pipeline) => unknown.insert(Changes::new(pipeline.members.total, self.after)),
                Err(error) => return Some(Err(error)),
            },
        };
        while let Some(update) = self.updates.next().await {
            match update.map(|update| changes.take(update)) {
                Ok(None) => {}
                Ok(Some(change)) => return Some(Ok(change)),
                Err(error) => return Some(Err(error)),
            }
        }
        changes.end().map(Ok)
    }
}

//! A pipeline, followed stage by stage.

use std::collections::{HashMap, VecDeque};

use crate::client::{Client, UpdateStream};
use crate::error::Result;
use crate::words::{TaskError, TaskStatus, Timestamp, UpdateKind};

/// A change that a monitor tells: of a stage, or the pipeline's end.
#[derive(Debug, Clone, PartialEq)]
pub struct StageChange {
    /// The stage; `None` for the pipeline itself.
    pub stage: Option<String>,
    /// Its status now.
    pub status: TaskStatus,
    /// Whether this is the pipeline's end: the last item, and the only one of its kind.
    pub is_terminal: bool,
    /// Attempts of the stage that counted so far; 0 for the pipeline.
    pub attempt: u32,
    /// Why it failed or was cancelled.
    pub error: Option<TaskError>,
    /// How much of the pipeline has ended, 0 to 100.
    pub progress: f64,
    /// When, by the store's clock.
    pub at: Timestamp,
}

/// The changes of a pipeline's stages from its beginning, in order, and then exactly one terminal item.
pub struct Monitor {
    client: Client,
    id: String,
    updates: UpdateStream,
    /// How many stages there are, once known.
    total: Option<u32>,
    ended: HashMap<String, bool>,
    ready: VecDeque<StageChange>,
}

impl Client {
    /// Follows a pipeline.
    ///
    /// # Errors
    ///
    /// `task_not_found`, at the first item.
    pub fn monitor(&self, pipeline_id: &str) -> Result<Monitor> {
        Ok(Monitor {
            updates: self.updates(pipeline_id, 0)?,
            client: self.clone(),
            id: pipeline_id.to_owned(),
            total: None,
            ended: HashMap::new(),
            ready: VecDeque::new(),
        })
    }
}

impl Monitor {
    /// The next change; `None` after the terminal one. Safe to drop and call again: nothing is lost.
    ///
    /// # Errors
    ///
    /// `task_not_found`, `pipeline_not_found`, `store_unavailable`; the next call tries again.
    pub async fn next(&mut self) -> Option<Result<StageChange>> {
        loop {
            if let Some(change) = self.ready.pop_front() {
                return Some(Ok(change));
            }
            let total = match self.total {
                Some(total) => total,
                None => match self.client.pipeline(&self.id).await {
                    Ok(pipeline) => *self.total.insert(pipeline.members.total),
                    Err(error) => return Some(Err(error)),
                },
            };
            let update = match self.updates.next().await? {
                Ok(update) => update,
                Err(error) => return Some(Err(error)),
            };
            match update.kind {
                UpdateKind::Member { stage: Some(stage), status, attempt, error, .. } => {
                    self.ended.insert(stage.clone(), status.is_final());
                    let ended = self.ended.values().filter(|ended| **ended).count();
                    self.ready.push_back(StageChange {
                        stage: Some(stage),
                        status,
                        is_terminal: false,
                        attempt,
                        error,
                        progress: ended as f64 * 100.0 / f64::from(total.max(1)),
                        at: update.at,
                    });
                }
                // An end that was followed by a retry is none.
                UpdateKind::Status { status, error, .. }
                    if status.is_final() && self.updates.is_over() =>
                {
                    self.ready.push_back(StageChange {
                        stage: None,
                        status,
                        is_terminal: true,
                        attempt: 0,
                        error,
                        progress: 100.0,
                        at: update.at,
                    });
                }
                _ => {}
            }
        }
    }
}

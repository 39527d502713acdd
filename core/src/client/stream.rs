//! A task's history, followed as it grows.

use std::collections::VecDeque;
use std::time::Duration;

use crate::client::Client;
use crate::error::{Error, Result};
use crate::future::BoxFuture;
use crate::words::{TaskId, TaskStatus, Update};

/// Entries asked for at once.
const CHUNK: u32 = 256;
/// How long one question may wait for an answer.
const POLL: Duration = Duration::from_secs(20);

/// What a follower reads of an entry.
pub trait Entry {
    /// Its number in the task's history.
    fn seq(&self) -> u64;
    /// Whether it says that the task has ended.
    fn is_final(&self) -> bool;
    /// Its JSON text.
    ///
    /// # Errors
    ///
    /// `internal`: an entry always has one.
    fn into_json(self) -> Result<String>;
}

impl Entry for Update {
    fn seq(&self) -> u64 {
        self.seq
    }

    fn is_final(&self) -> bool {
        self.is_final()
    }

    fn into_json(self) -> Result<String> {
        serde_json::to_string(&self).map_err(|error| Error::internal(error.to_string()))
    }
}

/// Who a follower asks.
pub trait Histories {
    /// An entry, in whatever form it is handed on.
    type Entry: Entry;

    /// Entries after `after`; see `Service::updates`.
    fn updates(
        &self,
        task_id: TaskId,
        after: u64,
        limit: u32,
        wait: Duration,
    ) -> BoxFuture<'_, Result<Vec<Self::Entry>>>;

    /// How the task stands, and the number of its last entry.
    fn stand(&self, task_id: TaskId) -> BoxFuture<'_, Result<(TaskStatus, u64)>>;
}

impl Histories for Client {
    type Entry = Update;

    fn updates(
        &self,
        task_id: TaskId,
        after: u64,
        limit: u32,
        wait: Duration,
    ) -> BoxFuture<'_, Result<Vec<Update>>> {
        self.service.updates(&self.tenant, task_id, after, limit, wait)
    }

    fn stand(&self, task_id: TaskId) -> BoxFuture<'_, Result<(TaskStatus, u64)>> {
        Box::pin(async move {
            let task = self.get(&task_id.to_string()).await?;
            Ok((task.status, task.last_seq))
        })
    }
}

/// Every entry of a task's history, in order, once; ends after the final one.
///
/// Resume with the last `seq` seen. Dropping the stream ends it.
pub struct UpdateStream<H: Histories = Client> {
    histories: H,
    task_id: TaskId,
    after: u64,
    buffer: VecDeque<H::Entry>,
    /// The last chunk was full.
    more: bool,
    done: bool,
}

impl<H: Histories> UpdateStream<H> {
    /// Follows a task from entry `after` on, asking `histories`.
    pub fn new(histories: H, task_id: TaskId, after: u64) -> Self {
        Self { histories, task_id, after, buffer: VecDeque::new(), more: false, done: false }
    }

    /// The next entry; `None` after the final one. Safe to drop and call again: nothing is lost.
    ///
    /// # Errors
    ///
    /// `task_not_found`, `store_unavailable`; the next call tries again from the same place.
    pub async fn next(&mut self) -> Option<Result<H::Entry>> {
        loop {
            if let Some(update) = self.buffer.pop_front() {
                self.after = update.seq();
                // At the end of a full chunk more may follow: an end that was retried.
                self.done = update.is_final() && self.buffer.is_empty() && !self.more;
                return Some(Ok(update));
            }
            if self.done {
                return None;
            }
            match self.histories.updates(self.task_id, self.after, CHUNK, POLL).await {
                // A final task with nothing left to tell: the reader had its final entry before.
                Ok(updates) if updates.is_empty() => {
                    match self.histories.stand(self.task_id).await {
                        Ok((status, last)) if status.is_final() && last <= self.after => {
                            self.done = true;
                        }
                        Ok(_) => {}
                        Err(error) => return Some(Err(error)),
                    }
                }
                Ok(updates) => {
                    self.more = updates.len() >= CHUNK as usize;
                    self.buffer.extend(updates);
                }
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

impl UpdateStream {
    /// The next entry if it comes within `limit`; `None` at the end, and `Some(None)` when time ran
    /// out. For callers that must look up from time to time.
    pub async fn next_within(&mut self, limit: Duration) -> Option<Option<Result<Update>>> {
        let host = self.histories.host().clone();
        match crate::runtime::host::timeout(&*host, limit, self.next()).await {
            Some(Some(item)) => Some(Some(item)),
            Some(None) => None,
            None => Some(None),
        }
    }
}

//! A task's history, followed as it grows.

use std::collections::VecDeque;
use std::time::Duration;

use crate::client::Client;
use crate::error::Result;
use crate::words::{TaskId, Update};

/// Entries asked for at once.
const CHUNK: u32 = 256;
/// How long one question may wait for an answer.
const POLL: Duration = Duration::from_secs(20);

/// Every entry of a task's history, in order, once; ends after the final one.
///
/// Resume with the last `seq` seen. Dropping the stream ends it.
pub struct UpdateStream {
    client: Client,
    task_id: TaskId,
    after: u64,
    buffer: VecDeque<Update>,
    /// The last chunk was full.
    more: bool,
    done: bool,
}

impl UpdateStream {
    pub(super) fn new(client: Client, task_id: TaskId, after: u64) -> Self {
        Self { client, task_id, after, buffer: VecDeque::new(), more: false, done: false }
    }

    /// The next entry; `None` after the final one. Safe to drop and call again: nothing is lost.
    ///
    /// # Errors
    ///
    /// `task_not_found`, `store_unavailable`; the next call tries again from the same place.
    pub async fn next(&mut self) -> Option<Result<Update>> {
        loop {
            if let Some(update) = self.buffer.pop_front() {
                self.after = update.seq;
                // At the end of a full chunk more may follow: an end that was retried.
                self.done = update.is_final() && self.buffer.is_empty() && !self.more;
                return Some(Ok(update));
            }
            if self.done {
                return None;
            }
            let service = self.client.service();
            match service.updates(self.client.tenant(), self.task_id, self.after, CHUNK, POLL).await
            {
                // A final task with nothing left to tell: the reader had its final entry before.
                Ok(updates) if updates.is_empty() => {
                    match self.client.get(&self.task_id.to_string()).await {
                        Ok(task) if task.status.is_final() && task.last_seq <= self.after => {
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

    /// The next entry if it comes within `limit`; `None` at the end, and `Some(None)` when time ran
    /// out. For callers that must look up from time to time.
    pub async fn next_within(&mut self, limit: Duration) -> Option<Option<Result<Update>>> {
        let host = self.client.host().clone();
        match crate::runtime::host::timeout(&*host, limit, self.next()).await {
            Some(Some(item)) => Some(Some(item)),
            Some(None) => None,
            None => Some(None),
        }
    }
}

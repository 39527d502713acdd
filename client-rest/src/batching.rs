//! Batches on their way: in one call, or in chunks that one seal makes a whole. Tasks are JSON text here,
//! whoever wrote it.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use windlass_core::rules::limits;
use windlass_core::{BatchId, BatchSubmission, Error, Result};

use crate::answered::{Answered, Extended, Opened, counted, unread};
use crate::service::RestService;
use crate::verb;
use crate::working::LARGE;

/// A batch as text.
pub(crate) struct BatchText {
    /// What is told of it beside its tasks: the members of an object, without the braces.
    pub(crate) head: String,
    /// Whether its key was made here.
    pub(crate) filled: bool,
    /// A record each.
    pub(crate) tasks: Vec<String>,
}

impl RestService {
    /// Stores a batch, all or none. One that is too large for a request goes in chunks.
    pub(crate) async fn send_batch(
        &self,
        tenant: &str,
        batch: BatchText,
        patience: Duration,
    ) -> Result<BatchSubmission> {
        let BatchText { head, filled, tasks } = batch;
        if tasks.len() > limits::SUBMIT_TASKS {
            let reason = format!("must hold at most {} tasks", limits::SUBMIT_TASKS);
            return Err(Error::invalid("tasks", reason));
        }
        let size: usize = tasks.iter().map(|task| task.len() + 1).sum();
        let stored = if head.len() + size <= LARGE {
            let body = object(&[&head, &list(&tasks)]);
            let call = verb::SUBMIT_BATCH.call().json(body).tenant(tenant);
            BatchSubmission::read(&self.patiently(&call, patience).await?).map_err(unread)?
        } else {
            let batch_id = self.open_text(tenant, &head).await?;
            for (chunk, tasks) in chunks(&tasks).into_iter().enumerate() {
                self.put_chunk(tenant, batch_id, chunk as u32, tasks).await?;
            }
            self.seal(tenant, batch_id, patience).await?
        };
        told(stored, filled, tasks.len())
    }

    pub(crate) async fn open_text(&self, tenant: &str, head: &str) -> Result<BatchId> {
        let call = verb::OPEN_BATCH.call().json(object(&[head])).tenant(tenant);
        Ok(self.calls.answer::<Opened>(&call).await?.0)
    }

    pub(crate) async fn put_chunk(
        &self,
        tenant: &str,
        batch_id: BatchId,
        chunk: u32,
        tasks: &[String],
    ) -> Result<u64> {
        let call = verb::EXTEND_BATCH.of(&[&batch_id.to_string(), &chunk.to_string()]);
        let call = call.json(object(&[&list(tasks)])).tenant(tenant);
        Ok(self.calls.answer::<Extended>(&call).await?.0)
    }

    pub(crate) async fn seal(
        &self,
        tenant: &str,
        batch_id: BatchId,
        patience: Duration,
    ) -> Result<BatchSubmission> {
        let tries = AtomicU32::new(0);
        // Who asks again may have been answered already, and is told what it would have been told.
        let body = move |_| {
            let first = tries.fetch_add(1, Ordering::Relaxed) == 0;
            Ok(Bytes::from_static(if first { b"{}" } else { b"{\"again\":true}" }))
        };
        let call = verb::SEAL_BATCH.of(&[&batch_id.to_string()]);
        let call = call.held(Duration::ZERO, body).tenant(tenant);
        BatchSubmission::read(&self.patiently(&call, patience).await?).map_err(unread)
    }
}

/// What is told of a batch with `count` tasks: that a key of ours was known means only that an answer was
/// lost on its way.
fn told(mut stored: BatchSubmission, filled: bool, count: usize) -> Result<BatchSubmission> {
    if filled && stored.deduplicated {
        stored.as_first_told();
    }
    // Of a key that was known, too: its batch has the same tasks.
    stored.submissions = counted(stored.submissions, count)?;
    Ok(stored)
}

/// Runs of tasks that fit in a request.
fn chunks(tasks: &[String]) -> Vec<&[String]> {
    let (mut chunks, mut rest) = (Vec::new(), tasks);
    while !rest.is_empty() {
        let mut size = 0;
        let fits = |task: &&String| {
            size += task.len() + 1;
            size <= LARGE
        };
        let (chunk, later) = rest.split_at(rest.iter().take_while(fits).count().max(1));
        chunks.push(chunk);
        rest = later;
    }
    chunks
}

fn list(tasks: &[String]) -> String {
    ["\"tasks\":[", &tasks.join(","), "]"].concat()
}

/// An object of members, each text as it stands between the braces; an empty one says nothing.
pub(crate) fn object(members: &[&str]) -> Bytes {
    let given: Vec<&str> = members.iter().copied().filter(|member| !member.is_empty()).collect();
    Bytes::from(["{", &given.join(","), "}"].concat())
}

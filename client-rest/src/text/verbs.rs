//! Verbs that ask once. Errors are those of the same verb of `windlass_core::Client`.

use windlass_core::words::members::{Members, list, quoted};
use windlass_core::{BatchId, Error, Result, TaskId};

use super::{Answer, TextClient, Wanted, query};
use crate::call::Call;
use crate::service::pause;
use crate::verb::{self, Verb};

impl TextClient {
    /// One page of tasks that match, newest first; `page` is JSON text of an object.
    pub fn list(&self, page: &str) -> Answer {
        self.page(&verb::LIST, page, "tasks")
    }

    /// One page of what `verb` lists as `noun`.
    pub(super) fn page(&self, verb: &'static Verb, page: &str, noun: &'static str) -> Answer {
        self.ask(query::page(page).map(|query| verb.call().with(&query)), Wanted::Whole(noun))
    }

    /// How many tasks match; `query` is JSON text of an object, with `most` beside what it filters by.
    pub fn count(&self, query: &str) -> Answer {
        let call = query::bounded(query).map(|query| verb::COUNT.call().with(&query));
        self.ask(call, Wanted::Whole("count"))
    }

    /// Cancels the tasks that match; `query` as for `count`, and `cursor` to go on.
    pub fn cancel_matching(&self, query: &str) -> Answer {
        self.ask(change(&verb::CANCEL_MATCHING, query), Wanted::Whole("changed"))
    }

    /// Runs the failed and cancelled tasks that match again; `query` as for `cancel_matching`.
    pub fn retry_matching(&self, query: &str) -> Answer {
        self.ask(change(&verb::RETRY_MATCHING, query), Wanted::Whole("changed"))
    }

    /// What a task's history holds after entry `after`, without waiting.
    pub fn history(&self, task_id: &str, after: u64, limit: u32) -> Answer {
        let (after, limit) = (after.to_string(), limit.clamp(1, 1000).to_string());
        let id = TaskId::parse(task_id).map(|id| id.to_string());
        let call = id.map(|id| verb::UPDATES.of(&[&id, &after, &limit, "0"]));
        self.ask(call, Wanted::Member("updates"))
    }

    /// Cancels a task; its record as it stands then.
    pub fn cancel(&self, task_id: &str) -> Answer {
        self.ask(task(&verb::CANCEL, task_id), Wanted::Whole("task_id"))
    }

    /// Runs a failed or cancelled task again; its record.
    pub fn retry(&self, task_id: &str) -> Answer {
        self.ask(task(&verb::RETRY, task_id), Wanted::Whole("task_id"))
    }

    /// Why a task does not run now.
    pub fn why(&self, task_id: &str) -> Answer {
        self.ask(task(&verb::WHY, task_id), Wanted::Whole("reason"))
    }

    /// How many tasks each queue has in each status.
    pub fn counts(&self) -> Answer {
        let queues = self.queues();
        Box::pin(async move { counts(&queues.await?).map_err(super::unread) })
    }

    /// The queues' records.
    pub fn queues(&self) -> Answer {
        self.ask(Ok(verb::QUEUES.call()), Wanted::Member("queues"))
    }

    /// Pauses a queue or lets it go on; its record.
    pub fn pause(&self, queue: &str, paused: bool) -> Answer {
        self.ask(pause(queue, paused), Wanted::Whole("paused"))
    }

    /// A batch's record.
    pub fn batch(&self, batch_id: &str) -> Answer {
        self.ask(batch(&verb::BATCH, batch_id), Wanted::Whole("batch_id"))
    }

    /// Cancels what is open of a batch; its record as it stands then.
    pub fn cancel_batch(&self, batch_id: &str) -> Answer {
        self.ask(batch(&verb::CANCEL_BATCH, batch_id), Wanted::Whole("batch_id"))
    }

    /// Live workers.
    pub fn workers(&self) -> Answer {
        self.ask(Ok(verb::WORKERS.call()), Wanted::Member("workers"))
    }

    /// Store, queues and workers at a glance.
    pub fn cluster_health(&self) -> Answer {
        self.ask(Ok(verb::CLUSTER_HEALTH.call()), Wanted::Whole("healthy"))
    }
}

fn change(verb: &'static Verb, query: &str) -> Result<Call> {
    let (query, body) = query::stretch(query)?;
    Ok(verb.call().with(&query).json(body.into()))
}

/// JSON text of what the queues' records say of each queue and status.
fn counts(queues: &str) -> serde_json::Result<String> {
    let mut counts = Vec::new();
    for queue in list(queues)? {
        let queue = Members::parse(queue)?;
        let name = queue.get("queue").unwrap_or_default();
        let by_status = Members::parse(queue.get("counts").unwrap_or("{}"))?;
        for (status, count) in &by_status.0 {
            let words =
                ["{\"queue\":", name, ",\"status\":", &quoted(status), ",\"count\":", count, "}"];
            counts.push(words.concat());
        }
    }
    Ok(["[", &counts.join(","), "]"].concat())
}

/// A call about a task.
pub(super) fn task(verb: &'static Verb, task_id: &str) -> Result<Call> {
    TaskId::parse(task_id).map(|id| verb.of(&[&id.to_string()]))
}

/// A call about a batch.
fn batch(verb: &'static Verb, batch_id: &str) -> Result<Call> {
    let id = batch_id.parse::<BatchId>();
    let missing = |_| Error::BatchNotFound { batch_id: batch_id.to_owned() };
    id.map_err(missing).map(|id| verb.of(&[&id.to_string()]))
}

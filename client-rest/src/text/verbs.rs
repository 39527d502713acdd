//! Verbs that ask once. Errors are those of the same verb of `windlass_core::Client`.

use windlass_core::rules::limits;
use windlass_core::words::members::{Members, list, quoted};
use windlass_core::{BatchId, Error, Result, TaskId};

use super::{Answer, TextClient, Wanted, query};
use crate::address::{segment, with_query};
use crate::call::Call;

impl TextClient {
    /// One page of tasks that match, newest first; `page` is JSON text of an object.
    pub fn list(&self, page: &str) -> Answer {
        let call = query::page(page).map(|query| Call::get("list", with_query("/tasks", &query)));
        self.ask(call, Wanted::Whole("tasks"))
    }

    /// How many tasks match; `query` is JSON text of an object, with `most` beside what it filters by.
    pub fn count(&self, query: &str) -> Answer {
        let query = query::bounded(query);
        let call = query.map(|query| Call::get("count", with_query("/tasks/count", &query)));
        self.ask(call, Wanted::Whole("count"))
    }

    /// Cancels the tasks that match; `query` as for `count`, and `cursor` to go on.
    pub fn cancel_matching(&self, query: &str) -> Answer {
        self.ask(change("cancel", query), Wanted::Whole("changed"))
    }

    /// Runs the failed and cancelled tasks that match again; `query` as for `cancel_matching`.
    pub fn retry_matching(&self, query: &str) -> Answer {
        self.ask(change("retry", query), Wanted::Whole("changed"))
    }

    /// What a task's history holds after entry `after`, without waiting.
    pub fn history(&self, task_id: &str, after: u64, limit: u32) -> Answer {
        let (after, limit) = (after.to_string(), limit.clamp(1, 1000).to_string());
        let query = ["/updates?after=", &after, "&limit=", &limit, "&wait=0"].concat();
        let call = task(task_id, &query).map(|path| Call::get("updates", path));
        self.ask(call, Wanted::Member("updates"))
    }

    /// Cancels a task; its record as it stands then.
    pub fn cancel(&self, task_id: &str) -> Answer {
        let call = task(task_id, "/cancel").map(|path| Call::post("cancel", path, None));
        self.ask(call, Wanted::Whole("task_id"))
    }

    /// Runs a failed or cancelled task again; its record.
    pub fn retry(&self, task_id: &str) -> Answer {
        // A second run would find the task that the first one began.
        let call = task(task_id, "/retry").map(|path| Call::post("retry", path, None).once());
        self.ask(call, Wanted::Whole("task_id"))
    }

    /// Why a task does not run now.
    pub fn why(&self, task_id: &str) -> Answer {
        let call = task(task_id, "/why").map(|path| Call::get("why", path));
        self.ask(call, Wanted::Whole("reason"))
    }

    /// How many tasks each queue has in each status.
    pub fn counts(&self) -> Answer {
        let queues = self.queues();
        Box::pin(async move { counts(&queues.await?).map_err(super::unread) })
    }

    /// The queues' records.
    pub fn queues(&self) -> Answer {
        self.ask(Ok(Call::get("queues", "/queues".to_owned())), Wanted::Member("queues"))
    }

    /// Pauses a queue or lets it go on; its record.
    pub fn pause(&self, queue: &str, paused: bool) -> Answer {
        let verb = if paused { "pause" } else { "resume" };
        let name = limits::name("queue", queue).and_then(|()| segment("queue", queue));
        let call = name.map(|name| Call::post(verb, format!("/queues/{name}/{verb}"), None));
        self.ask(call, Wanted::Whole("paused"))
    }

    /// A batch's record.
    pub fn batch(&self, batch_id: &str) -> Answer {
        let call = batch(batch_id, "").map(|path| Call::get("batch", path));
        self.ask(call, Wanted::Whole("batch_id"))
    }

    /// Cancels what is open of a batch; its record as it stands then.
    pub fn cancel_batch(&self, batch_id: &str) -> Answer {
        let path = batch(batch_id, "/cancel");
        let call = path.map(|path| Call::post("cancel_batch", path, None));
        self.ask(call, Wanted::Whole("batch_id"))
    }

    /// Live workers.
    pub fn workers(&self) -> Answer {
        self.ask(Ok(Call::get("workers", "/workers".to_owned())), Wanted::Member("workers"))
    }

    /// Store, queues and workers at a glance.
    pub fn cluster_health(&self) -> Answer {
        let call = Call::get("cluster_health", "/cluster/health".to_owned());
        self.ask(Ok(call), Wanted::Whole("healthy"))
    }
}

fn change(verb: &'static str, query: &str) -> Result<Call> {
    let (query, body) = query::stretch(query)?;
    let path = with_query(&["/tasks/", verb].concat(), &query);
    // A second run would count only what the first one left.
    Ok(Call::post(verb, path, Some(body.into())).once())
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

/// A path below a task's.
pub(crate) fn task(task_id: &str, rest: &str) -> Result<String> {
    TaskId::parse(task_id).map(|id| ["/tasks/", &id.to_string(), rest].concat())
}

/// A path below a batch's.
fn batch(batch_id: &str, rest: &str) -> Result<String> {
    let id = batch_id.parse::<BatchId>();
    let missing = |_| Error::BatchNotFound { batch_id: batch_id.to_owned() };
    id.map_err(missing).map(|id| ["/batches/", &id.to_string(), rest].concat())
}

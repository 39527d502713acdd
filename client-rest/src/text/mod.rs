//! A server asked by who wants text: records travel from the answer to the caller as they came.
//!
//! For places where every word that is read has to be fetched first, like a browser. What a call is, how it
//! is repeated and what a refusal means is [`RestService`]'s; a wait and a follower are core's.
//!
//! | file | what lives there |
//! | --- | --- |
//! | `records` | tasks to submit |
//! | `query` | which tasks a verb is about |
//! | `composing` | batches, pipelines, blocks and states |
//! | `problem` | what a server says when it says no |
//! | `verbs` | the verbs that ask once and hand on what is answered |
//! | `words` | what is read of a record |

mod composing;
mod problem;
mod query;
mod records;
mod verbs;
mod words;

use std::sync::Arc;
use std::time::Duration;

use windlass_core::client::{Histories, UpdateStream, Waited, Waits, wait_many};
use windlass_core::future::BoxFuture;
use windlass_core::runtime::host::{Host, SharedHost};
use windlass_core::words::members::{Members, list as items, texts};
use windlass_core::words::takes;
use windlass_core::{Error, Result, TaskId, TaskStatus, Timestamp};

use crate::answered::unread;
use crate::call::Call;
use crate::options::RestOptions;
use crate::service::RestService;
use crate::stream::Streams;
use crate::verb;

pub(crate) use records::KEY;
pub use records::check;
pub use words::{EntryText, TaskText};

/// The JSON text of an answer, on its way.
pub type Answer = BoxFuture<'static, Result<String>>;

/// A client of a Windlass server that answers JSON text. Clones share it.
///
/// Ids are text: one that is no id at all is `task_not_found`, like one of another tenant.
#[derive(Clone)]
pub struct TextClient {
    rest: Arc<RestService>,
    streams: Arc<Streams<EntryText>>,
    tenant: Arc<str>,
}

/// What a verb wants of the record that is answered.
#[derive(Clone, Copy)]
enum Wanted {
    /// All of it; it must have this member.
    Whole(&'static str),
    /// This member.
    Member(&'static str),
}

impl TextClient {
    /// A client of the server at `url` for `tenant`; as [`RestService::new`].
    ///
    /// # Errors
    ///
    /// `invalid_url`, `invalid_argument`.
    pub fn new(url: &str, options: RestOptions, host: SharedHost, tenant: &str) -> Result<Self> {
        let rest = Arc::new(RestService::told_by(url, options, host, problem::told)?);
        Ok(Self { rest, streams: Arc::default(), tenant: tenant.into() })
    }

    /// Where the server is.
    pub fn location(&self) -> String {
        self.rest.calls.address().base().to_owned()
    }

    /// The time by the server's clock.
    pub fn now(&self) -> Timestamp {
        self.rest.calls.clock().now()
    }

    /// A task's record.
    ///
    /// # Errors
    ///
    /// `task_not_found`.
    pub fn get(&self, task_id: &str) -> Answer {
        let (client, task_id) = (self.clone(), [task_id.to_owned()]);
        Box::pin(async move { Ok(client.find(&task_id).await?.remove(0).text) })
    }

    /// The tasks' records, in order.
    ///
    /// # Errors
    ///
    /// `task_not_found` for the first unknown id.
    pub fn get_many(&self, task_ids: Vec<String>) -> Answer {
        let client = self.clone();
        Box::pin(async move { Ok(list(&client.find(&task_ids).await?)) })
    }

    async fn find(&self, task_ids: &[String]) -> Result<Vec<TaskText>> {
        let found = self.rest.find::<TaskText>(&self.tenant, &ids(task_ids)?).await?;
        let named = found.into_iter().zip(task_ids);
        let missing = |id: &String| Error::TaskNotFound { task_id: id.clone() };
        named.map(|(task, id)| task.ok_or_else(|| missing(id))).collect()
    }

    /// The tasks' records once all have ended; as `Client::wait_many`.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn wait(
        &self,
        task_ids: Vec<String>,
        timeout: Option<Duration>,
        fail_fast: bool,
    ) -> Answer {
        let client = self.clone();
        Box::pin(async move {
            let ids = ids(&task_ids)?;
            Ok(list(&client.until_over(ids, timeout, fail_fast).await?))
        })
    }

    /// A task's answer, once it has completed.
    ///
    /// # Errors
    ///
    /// As `Client::result`.
    pub fn result(&self, task_id: &str, timeout: Option<Duration>) -> Answer {
        let (client, id) = (self.clone(), TaskId::parse(task_id));
        Box::pin(async move {
            match client.until_over(vec![id?], timeout, false).await?.first() {
                Some(task) => task.answer(),
                None => Err(Error::internal("a wait answered nothing")),
            }
        })
    }

    /// Boxed, so that it is there once and not in each verb that waits.
    fn until_over(
        &self,
        ids: Vec<TaskId>,
        timeout: Option<Duration>,
        fail_fast: bool,
    ) -> BoxFuture<'_, Result<Vec<TaskText>>> {
        Box::pin(wait_many(self, ids, timeout, fail_fast))
    }

    /// A task's history after entry `after`, as it grows.
    ///
    /// # Errors
    ///
    /// `task_not_found`.
    pub fn updates(&self, task_id: &str, after: u64) -> Result<UpdateStream<Self>> {
        Ok(UpdateStream::new(self.clone(), TaskId::parse(task_id)?, after))
    }

    /// Ends what waits, and lets the connections go.
    pub async fn close(&self) {
        self.rest.calls.close().await;
        self.streams.clear();
    }

    /// Makes a call for the tenant and hands on what is `wanted` of its answer.
    fn ask(&self, call: Result<Call>, wanted: Wanted) -> Answer {
        let client = self.clone();
        Box::pin(async move {
            let call = call?.tenant(&client.tenant);
            client.rest.calls.ask_by(&call, &|text| wanted.of(text)).await
        })
    }
}

impl Wanted {
    fn of(self, text: &str) -> serde_json::Result<String> {
        let (Self::Whole(name) | Self::Member(name)) = self;
        let members = Members::parse(text)?;
        let member = members.expect(name)?;
        Ok(if let Self::Whole(_) = self { text } else { member }.to_owned())
    }
}

impl Waits for TextClient {
    type Task = TaskText;

    fn host(&self) -> &dyn Host {
        &**self.rest.calls.host()
    }

    fn wait(
        &self,
        ids: Vec<TaskId>,
        fail_fast: bool,
        wait: Duration,
    ) -> BoxFuture<'_, Result<Vec<TaskText>>> {
        Box::pin(async move { self.rest.wait_for(&self.tenant, &ids, fail_fast, wait).await })
    }

    fn has_worker<'a>(&'a self, task: &'a TaskText) -> BoxFuture<'a, Result<bool>> {
        let call = verb::WORKERS.call().tenant(&self.tenant);
        Box::pin(async move {
            let read = |text: &str| {
                let workers = items(Members::parse(text)?.expect("workers")?)?;
                let mut any = false;
                for worker in workers {
                    let worker = Members::parse(worker)?;
                    let queues = texts(worker.expect("queues")?)?;
                    let handlers = texts(worker.expect("handlers")?)?;
                    any |= takes(&queues, &handlers, task.queue(), task.handler());
                }
                // What every reading here gives.
                Ok(if any { "true" } else { "false" }.to_owned())
            };
            Ok(self.rest.calls.ask_by(&call, &read).await? == "true")
        })
    }
}

impl Histories for TextClient {
    type Entry = EntryText;

    fn updates(
        &self,
        task_id: TaskId,
        after: u64,
        limit: u32,
        wait: Duration,
    ) -> BoxFuture<'_, Result<Vec<EntryText>>> {
        let place = (self.tenant.to_string(), task_id, after);
        Box::pin(self.streams.entries(&self.rest.calls, place, limit, wait))
    }

    fn stand(&self, task_id: TaskId) -> BoxFuture<'_, Result<(TaskStatus, u64)>> {
        Box::pin(async move {
            let id = task_id.to_string();
            let found = self.find(std::slice::from_ref(&id)).await?;
            let task = found.first().ok_or(Error::TaskNotFound { task_id: id })?;
            Ok((task.status(), task.last_seq))
        })
    }
}

/// JSON text of a list of records.
fn list(tasks: &[TaskText]) -> String {
    let texts: Vec<&str> = tasks.iter().map(|task| &*task.text).collect();
    ["[", &texts.join(","), "]"].concat()
}

fn ids(task_ids: &[String]) -> Result<Vec<TaskId>> {
    task_ids.iter().map(|id| TaskId::parse(id)).collect()
}

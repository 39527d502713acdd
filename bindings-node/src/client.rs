//! The verbs of a client.

use std::str::FromStr;
use std::time::Duration;

use napi::Env;
use napi::bindgen_prelude::{Null, Object};
use napi_derive::napi;
use windlass::client::FollowOptions;
use windlass::words::duration_from_seconds;
use windlass::{Cursor, Error, Filter, Result, SubmitOptions, TaskId, TaskSpec};

use crate::clock::ManualClock;
use crate::failure::raised;
use crate::fields::Fields;
use crate::options;
use crate::promise::{Cancel, handle, promise, text};
use crate::stream::{Events, Updates};

/// A connected client.
#[napi]
pub(crate) struct Client {
    pub(crate) client: windlass::Client,
    /// How long a submit keeps trying while its queue is full.
    patience: Duration,
}

impl Client {
    /// Runs a verb that answers a record.
    pub(crate) fn record<'env, F>(
        &self,
        env: &'env Env,
        verb: impl FnOnce(windlass::Client) -> F,
    ) -> napi::Result<Object<'env>>
    where
        F: Future<Output = Result<String>> + Send + 'static,
    {
        promise(env, verb(self.client.clone()))
    }
}

#[napi]
impl Client {
    /// Connects; `options` is JSON text of an object.
    #[napi(constructor)]
    pub fn new(url: String, options: String, clock: Option<&ManualClock>) -> napi::Result<Self> {
        crate::cli::log_to_stderr();
        let clock = clock.map(|clock| clock.0.clone());
        let (options, patience) = raised(options::read(&options, clock))?;
        let client = raised(windlass::connect_on(handle().clone(), &url, options))?;
        Ok(Self { client, patience })
    }

    /// What and where the store is.
    #[napi]
    pub fn location(&self) -> String {
        self.client.location()
    }

    /// The store's time, in milliseconds since 1970.
    #[napi]
    pub fn now_millis(&self) -> i64 {
        self.client.now().as_millis()
    }

    /// Stores tasks, all or none, from their records.
    #[napi]
    pub fn submit<'env>(
        &self,
        env: &'env Env,
        records: Vec<String>,
        batch: bool,
        cancel: Option<&Cancel>,
    ) -> napi::Result<Object<'env>> {
        let options = SubmitOptions { batch, patience: self.patience };
        let client = self.client.clone();
        let work = async move {
            let specs = records.iter().map(|record| TaskSpec::from_wire(record));
            text(&client.submit_many(specs.collect::<Result<_>>()?, options).await?)
        };
        promise(env, Cancel::or(cancel, work))
    }

    /// A task's record.
    #[napi]
    pub fn get<'env>(&self, env: &'env Env, task_id: String) -> napi::Result<Object<'env>> {
        self.record(env, |c| async move { text(&c.get(&task_id).await?) })
    }

    /// The tasks' records, in order.
    #[napi]
    pub fn get_many<'env>(
        &self,
        env: &'env Env,
        task_ids: Vec<String>,
    ) -> napi::Result<Object<'env>> {
        self.record(env, |c| async move { text(&c.get_many(&task_ids).await?) })
    }

    /// The tasks' records once all have ended, or with `fail_fast` the first has failed.
    #[napi]
    pub fn wait<'env>(
        &self,
        env: &'env Env,
        task_ids: Vec<String>,
        timeout: Option<f64>,
        fail_fast: bool,
        cancel: Option<&Cancel>,
    ) -> napi::Result<Object<'env>> {
        let client = self.client.clone();
        let work = async move {
            let timeout = seconds("timeout", timeout)?;
            text(&client.wait_many(&task_ids, timeout, fail_fast).await?)
        };
        promise(env, Cancel::or(cancel, work))
    }

    /// JSON text of the task's answer, once it has completed.
    #[napi]
    pub fn result<'env>(
        &self,
        env: &'env Env,
        task_id: String,
        timeout: Option<f64>,
        cancel: Option<&Cancel>,
    ) -> napi::Result<Object<'env>> {
        let client = self.client.clone();
        let work = async move {
            let timeout = seconds("timeout", timeout)?;
            Ok(client.result(&task_id, timeout).await?.as_str().to_owned())
        };
        promise(env, Cancel::or(cancel, work))
    }

    /// One page of tasks that match, newest first. `query` is JSON text of an object.
    #[napi]
    pub fn list<'env>(&self, env: &'env Env, query: String) -> napi::Result<Object<'env>> {
        self.record(env, |c| async move {
            let (filter, cursor, limit) = read_query(&query)?;
            text(&c.list(filter, cursor, limit).await?)
        })
    }

    /// What a task's history holds after entry `after`, without waiting.
    #[napi]
    pub fn history<'env>(
        &self,
        env: &'env Env,
        task_id: String,
        after: i64,
        limit: u32,
    ) -> napi::Result<Object<'env>> {
        self.record(env, move |c| async move {
            let (id, after) = (TaskId::parse(&task_id)?, place(after)?);
            let service = c.service().clone();
            text(&service.updates(c.tenant(), id, after, limit, Duration::ZERO).await?)
        })
    }

    /// A task's history after entry `after`, as it grows.
    #[napi]
    pub fn updates(&self, task_id: String, after: i64) -> napi::Result<Updates> {
        let after = raised(place(after))?;
        Ok(Updates::new(raised(self.client.updates(&task_id, after))?))
    }

    /// What happens to tasks from now on; of one queue or type, if one is given.
    #[napi]
    pub fn events(&self, queue: Option<String>, task_type: Option<String>) -> Events {
        // What it starts belongs to the runtime.
        let _entered = handle().enter();
        Events::new(self.client.follow(FollowOptions { queue, task_type }))
    }

    /// Cancels a task; its record as it stands then.
    #[napi]
    pub fn cancel<'env>(&self, env: &'env Env, task_id: String) -> napi::Result<Object<'env>> {
        self.record(env, |c| async move { text(&c.cancel(&task_id).await?) })
    }

    /// Runs a failed or cancelled task again; its record.
    #[napi]
    pub fn retry<'env>(&self, env: &'env Env, task_id: String) -> napi::Result<Object<'env>> {
        self.record(env, |c| async move { text(&c.retry(&task_id).await?) })
    }

    /// Why a task does not run now.
    #[napi]
    pub fn why<'env>(&self, env: &'env Env, task_id: String) -> napi::Result<Object<'env>> {
        self.record(env, |c| async move { text(&c.why(&task_id).await?) })
    }

    /// How many tasks each queue has in each status.
    #[napi]
    pub fn counts<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        self.record(env, |c| async move { text(&c.counts().await?) })
    }

    /// The queues' records.
    #[napi]
    pub fn queues<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        self.record(env, |c| async move { text(&c.queues().await?) })
    }

    /// Pauses a queue or lets it go on; its record.
    #[napi]
    pub fn pause<'env>(
        &self,
        env: &'env Env,
        queue: String,
        paused: bool,
    ) -> napi::Result<Object<'env>> {
        self.record(env, move |c| async move { text(&c.pause(&queue, paused).await?) })
    }

    /// A batch's record.
    #[napi]
    pub fn batch<'env>(&self, env: &'env Env, batch_id: String) -> napi::Result<Object<'env>> {
        self.record(env, |c| async move { text(&c.batch(&batch_id).await?) })
    }

    /// Cancels what is open of a batch; its record as it stands then.
    #[napi]
    pub fn cancel_batch<'env>(
        &self,
        env: &'env Env,
        batch_id: String,
    ) -> napi::Result<Object<'env>> {
        self.record(env, |c| async move { text(&c.cancel_batch(&batch_id).await?) })
    }

    /// Live workers.
    #[napi]
    pub fn workers<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        self.record(env, |c| async move { text(&c.workers().await?) })
    }

    /// Store, queues and workers at a glance.
    #[napi]
    pub fn cluster_health<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        self.record(env, |c| async move { text(&c.cluster_health().await?) })
    }

    /// Releases the store for good. Again is no error.
    #[napi]
    pub fn close<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        let client = self.client.clone();
        promise(env, async move {
            match client.close().await {
                Ok(()) | Err(Error::ClientClosed) => Ok(Null),
                Err(error) => Err(error),
            }
        })
    }
}

fn read_query(text: &str) -> Result<(Filter, Option<Cursor>, u32)> {
    let mut fields = Fields::read("query", text)?;
    let status: Vec<String> = fields.take("status")?.unwrap_or_default();
    let labels = match fields.raw("labels") {
        // The same reading of labels as at submit.
        Some(labels) => TaskSpec::from_wire(&format!("{{\"labels\":{labels}}}"))?.labels,
        None => Default::default(),
    };
    let filter = Filter {
        status: status.iter().map(|word| word.parse()).collect::<Result<_>>()?,
        task_type: fields.take("task_type")?,
        queue: fields.take("queue")?,
        labels,
        batch_id: named(&mut fields, "batch_id")?,
        since: named(&mut fields, "since")?,
        until: named(&mut fields, "until")?,
        error: fields.take("error")?,
    };
    let cursor = fields.take::<String>("cursor")?.map(|text| text.parse()).transpose()?;
    let limit = fields.count("limit")?.unwrap_or(100);
    fields.end()?;
    Ok((filter, cursor, limit))
}

/// Reads a value whose type does not know the argument's name.
fn named<T: FromStr<Err = Error>>(fields: &mut Fields, name: &str) -> Result<Option<T>> {
    let Some(text) = fields.take::<String>(name)? else { return Ok(None) };
    text.parse().map(Some).map_err(|error| match error {
        Error::InvalidArgument { reason, .. } => Error::invalid(name, reason),
        other => other,
    })
}

fn seconds(name: &str, number: Option<f64>) -> Result<Option<Duration>> {
    number.map(|number| duration_from_seconds(name, number)).transpose()
}

fn place(after: i64) -> Result<u64> {
    let refused = |_| Error::invalid("after", format!("must be 0 or more, not {after}"));
    u64::try_from(after).map_err(refused)
}

//! The verbs of a client. Each is awaitable with a bridge and blocks without one.

use std::path::PathBuf;
use std::time::Duration;

use pyo3::prelude::*;
use windlass::client::FollowOptions;
use windlass::rules::limits;
use windlass::{Cursor, Error, Filter, Result, Stretch, SubmitOptions, TaskId, TaskKind, TaskSpec};

use crate::bridge::{Bridge, call};
use crate::calls::{BreakerFields, RetryFields};
use crate::clock::ManualClock;
use crate::compose::Compose;
use crate::convert::{answer_text, count, seconds, submissions, text};
use crate::errors::raised;
use crate::events::Events;
use crate::link::{self, Call, Link};
use crate::options::Given;
use crate::updates::Updates;

/// A client that survives a fork: the next verb of the child connects for itself.
#[pyclass(frozen, weakref, module = "windlass._native")]
pub(crate) struct Client {
    link: Link,
    /// How long a submit keeps trying while its queue is full.
    patience: Duration,
}

impl Client {
    /// The connected client, and the mark that a call is under way.
    pub(crate) fn open(&self, py: Python<'_>) -> PyResult<(windlass::Client, Call)> {
        self.link.open(py)
    }

    /// How long a submit keeps trying while its queue is full.
    pub(crate) fn patience(&self) -> Duration {
        self.patience
    }

    /// Runs a verb that answers a record.
    fn record<F>(
        &self,
        py: Python<'_>,
        bridge: Option<&Bound<'_, Bridge>>,
        verb: impl FnOnce(windlass::Client) -> F,
    ) -> PyResult<Py<PyAny>>
    where
        F: Future<Output = Result<String>> + Send + 'static,
    {
        let (client, under_way) = self.open(py)?;
        let work = verb(client);
        let work = async move {
            let answer = work.await;
            drop(under_way);
            answer
        };
        call(py, bridge, work, answer_text)
    }
}

#[pymethods]
impl Client {
    /// Connects. What is left out has core's default.
    #[new]
    #[pyo3(signature = (url, *, tenant=None, timeout=None, api_key=None, ca_file=None, retry=None, breaker=None,
        no_breaker=false, max_connections=None, patience=None, durability=None, clock=None,
        queue_depth_limit=None, retention=None, keep_finished=None, updates_per_task=None,
        seedless_jitter=false))]
    #[allow(clippy::too_many_arguments)]
    fn new(
        py: Python<'_>,
        url: String,
        tenant: Option<String>,
        timeout: Option<f64>,
        api_key: Option<String>,
        ca_file: Option<PathBuf>,
        retry: Option<RetryFields>,
        breaker: Option<BreakerFields>,
        no_breaker: bool,
        max_connections: Option<i64>,
        patience: Option<f64>,
        durability: Option<String>,
        clock: Option<&Bound<'_, ManualClock>>,
        queue_depth_limit: Option<i64>,
        retention: Option<f64>,
        keep_finished: Option<i64>,
        updates_per_task: Option<i64>,
        seedless_jitter: bool,
    ) -> PyResult<Self> {
        let given = Given {
            tenant,
            timeout,
            api_key,
            ca_file,
            retry,
            breaker,
            no_breaker,
            max_connections,
            patience,
            durability,
            clock: clock.map(|clock| clock.get().0.clone()),
            queue_depth_limit,
            retention,
            keep_finished,
            updates_per_task,
            seedless_jitter,
        };
        let (options, patience) = raised(py, given.options())?;
        let client = Self { link: Link::new(url, options), patience };
        client.open(py)?;
        Ok(client)
    }

    /// What and where the store is.
    fn location(&self, py: Python<'_>) -> PyResult<String> {
        Ok(self.open(py)?.0.location())
    }

    /// The store's time, in milliseconds since 1970.
    fn now_millis(&self, py: Python<'_>) -> PyResult<i64> {
        Ok(self.open(py)?.0.now().as_millis())
    }

    /// Stores tasks, all or none, from their records. A list of
    /// `(task_id, status, deduplicated, batch_id)`.
    #[pyo3(signature = (specs, batch, bridge=None))]
    fn submit(
        &self,
        py: Python<'_>,
        specs: Vec<String>,
        batch: bool,
        bridge: Option<&Bound<'_, Bridge>>,
    ) -> PyResult<Py<PyAny>> {
        let (client, under_way) = self.open(py)?;
        let options = SubmitOptions { batch, patience: self.patience };
        let work = async move {
            let _under_way = under_way;
            let specs =
                specs.iter().map(|text| TaskSpec::from_wire(text)).collect::<Result<Vec<_>>>()?;
            client.submit_many(specs, options).await
        };
        call(py, bridge, work, submissions)
    }

    /// A task's record.
    #[pyo3(signature = (task_id, bridge=None))]
    fn get(
        &self,
        py: Python<'_>,
        task_id: String,
        bridge: Option<&Bound<'_, Bridge>>,
    ) -> PyResult<Py<PyAny>> {
        self.record(py, bridge, |c| async move { text(&c.get(&task_id).await?) })
    }

    /// The tasks' records, in order.
    #[pyo3(signature = (task_ids, bridge=None))]
    fn get_many(
        &self,
        py: Python<'_>,
        task_ids: Vec<String>,
        bridge: Option<&Bound<'_, Bridge>>,
    ) -> PyResult<Py<PyAny>> {
        self.record(py, bridge, |c| async move { text(&c.get_many(&task_ids).await?) })
    }

    /// The tasks' records once all have ended, or with `fail_fast` the first has failed.
    #[pyo3(signature = (task_ids, timeout, fail_fast, bridge=None))]
    fn wait(
        &self,
        py: Python<'_>,
        task_ids: Vec<String>,
        timeout: Option<f64>,
        fail_fast: bool,
        bridge: Option<&Bound<'_, Bridge>>,
    ) -> PyResult<Py<PyAny>> {
        let timeout = raised(py, seconds("timeout", timeout))?;
        self.record(py, bridge, move |c| async move {
            text(&c.wait_many(&task_ids, timeout, fail_fast).await?)
        })
    }

    /// JSON text of the task's answer, once it has completed.
    #[pyo3(signature = (task_id, timeout, bridge=None))]
    fn result(
        &self,
        py: Python<'_>,
        task_id: String,
        timeout: Option<f64>,
        bridge: Option<&Bound<'_, Bridge>>,
    ) -> PyResult<Py<PyAny>> {
        let timeout = raised(py, seconds("timeout", timeout))?;
        self.record(py, bridge, move |c| async move {
            Ok(c.result(&task_id, timeout).await?.as_str().to_owned())
        })
    }

    /// One page of tasks that match, newest first. `labels` is JSON text of an object.
    #[pyo3(signature = (*, status, task_type=None, queue=None, labels=None, batch_id=None,
        since=None, until=None, error=None, kind=None, cursor=None, limit=100, bridge=None))]
    #[allow(clippy::too_many_arguments)]
    fn list(
        &self,
        py: Python<'_>,
        status: Vec<String>,
        task_type: Option<String>,
        queue: Option<String>,
        labels: Option<&str>,
        batch_id: Option<&str>,
        since: Option<&str>,
        until: Option<&str>,
        error: Option<String>,
        kind: Option<&str>,
        cursor: Option<&str>,
        limit: i64,
        bridge: Option<&Bound<'_, Bridge>>,
    ) -> PyResult<Py<PyAny>> {
        let read = || -> Result<(Filter, Option<Cursor>, u32)> {
            let times = (since, until);
            let filter = filter(&status, task_type, queue, labels, batch_id, times, error)?;
            let filter = Filter { kind: kind.map(self::kind).transpose()?, ..filter };
            let cursor = cursor.map(|text| text.parse()).transpose()?;
            Ok((filter, cursor, count("limit", Some(limit))?.unwrap_or_default()))
        };
        let (filter, cursor, limit) = raised(py, read())?;
        self.record(py, bridge, move |c| async move { text(&c.list(filter, cursor, limit).await?) })
    }

    /// What `verb`, which is `count`, `cancel` or `retry`, does with all tasks that match.
    #[pyo3(signature = (verb, *, status, task_type=None, queue=None, labels=None, batch_id=None,
        since=None, until=None, error=None, most=None, cursor=None, bridge=None))]
    #[allow(clippy::too_many_arguments)]
    fn matching(
        &self,
        py: Python<'_>,
        verb: String,
        status: Vec<String>,
        task_type: Option<String>,
        queue: Option<String>,
        labels: Option<&str>,
        batch_id: Option<&str>,
        since: Option<&str>,
        until: Option<&str>,
        error: Option<String>,
        most: Option<i64>,
        cursor: Option<&str>,
        bridge: Option<&Bound<'_, Bridge>>,
    ) -> PyResult<Py<PyAny>> {
        let read = || -> Result<(Filter, Option<u32>, Option<Cursor>)> {
            let times = (since, until);
            let filter = filter(&status, task_type, queue, labels, batch_id, times, error)?;
            Ok((filter, count("most", most)?, cursor.map(str::parse).transpose()?))
        };
        let (filter, most, cursor) = raised(py, read())?;
        self.record(py, bridge, move |c| async move {
            let change = Stretch { cursor, most: most.unwrap_or(limits::CHANGE_MOST) };
            match verb.as_str() {
                "cancel" => text(&c.cancel_matching(filter, change).await?),
                "retry" => text(&c.retry_matching(filter, change).await?),
                _ => text(&c.count(filter, most.unwrap_or(limits::COUNT_DEFAULT)).await?),
            }
        })
    }

    /// What a task's history holds after entry `after`, without waiting.
    #[pyo3(signature = (task_id, after, limit, bridge=None))]
    fn history(
        &self,
        py: Python<'_>,
        task_id: String,
        after: u64,
        limit: u32,
        bridge: Option<&Bound<'_, Bridge>>,
    ) -> PyResult<Py<PyAny>> {
        self.record(py, bridge, move |c| async move {
            let id = TaskId::parse(&task_id)?;
            let service = c.service().clone();
            text(&service.updates(c.tenant(), id, after, limit, Duration::ZERO).await?)
        })
    }

    /// A task's history after entry `after`, as it grows.
    fn updates(&self, py: Python<'_>, task_id: &str, after: u64) -> PyResult<Updates> {
        let (client, call) = self.open(py)?;
        Ok(Updates::new(raised(py, client.updates(task_id, after))?, call))
    }

    /// The verbs on batches, pipelines, blocks and states.
    fn compose(slf: Py<Self>) -> Compose {
        Compose(slf)
    }

    /// What happens to tasks from now on; of one queue or type, if one is given.
    #[pyo3(signature = (queue=None, task_type=None))]
    fn events(
        &self,
        py: Python<'_>,
        queue: Option<String>,
        task_type: Option<String>,
    ) -> PyResult<Events> {
        let (client, call) = self.open(py)?;
        Ok(Events::new(client.follow(FollowOptions { queue, task_type, since: None }), call))
    }

    /// Cancels a task; its record as it stands then.
    #[pyo3(signature = (task_id, bridge=None))]
    fn cancel(
        &self,
        py: Python<'_>,
        task_id: String,
        bridge: Option<&Bound<'_, Bridge>>,
    ) -> PyResult<Py<PyAny>> {
        self.record(py, bridge, |c| async move { text(&c.cancel(&task_id).await?) })
    }

    /// Runs a failed or cancelled task again; its record.
    #[pyo3(signature = (task_id, bridge=None))]
    fn retry(
        &self,
        py: Python<'_>,
        task_id: String,
        bridge: Option<&Bound<'_, Bridge>>,
    ) -> PyResult<Py<PyAny>> {
        self.record(py, bridge, |c| async move { text(&c.retry(&task_id).await?) })
    }

    /// Why a task does not run now.
    #[pyo3(signature = (task_id, bridge=None))]
    fn why(
        &self,
        py: Python<'_>,
        task_id: String,
        bridge: Option<&Bound<'_, Bridge>>,
    ) -> PyResult<Py<PyAny>> {
        self.record(py, bridge, |c| async move { text(&c.why(&task_id).await?) })
    }

    /// How many tasks each queue has in each status.
    #[pyo3(signature = (bridge=None))]
    fn counts(&self, py: Python<'_>, bridge: Option<&Bound<'_, Bridge>>) -> PyResult<Py<PyAny>> {
        self.record(py, bridge, |c| async move { text(&c.counts().await?) })
    }

    /// The queues' records.
    #[pyo3(signature = (bridge=None))]
    fn queues(&self, py: Python<'_>, bridge: Option<&Bound<'_, Bridge>>) -> PyResult<Py<PyAny>> {
        self.record(py, bridge, |c| async move { text(&c.queues().await?) })
    }

    /// Pauses a queue or lets it go on; its record.
    #[pyo3(signature = (queue, paused, bridge=None))]
    fn pause(
        &self,
        py: Python<'_>,
        queue: String,
        paused: bool,
        bridge: Option<&Bound<'_, Bridge>>,
    ) -> PyResult<Py<PyAny>> {
        self.record(py, bridge, move |c| async move { text(&c.pause(&queue, paused).await?) })
    }

    /// A batch's record.
    #[pyo3(signature = (batch_id, bridge=None))]
    fn batch(
        &self,
        py: Python<'_>,
        batch_id: String,
        bridge: Option<&Bound<'_, Bridge>>,
    ) -> PyResult<Py<PyAny>> {
        self.record(py, bridge, |c| async move { text(&c.batch(&batch_id).await?) })
    }

    /// Cancels what is open of a batch; its record as it stands then.
    #[pyo3(signature = (batch_id, bridge=None))]
    fn cancel_batch(
        &self,
        py: Python<'_>,
        batch_id: String,
        bridge: Option<&Bound<'_, Bridge>>,
    ) -> PyResult<Py<PyAny>> {
        self.record(py, bridge, |c| async move { text(&c.cancel_batch(&batch_id).await?) })
    }

    /// Live workers.
    #[pyo3(signature = (bridge=None))]
    fn workers(&self, py: Python<'_>, bridge: Option<&Bound<'_, Bridge>>) -> PyResult<Py<PyAny>> {
        self.record(py, bridge, |c| async move { text(&c.workers().await?) })
    }

    /// Store, queues and workers at a glance.
    #[pyo3(signature = (bridge=None))]
    fn cluster_health(
        &self,
        py: Python<'_>,
        bridge: Option<&Bound<'_, Bridge>>,
    ) -> PyResult<Py<PyAny>> {
        self.record(py, bridge, |c| async move { text(&c.cluster_health().await?) })
    }

    /// Releases the store for good. Again is no error.
    #[pyo3(signature = (bridge=None))]
    fn close(&self, py: Python<'_>, bridge: Option<&Bound<'_, Bridge>>) -> PyResult<Py<PyAny>> {
        let open = py.detach(|| self.link.close());
        let work = async move {
            match open {
                Some(client) => match client.close().await {
                    Err(Error::ClientClosed) => Ok(()),
                    closed => closed,
                },
                None => Ok(()),
            }
        };
        call(py, bridge, work, |py, closed| {
            raised(py, closed)?;
            Ok(py.None())
        })
    }

    /// Closes a file that is not in use; the next verb opens it again.
    fn park(&self, py: Python<'_>) {
        py.detach(|| self.link.park());
    }

    /// A fork is near: a file that is not in use is closed, and opened again when it is needed, by
    /// parent and child each for itself. One that is in use stays, and the child keeps away from it.
    fn before_fork(&self, py: Python<'_>) {
        py.detach(|| self.link.before_fork());
    }

    /// The fork is done, and this is the parent: its own connections are its own.
    #[staticmethod]
    fn after_fork_in_parent() {
        link::after_fork_in_parent();
    }

    /// `Client(URL)`, for people.
    fn __repr__(&self) -> String {
        format!("Client({:?})", self.link.url)
    }
}

/// What a list and the verbs over all that match filter by.
fn filter(
    status: &[String],
    task_type: Option<String>,
    queue: Option<String>,
    labels: Option<&str>,
    batch_id: Option<&str>,
    (since, until): (Option<&str>, Option<&str>),
    error: Option<String>,
) -> Result<Filter> {
    let labels = match labels {
        // The same reading of labels as at submit.
        Some(labels) => TaskSpec::from_wire(&format!("{{\"labels\":{labels}}}"))?.labels,
        None => Default::default(),
    };
    Ok(Filter {
        kind: None,
        status: status.iter().map(|word| word.parse()).collect::<Result<Vec<_>>>()?,
        task_type,
        queue,
        labels,
        batch_id: batch_id.map(|id| named("batch_id", id)).transpose()?,
        since: since.map(|instant| named("since", instant)).transpose()?,
        until: until.map(|instant| named("until", instant)).transpose()?,
        error,
    })
}

fn kind(word: &str) -> Result<TaskKind> {
    let known = TaskKind::ALL.into_iter().find(|kind| kind.as_str() == word);
    known.ok_or_else(|| Error::invalid("kind", format!("{word:?} is not known")))
}

/// Reads a value whose type does not know the argument's name.
fn named<T: std::str::FromStr<Err = Error>>(field: &str, text: &str) -> Result<T> {
    text.parse().map_err(|error| match error {
        Error::InvalidArgument { reason, .. } => Error::invalid(field, reason),
        other => other,
    })
}

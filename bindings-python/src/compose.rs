//! The verbs of a client on batches, pipelines, blocks and states.

use pyo3::prelude::*;
use pyo3::types::PyList;
use windlass::rules::graph::Vertex;
use windlass::{
    BatchId, BatchSpec, BatchSubmission, BlockSpec, Error, PipelineSpec, Result, Submission,
    SubmitOptions, TaskSpec, TaskStatus,
};

use crate::bridge::{Bridge, call};
use crate::client::Client;
use crate::convert::{answer_text, text};
use crate::errors::raised;

/// The verbs of composition on a client.
#[pyclass(frozen, module = "windlass._native")]
pub(crate) struct Compose(pub(crate) Py<Client>);

impl Compose {
    /// Runs a verb whose answer `convert` makes a Python value.
    fn run<F, T: Send + 'static>(
        &self,
        py: Python<'_>,
        bridge: Option<&Bound<'_, Bridge>>,
        verb: impl FnOnce(windlass::Client) -> F,
        convert: impl FnOnce(Python<'_>, Result<T>) -> PyResult<Py<PyAny>> + Send + 'static,
    ) -> PyResult<Py<PyAny>>
    where
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let (client, under_way) = self.0.get().open(py)?;
        let work = verb(client);
        let work = async move {
            let answer = work.await;
            drop(under_way);
            answer
        };
        call(py, bridge, work, convert)
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
        self.run(py, bridge, verb, answer_text)
    }

    fn options(&self) -> SubmitOptions {
        SubmitOptions { batch: false, patience: self.0.get().patience() }
    }
}

#[pymethods]
impl Compose {
    /// Stores a batch from its record and those of its tasks, all or none. Answers
    /// `(batch_id, deduplicated, task_ids, others)`, the others `(place, status, deduplicated)` of tasks
    /// that are not new and pending.
    #[pyo3(signature = (batch, tasks, bridge=None))]
    fn submit_batch(
        &self,
        py: Python<'_>,
        batch: String,
        tasks: Vec<String>,
        bridge: Option<&Bound<'_, Bridge>>,
    ) -> PyResult<Py<PyAny>> {
        let options = self.options();
        let verb = |c: windlass::Client| async move {
            let (batch, tasks) = (BatchSpec::from_wire(&batch)?, specs(&tasks)?);
            c.service().submit_batch(c.tenant(), batch, tasks, options).await
        };
        self.run(py, bridge, verb, stored_batch)
    }

    /// Begins a batch that comes in chunks; its id.
    #[pyo3(signature = (batch, bridge=None))]
    fn open_batch(
        &self,
        py: Python<'_>,
        batch: String,
        bridge: Option<&Bound<'_, Bridge>>,
    ) -> PyResult<Py<PyAny>> {
        self.record(
            py,
            bridge,
            |c| async move { c.open_batch(BatchSpec::from_wire(&batch)?).await },
        )
    }

    /// Adds a chunk to an open batch; how many tasks it has so far.
    #[pyo3(signature = (batch_id, chunk, tasks, bridge=None))]
    fn extend_batch(
        &self,
        py: Python<'_>,
        batch_id: String,
        chunk: u32,
        tasks: Vec<String>,
        bridge: Option<&Bound<'_, Bridge>>,
    ) -> PyResult<Py<PyAny>> {
        let verb = |c: windlass::Client| async move {
            c.extend_batch(&batch_id, chunk, specs(&tasks)?).await
        };
        self.run(py, bridge, verb, |py, total| {
            Ok(raised(py, total)?.into_pyobject(py)?.into_any().unbind())
        })
    }

    /// Makes an open batch visible whole; answers as `submit_batch`.
    #[pyo3(signature = (batch_id, bridge=None))]
    fn seal_batch(
        &self,
        py: Python<'_>,
        batch_id: String,
        bridge: Option<&Bound<'_, Bridge>>,
    ) -> PyResult<Py<PyAny>> {
        let options = self.options();
        let verb = |c: windlass::Client| async move {
            c.service().seal_batch(c.tenant(), batch(&batch_id)?, options).await
        };
        self.run(py, bridge, verb, stored_batch)
    }

    /// Stores a pipeline from its record; the record of what is stored.
    #[pyo3(signature = (pipeline, bridge=None))]
    fn submit_pipeline(
        &self,
        py: Python<'_>,
        pipeline: String,
        bridge: Option<&Bound<'_, Bridge>>,
    ) -> PyResult<Py<PyAny>> {
        let options = self.options();
        self.record(py, bridge, |c| async move {
            let spec = PipelineSpec::from_wire(&pipeline)?;
            text(&c.service().submit_pipeline(c.tenant(), spec, options).await?)
        })
    }

    /// A pipeline's record.
    #[pyo3(signature = (pipeline_id, bridge=None))]
    fn pipeline(
        &self,
        py: Python<'_>,
        pipeline_id: String,
        bridge: Option<&Bound<'_, Bridge>>,
    ) -> PyResult<Py<PyAny>> {
        self.record(py, bridge, |c| async move { text(&c.pipeline(&pipeline_id).await?) })
    }

    /// Cancels a pipeline; its record as it stands then.
    #[pyo3(signature = (pipeline_id, bridge=None))]
    fn cancel_pipeline(
        &self,
        py: Python<'_>,
        pipeline_id: String,
        bridge: Option<&Bound<'_, Bridge>>,
    ) -> PyResult<Py<PyAny>> {
        self.record(py, bridge, |c| async move { text(&c.cancel_pipeline(&pipeline_id).await?) })
    }

    /// Runs failed and cancelled stages again, from one on or all; its record as it stands then.
    #[pyo3(signature = (pipeline_id, stage=None, bridge=None))]
    fn retry_pipeline(
        &self,
        py: Python<'_>,
        pipeline_id: String,
        stage: Option<String>,
        bridge: Option<&Bound<'_, Bridge>>,
    ) -> PyResult<Py<PyAny>> {
        self.record(py, bridge, |c| async move {
            text(&c.retry_pipeline(&pipeline_id, stage.as_deref()).await?)
        })
    }

    /// Stores a block from its record; the record of its submission.
    #[pyo3(signature = (block, bridge=None))]
    fn submit_block(
        &self,
        py: Python<'_>,
        block: String,
        bridge: Option<&Bound<'_, Bridge>>,
    ) -> PyResult<Py<PyAny>> {
        let options = self.options();
        self.record(py, bridge, |c| async move {
            let spec = BlockSpec::from_wire(&block)?;
            text(&c.service().submit_block(c.tenant(), spec, options).await?)
        })
    }

    /// A block's record: what it came to, or how it stands.
    #[pyo3(signature = (block_id, bridge=None))]
    fn block(
        &self,
        py: Python<'_>,
        block_id: String,
        bridge: Option<&Bound<'_, Bridge>>,
    ) -> PyResult<Py<PyAny>> {
        self.record(py, bridge, |c| async move { text(&c.block(&block_id).await?) })
    }

    /// JSON text of the state under a key; `None` when there is none.
    #[pyo3(signature = (state_key, bridge=None))]
    fn state(
        &self,
        py: Python<'_>,
        state_key: String,
        bridge: Option<&Bound<'_, Bridge>>,
    ) -> PyResult<Py<PyAny>> {
        let verb = |c: windlass::Client| async move { c.state(&state_key).await };
        self.run(py, bridge, verb, maybe_text)
    }

    /// JSON text of what the task that a task waited for returned, by its name; `None` when it waited for
    /// nothing of that name.
    #[pyo3(signature = (task_id, name, bridge=None))]
    fn upstream(
        &self,
        py: Python<'_>,
        task_id: String,
        name: String,
        bridge: Option<&Bound<'_, Bridge>>,
    ) -> PyResult<Py<PyAny>> {
        let verb = |c: windlass::Client| async move { c.upstream(&task_id, &name).await };
        self.run(py, bridge, verb, maybe_text)
    }

    /// The names that `upstream` knows for a task.
    #[pyo3(signature = (task_id, bridge=None))]
    fn upstream_names(
        &self,
        py: Python<'_>,
        task_id: String,
        bridge: Option<&Bound<'_, Bridge>>,
    ) -> PyResult<Py<PyAny>> {
        let verb = |c: windlass::Client| async move { c.upstream_names(&task_id).await };
        self.run(py, bridge, verb, |py, names| {
            Ok(PyList::new(py, raised(py, names)?)?.into_any().unbind())
        })
    }
}

/// A Mermaid flowchart of stages, each with its name, what it depends on and how it stands.
#[pyfunction]
pub(crate) fn mermaid(
    py: Python<'_>,
    stages: Vec<(String, Vec<String>, Option<String>)>,
) -> PyResult<String> {
    let mut drawn = Vec::with_capacity(stages.len());
    for (name, depends_on, status) in &stages {
        let status = raised(py, status.as_deref().map(str::parse).transpose())?;
        drawn.push((Vertex { name, depends_on }, status));
    }
    Ok(windlass::rules::mermaid::draw(&drawn))
}

fn batch(batch_id: &str) -> Result<BatchId> {
    batch_id.parse().map_err(|_| Error::BatchNotFound { batch_id: batch_id.to_owned() })
}

fn specs(records: &[String]) -> Result<Vec<TaskSpec>> {
    records.iter().map(|record| TaskSpec::from_wire(record)).collect()
}

/// A payload's text, if there is one.
pub(crate) fn maybe_text(
    py: Python<'_>,
    found: Result<Option<windlass::Payload>>,
) -> PyResult<Py<PyAny>> {
    Ok(match raised(py, found)? {
        Some(payload) => payload.as_str().into_pyobject(py)?.into_any().unbind(),
        None => py.None(),
    })
}

/// What a batch is stored as. Most tasks are new and pending: of those, only the id is told.
fn stored_batch(py: Python<'_>, stored: Result<BatchSubmission>) -> PyResult<Py<PyAny>> {
    let stored = raised(py, stored)?;
    let (ids, others) = (PyList::empty(py), PyList::empty(py));
    for (place, one) in stored.submissions.iter().enumerate() {
        let Submission { task_id, status, deduplicated, .. } = one;
        ids.append(task_id.to_string())?;
        if *deduplicated || *status != TaskStatus::Pending {
            others.append((place, status.as_str(), *deduplicated))?;
        }
    }
    let batch_id = stored.batch_id.to_string();
    let fields = (batch_id, stored.deduplicated, ids, others);
    Ok(fields.into_pyobject(py)?.into_any().unbind())
}

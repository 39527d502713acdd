//! One attempt, as `ctx` reads it.

use pyo3::prelude::*;

/// A job that Python holds.
#[pyclass(frozen, module = "windlass._native")]
pub(crate) struct Job(pub(crate) windlass::worker::Job);

#[pymethods]
impl Job {
    /// Number of the job within its worker.
    #[getter]
    fn id(&self) -> u64 {
        self.0.id
    }

    #[getter]
    fn task_id(&self) -> String {
        self.0.task.task_id.to_string()
    }

    #[getter]
    fn task_type(&self) -> &str {
        &self.0.task.task_type
    }

    #[getter]
    fn queue(&self) -> &str {
        &self.0.task.queue
    }

    /// From 1.
    #[getter]
    fn attempt(&self) -> u32 {
        self.0.attempt
    }

    /// Longest the attempt may run, in seconds.
    #[getter]
    fn timeout(&self) -> Option<f64> {
        self.0.timeout.map(|timeout| timeout.as_secs_f64())
    }

    #[getter]
    fn labels(&self) -> windlass::Labels {
        self.0.task.labels.clone()
    }

    /// JSON text of an object.
    #[getter]
    fn metadata(&self) -> Option<&str> {
        self.0.task.metadata.as_ref().map(windlass::Payload::as_str)
    }

    #[getter]
    fn traceparent(&self) -> Option<&str> {
        self.0.task.traceparent.as_deref()
    }

    #[getter]
    fn batch_id(&self) -> Option<String> {
        self.0.task.batch_id.map(|id| id.to_string())
    }

    #[getter]
    fn block_id(&self) -> Option<String> {
        self.0.task.block_id.map(|id| id.to_string())
    }

    #[getter]
    fn pipeline_id(&self) -> Option<String> {
        self.0.task.pipeline_id.map(|id| id.to_string())
    }

    /// Its name in its pipeline.
    #[getter]
    fn stage(&self) -> Option<&str> {
        self.0.task.stage.as_deref()
    }

    #[getter]
    fn state_key(&self) -> Option<&str> {
        self.0.task.state_key.as_deref()
    }

    /// JSON text of the state of its `state_key`; `None` while there is none.
    #[getter]
    fn state(&self) -> Option<&str> {
        self.0.state.as_ref().map(windlass::Payload::as_str)
    }

    #[getter]
    fn idempotency_key(&self) -> Option<&str> {
        self.0.task.shown_key()
    }

    /// Why the handler is asked to stop: `requested`, `timeout`, `shutdown` or `lost`.
    #[getter]
    fn cancel_reason(&self) -> Option<&'static str> {
        self.0.cancel.reason().map(windlass::worker::CancelReason::as_str)
    }
}

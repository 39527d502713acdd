//! Answers on their way into an event loop.
//!
//! A call makes a future of the loop and spawns the work. Answers gather in a mailbox; the first one
//! has the loop called once, and the loop empties the mailbox. Whatever the number of answers in a
//! burst, the border is crossed once.

use std::sync::{Arc, Mutex, MutexGuard};

use pyo3::prelude::*;
use tokio::task::AbortHandle;

use windlass::Error;

use crate::errors::exception;
use crate::messenger::Word;
use crate::runtime;

/// Makes the Python value of an answer, or the exception.
type Answer = Box<dyn FnOnce(Python<'_>) -> PyResult<Py<PyAny>> + Send>;

/// Answers for one event loop. The lock guards the list only and is never held while Python runs:
/// calling the loop can hand the GIL to a thread that wants this lock.
pub(crate) struct Mailbox {
    event_loop: Py<PyAny>,
    answers: Mutex<Vec<(Py<PyAny>, Answer)>>,
}

impl Mailbox {
    fn post(self: &Arc<Self>, future: Py<PyAny>, answer: Answer) {
        let first = {
            let mut answers = self.lock();
            answers.push((future, answer));
            answers.len() == 1
        };
        if first {
            runtime::process().messenger.send(Word::Wake(self.clone()));
        }
    }

    /// Has the loop empty the mailbox.
    pub(crate) fn wake(self: &Arc<Self>, py: Python<'_>) {
        let drain = match Py::new(py, Drain(self.clone())) {
            Ok(drain) => drain,
            Err(error) => return error.write_unraisable(py, None),
        };
        let called =
            self.event_loop.call_method1(py, pyo3::intern!(py, "call_soon_threadsafe"), (drain,));
        if called.is_err() {
            // The loop is closed: nobody awaits these answers any more.
            let unwanted = std::mem::take(&mut *self.lock());
            drop(unwanted);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Py<PyAny>, Answer)>> {
        self.answers.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// Empties a mailbox; called by the loop.
#[pyclass(frozen, module = "windlass._native")]
struct Drain(Arc<Mailbox>);

#[pymethods]
impl Drain {
    fn __call__(&self, py: Python<'_>) -> PyResult<()> {
        let answers = std::mem::take(&mut *self.0.lock());
        for (future, answer) in answers {
            let future = future.bind(py);
            if future.call_method0(pyo3::intern!(py, "done"))?.is_truthy()? {
                continue;
            }
            match answer(py) {
                Ok(value) => future.call_method1(pyo3::intern!(py, "set_result"), (value,))?,
                Err(error) => future.call_method1(pyo3::intern!(py, "set_exception"), (error,))?,
            };
        }
        Ok(())
    }
}

/// An answer that is owed. Work that panics must not leave its caller waiting for ever.
struct Debt {
    mailbox: Arc<Mailbox>,
    future: Option<Py<PyAny>>,
}

impl Debt {
    fn pay(&mut self, answer: Answer) {
        if let Some(future) = self.future.take() {
            self.mailbox.post(future, answer);
        }
    }
}

impl Drop for Debt {
    fn drop(&mut self) {
        // Also when the work was aborted: then its future is cancelled and takes no answer.
        self.pay(Box::new(|py| {
            Err(exception(py, &Error::internal("a call ended without an answer")))
        }));
    }
}

/// Stops the work when nobody awaits it any more; a done-callback of the future.
#[pyclass(frozen, module = "windlass._native")]
struct Abort(AbortHandle);

#[pymethods]
impl Abort {
    fn __call__(&self, future: &Bound<'_, PyAny>) -> PyResult<()> {
        if future.call_method0(pyo3::intern!(future.py(), "cancelled"))?.is_truthy()? {
            self.0.abort();
        }
        Ok(())
    }
}

/// The way into one event loop.
#[pyclass(frozen, module = "windlass._native")]
pub(crate) struct Bridge(Arc<Mailbox>);

#[pymethods]
impl Bridge {
    #[new]
    fn new(event_loop: Py<PyAny>) -> Self {
        Self(Arc::new(Mailbox { event_loop, answers: Mutex::default() }))
    }
}

impl Bridge {
    /// An awaitable for `work`, whose answer `convert` makes a Python value on the loop's thread.
    /// Cancelling it drops the work.
    fn spawn<T: Send + 'static>(
        &self,
        py: Python<'_>,
        work: impl Future<Output = T> + Send + 'static,
        convert: impl FnOnce(Python<'_>, T) -> PyResult<Py<PyAny>> + Send + 'static,
    ) -> PyResult<Py<PyAny>> {
        let make = pyo3::intern!(py, "create_future");
        let future = self.0.event_loop.call_method0(py, make)?;
        let (mailbox, kept) = (self.0.clone(), future.clone_ref(py));
        let mut debt = Debt { mailbox, future: Some(kept) };
        let task = runtime::handle().spawn(async move {
            let value = work.await;
            debt.pay(Box::new(move |py| convert(py, value)));
        });
        let abort = Py::new(py, Abort(task.abort_handle()))?;
        future.call_method1(py, pyo3::intern!(py, "add_done_callback"), (abort,))?;
        Ok(future)
    }
}

/// Runs `work` for a caller: awaitable with a bridge, waited for here without.
pub(crate) fn call<T: Send + 'static>(
    py: Python<'_>,
    bridge: Option<&Bound<'_, Bridge>>,
    work: impl Future<Output = T> + Send + 'static,
    convert: impl FnOnce(Python<'_>, T) -> PyResult<Py<PyAny>> + Send + 'static,
) -> PyResult<Py<PyAny>> {
    match bridge {
        Some(bridge) => bridge.get().spawn(py, work, convert),
        None => {
            let value = runtime::wait(py, work)?;
            crate::logging::flush_logs(py);
            convert(py, value)
        }
    }
}

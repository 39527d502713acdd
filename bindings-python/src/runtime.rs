//! The tokio runtime beneath, and what a fork and the interpreter's exit do to it.

use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering};
use std::time::Duration;

use pyo3::prelude::*;
use tokio::runtime::{Builder, Handle, Runtime};

use crate::messenger::Messenger;

/// How often a wait looks for Ctrl-C.
const LOOK_FOR_SIGNALS: Duration = Duration::from_millis(50);

/// What one process has of native threads. Made at first use and never freed: threads of it may
/// outlive every Python object.
pub(crate) struct Process {
    runtime: Runtime,
    pub(crate) messenger: Messenger,
}

// A pointer and not a lock: a lock held by another thread during a fork stays locked in the child.
static CURRENT: AtomicPtr<Process> = AtomicPtr::new(ptr::null_mut());
static GENERATION: AtomicU64 = AtomicU64::new(0);
static EXITING: AtomicBool = AtomicBool::new(false);

/// Counts forks: handles of another generation belong to threads that are not here.
pub(crate) fn generation() -> u64 {
    GENERATION.load(Ordering::Acquire)
}

/// This process's native threads, started at first use.
pub(crate) fn process() -> &'static Process {
    let current = CURRENT.load(Ordering::Acquire);
    if let Some(process) = unsafe { current.as_ref() } {
        return process;
    }
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("windlass")
        .enable_all()
        .build()
        .expect("the system starts two threads");
    let made = Box::into_raw(Box::new(Process { runtime, messenger: Messenger::start() }));
    match CURRENT.compare_exchange(ptr::null_mut(), made, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => unsafe { &*made },
        Err(other) => {
            // Another thread was first; nobody has seen ours.
            unsafe { Box::from_raw(made) }.runtime.shutdown_background();
            unsafe { &*other }
        }
    }
}

/// The same, if anything was started.
pub(crate) fn started() -> Option<&'static Process> {
    unsafe { CURRENT.load(Ordering::Acquire).as_ref() }
}

/// Where futures run.
pub(crate) fn handle() -> &'static Handle {
    process().runtime.handle()
}

/// Awaits `future` with the GIL released; Ctrl-C ends the wait.
pub(crate) fn wait<T: Send>(py: Python<'_>, future: impl Future<Output = T> + Send) -> PyResult<T> {
    let handle = handle();
    let mut future = Box::pin(future);
    loop {
        let answer = py.detach(|| {
            let answer = handle.block_on(async {
                tokio::select! {
                    biased;
                    answer = &mut future => Some(answer),
                    () = tokio::time::sleep(LOOK_FOR_SIGNALS) => None,
                }
            });
            stay_if_exiting();
            answer
        });
        match answer {
            Some(answer) => return Ok(answer),
            None => py.check_signals()?,
        }
    }
}

/// Keeps this thread from coming back to an interpreter that is going away: there it would be
/// unwound through native frames, which aborts the process. Called detached.
pub(crate) fn stay_if_exiting() {
    if EXITING.load(Ordering::Acquire) && !LAST.get() {
        loop {
            std::thread::park();
        }
    }
}

thread_local! {
    /// Whether this is the thread that ends the interpreter.
    static LAST: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// Forgets the threads of the parent, which a fork does not copy.
#[pyfunction]
pub(crate) fn after_fork_in_child() {
    CURRENT.store(ptr::null_mut(), Ordering::Release);
    GENERATION.fetch_add(1, Ordering::AcqRel);
    crate::logging::after_fork_in_child();
}

/// The interpreter ends, on this thread: nothing native calls into it from here on.
#[pyfunction]
pub(crate) fn exiting(py: Python<'_>) {
    LAST.set(true);
    crate::logging::flush_logs(py);
    EXITING.store(true, Ordering::Release);
    if let Some(process) = started() {
        py.detach(|| process.messenger.stop());
    }
}

//! Wake-ups within a process: hints, never facts.

use tokio::sync::watch;

use crate::future::BoxFuture;
use crate::words::TaskId;

/// Rings for everybody who listens.
pub struct Bell(watch::Sender<u64>);

impl Default for Bell {
    fn default() -> Self {
        Self(watch::Sender::new(0))
    }
}

impl Bell {
    /// Wakes all who listen now.
    pub fn ring(&self) {
        self.0.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Resolves at the next ring, counted from this call: listen first, then look, then await.
    pub fn listen(&self) -> BoxFuture<'static, ()> {
        let mut receiver = self.0.subscribe();
        Box::pin(async move {
            // The bell is gone with its engine: nothing will change any more.
            if receiver.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        })
    }
}

/// Bells of the tasks. Tasks share them, so a listener may wake for another task's news.
const TASK_BELLS: usize = 64;

/// All bells of an engine.
pub struct Bells {
    /// There may be something to lease.
    pub work: Bell,
    /// Some running task may have been asked to stop.
    pub cancel: Bell,
    tasks: Vec<Bell>,
}

impl Default for Bells {
    fn default() -> Self {
        let tasks = (0..TASK_BELLS).map(|_| Bell::default()).collect();
        Self { work: Bell::default(), cancel: Bell::default(), tasks }
    }
}

impl Bells {
    /// The bell for news of a task.
    pub fn task(&self, id: TaskId) -> &Bell {
        // The last byte of an id is random.
        &self.tasks[usize::from(id.as_bytes()[15]) % TASK_BELLS]
    }

    /// Rings everything: another process changed something, nobody knows what.
    pub fn ring_all(&self) {
        self.work.ring();
        self.cancel.ring();
        self.tasks.iter().for_each(Bell::ring);
    }
}

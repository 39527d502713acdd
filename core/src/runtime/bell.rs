//! Wake-ups within a process: hints, never facts.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::watch;

use crate::engine::follow::Followed;
use crate::future::BoxFuture;
use crate::words::{TaskId, TaskStatus};

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
        Box::pin(async move { heard(&mut receiver).await })
    }
}

async fn heard(receiver: &mut watch::Receiver<u64>) {
    // The bell is gone with its engine: nothing will change any more.
    if receiver.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Locks that the bells of tasks are spread over.
const SHARDS: usize = 64;

/// The bells that somebody listens to, by task. With thousands of readers, news of one task must not
/// wake those of another, and a task that nobody follows has no bell.
struct TaskBells {
    shards: [Mutex<BTreeMap<TaskId, Bell>>; SHARDS],
    /// How many listen.
    listeners: AtomicUsize,
}

impl TaskBells {
    fn shard(&self, id: TaskId) -> MutexGuard<'_, BTreeMap<TaskId, Bell>> {
        // The last byte of an id is random.
        let shard = &self.shards[usize::from(id.as_bytes()[15]) % SHARDS];
        shard.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// Somebody who listens for news of a task; takes the bell away when the last one leaves.
struct Listener {
    bells: Arc<TaskBells>,
    id: TaskId,
    receiver: watch::Receiver<u64>,
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.bells.listeners.fetch_sub(1, Ordering::Relaxed);
        let mut shard = self.bells.shard(self.id);
        // This one is still counted.
        if shard.get(&self.id).is_some_and(|bell| bell.0.receiver_count() <= 1) {
            shard.remove(&self.id);
        }
    }
}

/// The bell for news of one task.
pub struct TaskBell<'a> {
    bells: &'a Arc<TaskBells>,
    id: TaskId,
}

impl TaskBell<'_> {
    /// As [`Bell::ring`].
    pub fn ring(&self) {
        if let Some(bell) = self.bells.shard(self.id).get(&self.id) {
            bell.ring();
        }
    }

    /// As [`Bell::listen`].
    pub fn listen(&self) -> BoxFuture<'static, ()> {
        let receiver = self.bells.shard(self.id).entry(self.id).or_default().0.subscribe();
        self.bells.listeners.fetch_add(1, Ordering::Relaxed);
        let mut listener = Listener { bells: self.bells.clone(), id: self.id, receiver };
        Box::pin(async move { heard(&mut listener.receiver).await })
    }
}

/// All bells of an engine.
pub struct Bells {
    /// There may be something to lease.
    pub work: Bell,
    /// Some running task may have been asked to stop.
    pub cancel: Bell,
    tasks: Arc<TaskBells>,
}

impl Default for Bells {
    fn default() -> Self {
        let shards = std::array::from_fn(|_| Mutex::default());
        let tasks = Arc::new(TaskBells { shards, listeners: AtomicUsize::new(0) });
        Self { work: Bell::default(), cancel: Bell::default(), tasks }
    }
}

impl Bells {
    /// The bell for news of a task.
    pub fn task(&self, id: TaskId) -> TaskBell<'_> {
        TaskBell { bells: &self.tasks, id }
    }

    /// How many wait for news of a task just now.
    pub fn followers(&self) -> usize {
        self.tasks.listeners.load(Ordering::Relaxed)
    }

    /// Rings for tasks that changed because others did.
    pub fn ring_for(&self, followed: &[Followed]) {
        followed.iter().for_each(|followed| self.task(followed.task_id).ring());
        if followed.iter().any(|followed| followed.status == TaskStatus::Pending) {
            self.work.ring();
        }
        if followed.iter().any(|followed| followed.asked) {
            self.cancel.ring();
        }
    }

    /// Rings everything: another process changed something, nobody knows what.
    pub fn ring_all(&self) {
        self.work.ring();
        self.cancel.ring();
        for shard in &self.tasks.shards {
            let shard = shard.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            shard.values().for_each(Bell::ring);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn is_heard(news: &mut BoxFuture<'static, ()>) -> bool {
        news.as_mut().poll(&mut Context::from_waker(Waker::noop())) == Poll::Ready(())
    }

    fn id(number: u8) -> TaskId {
        // All in one shard.
        TaskId::from_bytes([number, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7])
    }

    fn rung(bells: &Bells) -> usize {
        bells.tasks.shards.iter().map(|shard| shard.lock().unwrap().len()).sum()
    }

    #[test]
    fn news_of_a_task_wakes_all_who_follow_it_and_nobody_else() {
        let bells = Bells::default();
        let (mut one, mut two) = (bells.task(id(1)).listen(), bells.task(id(1)).listen());
        let mut other = bells.task(id(2)).listen();
        bells.task(id(1)).ring();
        assert!(is_heard(&mut one) && is_heard(&mut two) && !is_heard(&mut other));
        bells.ring_all();
        assert!(is_heard(&mut other));
    }

    #[test]
    fn a_ring_between_listening_and_waiting_is_heard_and_an_earlier_one_is_not() {
        let bells = Bells::default();
        let mut before = bells.task(id(1)).listen();
        bells.task(id(1)).ring();
        let mut after = bells.task(id(1)).listen();
        assert!(is_heard(&mut before) && !is_heard(&mut after));
    }

    #[test]
    fn a_bell_goes_with_its_last_listener() {
        let bells = Bells::default();
        let (one, two) = (bells.task(id(1)).listen(), bells.task(id(1)).listen());
        drop(one);
        assert_eq!((rung(&bells), bells.followers()), (1, 1));
        drop(two);
        bells.task(id(1)).ring();
        assert_eq!((rung(&bells), bells.followers()), (0, 0));
    }
}

//! The one connection that writes, and how many callers share one commit.
//!
//! A write is a [`Job`] in a queue. Its caller lets other tasks of its runtime go first, once, so that
//! they can queue theirs; then, if nobody writes, it takes the pen and writes all that is queued in
//! one transaction, without any change of thread. If somebody writes, that writer calls the writer's
//! thread when it is done and more is queued. Locks are taken in this order: pen, turn, queue.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread::JoinHandle;

use tokio::sync::oneshot;
use windlass_core::store::FollowListener;
use windlass_core::{Error, Result};

use crate::pen::Pen;
use crate::tx::Tx;

/// Most jobs that share one transaction.
const MOST_JOBS: usize = 512;

/// A write that is queued. It may be run again when the transaction around it failed.
pub(crate) trait Job: Send {
    /// Whether it must be on disk when it is answered.
    fn durable(&self) -> bool;
    /// What it does, for errors.
    fn operation(&self) -> &'static str;
    /// Does it.
    fn run(&mut self, tx: &mut Tx<'_>) -> rusqlite::Result<()>;
    /// Answers its caller: what the last run came to if it was committed, else the error.
    fn answer(self: Box<Self>, outcome: Result<()>);
}

struct Call<T, F> {
    durable: bool,
    operation: &'static str,
    work: F,
    value: Option<T>,
    caller: oneshot::Sender<Result<T>>,
}

impl<T: Send, F: FnMut(&mut Tx<'_>) -> rusqlite::Result<T> + Send> Job for Call<T, F> {
    fn durable(&self) -> bool {
        self.durable
    }

    fn operation(&self) -> &'static str {
        self.operation
    }

    fn run(&mut self, tx: &mut Tx<'_>) -> rusqlite::Result<()> {
        self.value = Some((self.work)(tx)?);
        Ok(())
    }

    fn answer(self: Box<Self>, outcome: Result<()>) {
        let Self { value, caller, .. } = *self;
        let value =
            outcome.and_then(|()| value.ok_or_else(|| Error::internal("a job was answered unrun")));
        // A caller that went away does not undo its write.
        let _ = caller.send(value);
    }
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Box<dyn Job>>,
    closed: bool,
}

struct Shared {
    pen: Mutex<Option<Pen>>,
    queue: Mutex<Queue>,
    summons: Condvar,
    followers: Mutex<Vec<FollowListener>>,
}

/// The writing end of a store.
pub(crate) struct Writer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// A writer that writes with `pen`.
    pub(crate) fn start(pen: Pen) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            pen: Mutex::new(Some(pen)),
            queue: Mutex::default(),
            summons: Condvar::new(),
            followers: Mutex::default(),
        });
        let own = shared.clone();
        let thread = std::thread::Builder::new()
            .name("windlass-writer".to_owned())
            .spawn(move || own.serve())?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Has `work` done in a transaction; on disk when this returns, if `durable`. The work outlives
    /// this future, and may run more than once: only the last run counts.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        operation: &'static str,
        durable: bool,
        work: impl FnMut(&mut Tx<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let (caller, answer) = oneshot::channel();
        let job = Box::new(Call { durable, operation, work, value: None, caller });
        self.shared.push(job)?;
        let ticket = Ticket(&self.shared);
        yield_once().await;
        // Helping once one's own job is done would write the first of the next round alone.
        if answer.is_empty() {
            self.shared.help();
        }
        std::mem::forget(ticket);
        answer.await.unwrap_or_else(|_| Err(Error::internal("the write ended without an answer")))
    }

    /// Writes what is queued, then gives the pen away for good; `None` when it was given before.
    pub(crate) fn close(&self) -> Option<Pen> {
        lock(&self.shared.queue).closed = true;
        let mut pen = lock(&self.shared.pen);
        while self.shared.flush(pen.as_mut()?, true) {}
        let given = pen.take();
        drop(pen);
        self.shared.summons.notify_one();
        given
    }

    /// Calls `listener` with what followed from each write, after its commit. It must not wait for a write.
    pub(crate) fn on_follow(&self, listener: FollowListener) {
        lock(&self.shared.followers).push(listener);
    }

    /// Runs `work` with the pen, between transactions; `None` when the store is closed.
    pub(crate) fn with_pen<T>(&self, work: impl FnOnce(&mut Pen) -> T) -> Option<T> {
        let answer = lock(&self.shared.pen).as_mut().map(work);
        self.shared.look_again();
        answer
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        lock(&self.shared.queue).closed = true;
        self.shared.summons.notify_one();
        // The thread writes what is still queued. It may itself be the one that drops the store,
        // by an answer to the last caller.
        if thread.thread().id() != std::thread::current().id() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn push(&self, job: Box<dyn Job>) -> Result<()> {
        let mut queue = lock(&self.queue);
        if queue.closed {
            return Err(Error::ClientClosed);
        }
        queue.jobs.push_back(job);
        Ok(())
    }

    /// Writes what is queued, if nobody writes: here or in another process.
    fn help(&self) {
        let mut pen = match self.pen.try_lock() {
            Ok(pen) => pen,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            // Whoever has it looks at the queue again after giving it back.
            Err(TryLockError::WouldBlock) => return,
        };
        if let Some(pen) = pen.as_mut() {
            self.flush(pen, false);
        }
        drop(pen);
        self.look_again();
    }

    /// Calls the writer's thread if something is queued. To be called after giving the pen back:
    /// callers that found it taken count on this.
    fn look_again(&self) {
        if !lock(&self.queue).jobs.is_empty() {
            self.summons.notify_one();
        }
    }

    /// Writes some of what is queued, and answers; whether there may be more. Without `wait`, does
    /// nothing when another process has its turn.
    fn flush(&self, pen: &mut Pen, wait: bool) -> bool {
        if lock(&self.queue).jobs.is_empty() {
            return false;
        }
        let turn = match pen.turn(wait) {
            Ok(Some(turn)) => Ok(turn),
            Ok(None) => return true,
            Err(error) => Err(error),
        };
        let mut jobs: VecDeque<Box<dyn Job>> = {
            let mut queue = lock(&self.queue);
            let some = queue.jobs.len().min(MOST_JOBS);
            queue.jobs.drain(..some).collect()
        };
        let turn = match turn {
            Ok(turn) => turn,
            Err(error) => {
                jobs.into_iter().for_each(|job| job.answer(Err(error.clone())));
                return true;
            }
        };
        let outcomes = pen.write(jobs.make_contiguous());
        drop(turn);
        let mut left = jobs.split_off(outcomes.len());
        if !left.is_empty() {
            let mut queue = lock(&self.queue);
            left.append(&mut queue.jobs);
            queue.jobs = left;
        }
        for (job, outcome) in jobs.into_iter().zip(outcomes) {
            job.answer(outcome);
        }
        let followed = pen.take_followed();
        if !followed.is_empty() {
            let followers = lock(&self.followers).clone();
            followers.iter().for_each(|follower| follower(&followed));
        }
        true
    }

    /// The writer's thread. It looks at the queue each time after giving the pen back: callers that
    /// found the pen taken count on this.
    fn serve(&self) {
        loop {
            {
                let mut queue = lock(&self.queue);
                while queue.jobs.is_empty() {
                    if queue.closed {
                        return;
                    }
                    queue = self.summons.wait(queue).unwrap_or_else(PoisonError::into_inner);
                }
            }
            let mut pen = lock(&self.pen);
            let Some(pen) = pen.as_mut() else { return };
            // A panic is a bug in a job. Its callers hear of it, as their answers are dropped; those
            // that come later must still be served.
            let flush = std::panic::AssertUnwindSafe(|| self.flush(pen, true));
            let _ = std::panic::catch_unwind(flush);
        }
    }
}

/// Sees to it that a job whose future is dropped early is written by the writer's thread.
struct Ticket<'a>(&'a Shared);

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        self.0.look_again();
    }
}

async fn yield_once() {
    let mut yielded = false;
    std::future::poll_fn(|context| {
        if yielded {
            return std::task::Poll::Ready(());
        }
        yielded = true;
        context.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What a panic may leave behind, an open transaction, is undone by the next use of the pen.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

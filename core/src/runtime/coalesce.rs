//! Gathers single calls into batches.
//!
//! What arrives while a flush is being written goes out together as the next one: no added delay when
//! idle, one fsync for many callers when busy.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use tokio::sync::oneshot;

use crate::error::{Error, Result};
use crate::future::{BoxFuture, MaybeSend};
use crate::runtime::host::SharedHost;

/// Items that one flush may carry.
const FLUSH_ITEMS: usize = 512;

/// Writes a batch: one answer per item, in order, or one error for all.
#[cfg(not(target_family = "wasm"))]
pub(super) type Flush<I, O> =
    dyn Fn(Vec<I>) -> BoxFuture<'static, Result<Vec<Result<O>>>> + Send + Sync;
/// Writes a batch: one answer per item, in order, or one error for all.
#[cfg(target_family = "wasm")]
pub(super) type Flush<I, O> = dyn Fn(Vec<I>) -> BoxFuture<'static, Result<Vec<Result<O>>>>;

type Waiting<I, O> = (I, oneshot::Sender<Result<O>>);

struct Queue<I, O> {
    waiting: Vec<Waiting<I, O>>,
    /// Somebody is flushing, and will look at the queue again before stopping.
    flushing: bool,
}

/// A gatherer of one kind of call.
pub(super) struct Coalescer<I, O> {
    queue: Mutex<Queue<I, O>>,
    flush: Box<Flush<I, O>>,
    host: SharedHost,
}

impl<I: MaybeSend + 'static, O: MaybeSend + 'static> Coalescer<I, O> {
    pub(super) fn new(host: SharedHost, flush: Box<Flush<I, O>>) -> Arc<Self> {
        let queue = Mutex::new(Queue { waiting: Vec::new(), flushing: false });
        Arc::new(Self { queue, flush, host })
    }

    /// Puts `item` into the next flush and answers what became of it. The flush goes on when the
    /// caller is dropped.
    pub(super) async fn call(self: &Arc<Self>, item: I) -> Result<O> {
        let (sender, receiver) = oneshot::channel();
        let leads = {
            let mut queue = self.lock();
            queue.waiting.push((item, sender));
            !std::mem::replace(&mut queue.flushing, true)
        };
        if leads {
            let this = self.clone();
            Carried::new(self.host.clone(), Box::pin(async move { this.flush_once().await })).await;
        }
        receiver.await.unwrap_or_else(|_| Err(Error::internal("a flush ended without an answer")))
    }

    /// Flushes what waits; what came in meanwhile is flushed by the host, so that the caller is not
    /// held up by others.
    async fn flush_once(self: Arc<Self>) {
        let flushing = Flushing(&self);
        self.write(self.take()).await;
        let goes_on = flushing.end();
        if goes_on {
            let this = self.clone();
            self.host.spawn(Box::pin(async move {
                loop {
                    let flushing = Flushing(&this);
                    this.write(this.take()).await;
                    if !flushing.end() {
                        break;
                    }
                }
            }));
        }
    }

    async fn write(&self, batch: Vec<Waiting<I, O>>) {
        let (items, senders): (Vec<I>, Vec<_>) = batch.into_iter().unzip();
        match (self.flush)(items).await {
            Ok(answers) => {
                for (sender, answer) in senders.into_iter().zip(answers) {
                    // A caller that is gone does not want its answer.
                    let _ = sender.send(answer);
                }
            }
            Err(error) => senders.into_iter().for_each(|sender| {
                let _ = sender.send(Err(error.clone()));
            }),
        }
    }

    fn take(&self) -> Vec<Waiting<I, O>> {
        let mut queue = self.lock();
        let count = queue.waiting.len().min(FLUSH_ITEMS);
        queue.waiting.drain(..count).collect()
    }

    fn goes_on(&self) -> bool {
        let mut queue = self.lock();
        queue.flushing = !queue.waiting.is_empty();
        queue.flushing
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Queue<I, O>> {
        self.queue.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// That a flush is under way. If it ends by a panic, its callers hear of it, as their answers are
/// dropped, and later calls flush again.
struct Flushing<'a, I: MaybeSend + 'static, O: MaybeSend + 'static>(&'a Coalescer<I, O>);

impl<I: MaybeSend + 'static, O: MaybeSend + 'static> Flushing<'_, I, O> {
    /// The flush ended well; whether another one must follow.
    fn end(self) -> bool {
        let goes_on = self.0.goes_on();
        std::mem::forget(self);
        goes_on
    }
}

impl<I: MaybeSend + 'static, O: MaybeSend + 'static> Drop for Flushing<'_, I, O> {
    fn drop(&mut self) {
        let mut queue = self.0.lock();
        queue.flushing = false;
        queue.waiting.clear();
    }
}

/// A future that the host carries to its end when its first owner drops it.
struct Carried {
    host: SharedHost,
    future: Option<BoxFuture<'static, ()>>,
}

impl Carried {
    fn new(host: SharedHost, future: BoxFuture<'static, ()>) -> Self {
        Self { host, future: Some(future) }
    }
}

impl Future for Carried {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Some(future) = self.future.as_mut() else { return Poll::Ready(()) };
        let poll = future.as_mut().poll(context);
        if poll.is_ready() {
            self.future = None;
        }
        poll
    }
}

impl Drop for Carried {
    fn drop(&mut self) {
        if let Some(future) = self.future.take() {
            self.host.spawn(future);
        }
    }
}

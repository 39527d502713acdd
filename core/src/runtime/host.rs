//! What the engine needs from the place it runs in: time that passes, and tasks.

use std::sync::Arc;
use std::time::Duration;

use crate::future::{BoxFuture, MaybeSend, MaybeSync};

/// Sleeps and spawns for the engine. Tokio natively, timers and promises in the browser.
pub trait Host: MaybeSend + MaybeSync + 'static {
    /// Completes after `duration`.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;

    /// Runs `future` to its end beside everything else.
    fn spawn(&self, future: BoxFuture<'static, ()>);

    /// Time since some fixed start that never steps back.
    fn monotonic(&self) -> Duration;
}

/// A shared host.
pub type SharedHost = Arc<dyn Host>;

/// The native host: a tokio runtime.
#[cfg(feature = "tokio")]
pub struct TokioHost {
    handle: tokio::runtime::Handle,
    start: web_time::Instant,
}

#[cfg(feature = "tokio")]
impl TokioHost {
    /// A host on the runtime of `handle`.
    pub fn new(handle: tokio::runtime::Handle) -> Self {
        Self { handle, start: web_time::Instant::now() }
    }
}

#[cfg(feature = "tokio")]
impl Host for TokioHost {
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        // A timer belongs to its runtime: it is made in its context, wherever it is awaited.
        let _entered = self.handle.enter();
        Box::pin(tokio::time::sleep(duration))
    }

    fn spawn(&self, future: BoxFuture<'static, ()>) {
        self.handle.spawn(future);
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }
}

/// Awaits `future` for at most `limit`; `None` when time ran out.
pub async fn timeout<T>(
    host: &dyn Host,
    limit: Duration,
    future: impl Future<Output = T>,
) -> Option<T> {
    use futures_util::future::{Either, select};
    let future = std::pin::pin!(future);
    match select(future, host.sleep(limit)).await {
        Either::Left((value, _)) => Some(value),
        Either::Right(_) => None,
    }
}

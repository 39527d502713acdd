//! Timers and tasks of JavaScript: in a window, in a worker, and in Node.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::{Closure, wasm_bindgen};
use wasm_bindgen_futures::spawn_local;
use windlass_core::future::BoxFuture;
use windlass_core::runtime::host::Host;

#[wasm_bindgen]
extern "C" {
    /// A browser answers a number, Node an object.
    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(callback: &Closure<dyn FnMut()>, millis: f64) -> JsValue;

    #[wasm_bindgen(js_name = clearTimeout)]
    fn clear_timeout(timer: &JsValue);

    #[wasm_bindgen(js_namespace = performance, js_name = now)]
    fn performance_now() -> f64;
}

/// Longest time that a timer takes, in milliseconds; beyond it would end at once.
const LONGEST: f64 = 2_147_483_647.0;

/// The event loop that called.
pub(crate) struct JsHost;

impl Host for JsHost {
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(Sleep { until: performance_now() + duration.as_secs_f64() * 1000.0, timer: None })
    }

    fn spawn(&self, future: BoxFuture<'static, ()>) {
        spawn_local(future);
    }

    fn monotonic(&self) -> Duration {
        Duration::try_from_secs_f64(performance_now() / 1000.0).unwrap_or_default()
    }
}

/// A pause. Its timer is set at the first poll: most pauses are raced against something that is ready.
struct Sleep {
    /// By `performance.now()`.
    until: f64,
    timer: Option<Timer>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if let Some(timer) = &self.timer
            && !timer.is_over(context)
        {
            return Poll::Pending;
        }
        // A timer may end a little early, and one that was cut short ends much too early.
        let left = self.until - performance_now();
        if left <= 0.0 {
            return Poll::Ready(());
        }
        self.timer = Some(Timer::start(left.min(LONGEST), context));
        Poll::Pending
    }
}

/// What is shared with the callback: whom to wake, until it has been called.
type Waiting = Rc<RefCell<Option<Waker>>>;

/// A timer that is cleared when it is dropped.
struct Timer {
    id: JsValue,
    waiting: Waiting,
    /// What JavaScript calls; it must live until the timer is over or cleared.
    _callback: Closure<dyn FnMut()>,
}

impl Timer {
    fn start(millis: f64, context: &Context<'_>) -> Self {
        let waiting: Waiting = Rc::new(RefCell::new(Some(context.waker().clone())));
        let shared = waiting.clone();
        let callback = Closure::new(move || {
            if let Some(waker) = shared.take() {
                waker.wake();
            }
        });
        let id = set_timeout(&callback, millis.ceil());
        Self { id, waiting, _callback: callback }
    }

    /// Whether it has ended; else `context` is woken when it does.
    fn is_over(&self, context: &Context<'_>) -> bool {
        match &mut *self.waiting.borrow_mut() {
            None => true,
            Some(waker) => {
                waker.clone_from(context.waker());
                false
            }
        }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        clear_timeout(&self.id);
    }
}

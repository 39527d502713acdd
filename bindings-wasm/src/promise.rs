//! Answers on their way to JavaScript.

use std::cell::{Cell, RefCell};

use js_sys::{Function, Promise};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;
use windlass_core::future::BoxFuture;
use windlass_core::{Error, Result};

use crate::failure::exception;

/// Promises that are not settled.
struct Open {
    /// What rejects each; `None` for a place that is free.
    rejects: Vec<Option<Function>>,
    free: Vec<usize>,
}

thread_local! {
    static OPEN: RefCell<Open> =
        const { RefCell::new(Open { rejects: Vec::new(), free: Vec::new() }) };
    /// A panic ended the module: nothing here goes on, ever.
    static BROKEN: Cell<bool> = const { Cell::new(false) };
}

/// A promise of the text that `work` answers. Work goes on whether or not anybody awaits it.
pub(crate) fn promise(work: impl Future<Output = Result<String>> + 'static) -> Promise {
    of_text(Box::pin(work))
}

/// A promise of text, or of `null`.
pub(crate) fn optional(work: impl Future<Output = Result<Option<String>>> + 'static) -> Promise {
    settled(Box::pin(work))
}

/// The same of work that is boxed already.
#[cfg(not(feature = "whole"))]
pub(crate) fn text(work: BoxFuture<'static, Result<String>>) -> Promise {
    of_text(work)
}

fn of_text(work: BoxFuture<'static, Result<String>>) -> Promise {
    settled(Box::pin(async move { work.await.map(Some) }))
}

// Boxed, so that what settles a promise is there once and not once for each verb.
fn settled(work: BoxFuture<'static, Result<Option<String>>>) -> Promise {
    let mut ways = None;
    let promise = Promise::new(&mut |resolve, reject| ways = Some((resolve, reject)));
    let Some((resolve, reject)) = ways else { return promise };
    if BROKEN.get() {
        call(&reject, &broken());
        return promise;
    }
    let place = OPEN.with_borrow_mut(|open| open.keep(reject));
    spawn_local(async move {
        let answer = work.await;
        if let Some(reject) = OPEN.with_borrow_mut(|open| open.close(place)) {
            match answer {
                Ok(text) => call(&resolve, &text.map_or(JsValue::NULL, JsValue::from)),
                Err(error) => call(&reject, &exception(&error)),
            }
        }
    });
    promise
}

impl Open {
    /// Keeps what rejects a promise; where.
    fn keep(&mut self, reject: Function) -> usize {
        let place = self.free.pop().unwrap_or(self.rejects.len());
        if place == self.rejects.len() {
            self.rejects.push(None);
        }
        self.rejects[place] = Some(reject);
        place
    }

    /// What was kept, unless all was rejected meanwhile.
    fn close(&mut self, place: usize) -> Option<Function> {
        let reject = self.rejects.get_mut(place)?.take();
        self.free.push(place);
        reject
    }
}

/// A panic ends the module: whoever waits is told so, and whoever asks from now on.
pub(crate) fn reject_all() {
    BROKEN.set(true);
    // It may have happened in here.
    let open =
        OPEN.with(|open| open.try_borrow_mut().map(|mut open| std::mem::take(&mut open.rejects)));
    for reject in open.into_iter().flatten().flatten() {
        call(&reject, &broken());
    }
}

fn broken() -> JsValue {
    exception(&Error::internal("a broken invariant ended the module; load the page again"))
}

fn call(settle: &Function, value: &JsValue) {
    // Settling a promise never throws.
    let _ = settle.call1(&JsValue::UNDEFINED, value);
}

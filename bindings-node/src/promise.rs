//! The tokio runtime beneath, and answers on their way to JavaScript.
//!
//! Work runs on native threads; its answer settles a promise on the thread that asked. A promise that
//! is not settled keeps the process alive, nothing else here does.

use std::panic::AssertUnwindSafe;
use std::sync::OnceLock;

use futures_util::FutureExt;
use napi::Env;
use napi::bindgen_prelude::{Object, ToNapiValue};
use napi_derive::napi;
use tokio::runtime::{Builder, Handle, Runtime};
use windlass::{Error, Result};

use crate::failure::exception;

/// Where futures run. Made at first use and never freed: its threads may outlive every handle.
pub(crate) fn handle() -> &'static Handle {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    let runtime = RUNTIME.get_or_init(|| {
        Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("windlass")
            .enable_all()
            .build()
            .expect("the system starts two threads")
    });
    runtime.handle()
}

/// A promise of what `work` answers.
pub(crate) fn promise<'env, T>(
    env: &'env Env,
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> napi::Result<Object<'env>>
where
    T: ToNapiValue + Send + 'static,
{
    let (deferred, promise) = env.create_deferred()?;
    handle().spawn(async move {
        // Work that panics must not leave its caller waiting for ever.
        let answer = AssertUnwindSafe(work).catch_unwind().await;
        match answer.unwrap_or_else(|_| Err(Error::internal("a call ended without an answer"))) {
            Ok(value) => deferred.resolve(move |_| Ok(value)),
            Err(error) => deferred.reject(exception(&error)),
        }
    });
    Ok(promise)
}

/// Ends the call that it is given to.
#[napi]
pub(crate) struct Cancel(windlass_json::Cancel);

#[napi]
impl Cancel {
    /// One for one call.
    #[napi(constructor)]
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        Self(windlass_json::Cancel::default())
    }

    /// Drops the work; the caller is told that it was aborted. Again is no error.
    #[napi]
    pub fn abort(&self) {
        self.0.abort();
    }

    /// `work`, unless it is aborted first.
    pub(crate) fn or<T, W: Future<Output = Result<T>>>(
        cancel: Option<&Self>,
        work: W,
    ) -> impl Future<Output = Result<T>> + use<T, W> {
        windlass_json::Cancel::or(cancel.map(|cancel| &cancel.0), work)
    }
}

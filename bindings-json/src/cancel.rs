//! Calls that are given up.

use tokio::sync::watch;
use windlass_core::{Error, Result};

/// Ends the call that it is given to. Clones share it.
#[derive(Clone)]
pub struct Cancel(watch::Sender<bool>);

impl Default for Cancel {
    fn default() -> Self {
        Self(watch::Sender::new(false))
    }
}

impl Cancel {
    /// Drops the work; the caller is told that it was aborted. Again is no error.
    pub fn abort(&self) {
        self.0.send_replace(true);
    }

    /// `work`, unless it is aborted first. What was begun in the store may still be done.
    ///
    /// # Errors
    ///
    /// Those of `work`; `internal_error` when it was aborted.
    pub fn or<T, W: Future<Output = Result<T>>>(
        cancel: Option<&Self>,
        work: W,
    ) -> impl Future<Output = Result<T>> + use<T, W> {
        let aborted = cancel.map(|cancel| cancel.0.subscribe());
        async move {
            let Some(mut aborted) = aborted else { return work.await };
            tokio::select! {
                biased;
                Ok(_) = aborted.wait_for(|aborted| *aborted) => {
                    Err(Error::internal("the call was aborted"))
                }
                answer = work => answer,
            }
        }
    }
}

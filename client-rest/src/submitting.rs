//! A submit on its way: the calls, and what is told of its answer. The tasks are words or text.

use std::time::Duration;

use bytes::Bytes;
use windlass_core::future::BoxFuture;
use windlass_core::rules::limits;
use windlass_core::words::{SubmitBody, Submitted};
use windlass_core::{BatchSpec, Error, Result, Submission, SubmitOptions, TaskSpec};

use crate::answer::waits;
use crate::answered::{counted, unread};
use crate::call::{Call, json};
use crate::keys;
use crate::service::RestService;
use crate::verb::{self, Verb};

/// Least pause before a full queue is asked again, whatever the server says.
const CALM: Duration = Duration::from_millis(50);

/// Which verb of the server stores the tasks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// One task: its record is the body.
    One,
    /// Many: the body is a list.
    Many,
}

impl Place {
    /// Where `count` tasks go.
    ///
    /// # Errors
    ///
    /// `invalid_argument` when there are too many.
    pub(crate) fn of(count: usize) -> Result<Self> {
        if count > limits::SUBMIT_TASKS {
            let reason = format!("must hold at most {} tasks", limits::SUBMIT_TASKS);
            return Err(Error::invalid("tasks", reason));
        }
        Ok(if count == 1 { Self::One } else { Self::Many })
    }

    fn verb(self) -> &'static Verb {
        match self {
            Self::One => &verb::SUBMIT,
            Self::Many => &verb::SUBMIT_MANY,
        }
    }
}

impl RestService {
    pub(crate) async fn submit_tasks(
        &self,
        tenant: &str,
        mut specs: Vec<TaskSpec>,
        options: SubmitOptions,
    ) -> Result<Vec<Submission>> {
        limits::name("tenant", tenant)?;
        if options.batch && !specs.is_empty() {
            let batch = self.batch_of(tenant, BatchSpec::default(), specs, options.patience);
            return Ok(batch.await?.submissions);
        }
        let place = Place::of(specs.len())?;
        // Refused here as there, and before anything travels: not every number has JSON text.
        specs.iter().try_for_each(limits::check_spec)?;
        let filled = self.keys.fill(&mut specs, self.calls.clock().now());
        let body = match place {
            _ if specs.is_empty() => return Ok(Vec::new()),
            Place::One => json(&specs[0])?,
            _ => json(&SubmitBody { tasks: specs })?,
        };
        let read = |text: &str| match place {
            Place::One => serde_json::from_str(text).map(|one| vec![one]),
            _ => serde_json::from_str(text).map(|stored: Submitted| stored.submissions),
        };
        self.store(tenant, place, body, &read, &filled, options.patience).await
    }

    /// Stores the tasks of `body`; `read` takes their submissions from the answer, and `filled` says which
    /// were given a key here. Asks again while their queue is full, for `patience` at most.
    pub(crate) async fn store(
        &self,
        tenant: &str,
        place: Place,
        body: Bytes,
        read: &(dyn Fn(&str) -> serde_json::Result<Vec<Submission>> + Sync),
        filled: &[bool],
        patience: Duration,
    ) -> Result<Vec<Submission>> {
        let call = place.verb().call().json(body).tenant(tenant);
        let stored = read(&self.patiently(&call, patience).await?).map_err(unread)?;
        counted(stored, filled.len()).map(|stored| keys::told(stored, filled))
    }

    /// The text of the answer to a call that stores something. Asks again while its queue is full, for
    /// `patience` at most. Boxed, so that it is there once.
    pub(crate) fn patiently<'a>(
        &'a self,
        call: &'a Call,
        patience: Duration,
    ) -> BoxFuture<'a, Result<String>> {
        Box::pin(self.until_stored(call, patience))
    }

    async fn until_stored(&self, call: &Call, patience: Duration) -> Result<String> {
        let host = self.calls.host();
        let start = host.monotonic();
        loop {
            let full = match self.calls.text(call).await {
                Err(full) if full.code() == "queue_full" => full,
                stored => return stored,
            };
            let spent = host.monotonic().saturating_sub(start);
            let pause = waits(&full).unwrap_or_default().max(CALM);
            if spent.saturating_add(pause) > patience {
                return Err(full);
            }
            host.sleep(pause).await;
        }
    }
}

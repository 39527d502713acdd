//! Outcomes on their way to the store.

use crate::error::{Error, Result};
use crate::words::{Outcome, Settle, Settled};
use crate::worker::held::{Held, Instant};
use crate::worker::job::JobId;
use crate::worker::machine::{Machine, RECOVER};

impl Machine {
    /// Moves a held task to the outcomes. A lost one has nothing to settle.
    pub(in crate::worker) fn settle(&mut self, id: JobId, outcome: Outcome, now: Instant) {
        if let Some(held) = self.held.remove(&id) {
            self.part(held, outcome, now);
        }
    }

    /// Makes a settle of what was held. A lost one has nothing to settle.
    pub(in crate::worker) fn part(&mut self, mut held: Held, outcome: Outcome, now: Instant) {
        if held.is_lost() {
            return;
        }
        self.outcomes.push_back(Settle {
            task_id: held.task_id,
            token: held.token,
            started: held.tell_start(now),
            updates: std::mem::take(&mut held.updates),
            declared: self.config.handlers[held.handler].retry,
            outcome,
        });
    }

    /// Takes in what became of outcomes; one that the store could not take for now is sent again.
    pub(in crate::worker) fn settled(
        &mut self,
        sent: Vec<Settle>,
        answers: Vec<Result<Settled>>,
        now: Instant,
    ) {
        self.settling = self.settling.saturating_sub(1);
        for (settle, answer) in sent.into_iter().zip(answers) {
            match answer {
                Ok(_) => {}
                Err(Error::LeaseLost { task_id }) => {
                    tracing::info!(%task_id, "the lease was lost before the outcome was recorded");
                }
                Err(Error::ClientClosed) => {}
                // The store is in trouble, which says nothing about the outcome.
                Err(error) if !is_refusal(&error) => {
                    tracing::warn!(task_id = %settle.task_id, %error, "an outcome waits for the store");
                    self.retry_at = now + RECOVER;
                    self.outcomes.push_front(settle);
                }
                // What the handler reported cannot be stored: the task fails with that.
                Err(error) if !matches!(settle.outcome, Outcome::Fail { .. }) => {
                    let error = error.to_task_error(None).fatal();
                    let updates = Vec::new();
                    let outcome = Outcome::Fail { error };
                    self.outcomes.push_back(Settle { outcome, updates, ..settle });
                }
                Err(error) => {
                    tracing::error!(task_id = %settle.task_id, %error, "an outcome could not be recorded");
                }
            }
        }
    }

    /// The settle as a whole got no answer: everything is sent again. What was recorded all the same
    /// answers `lease_lost` then.
    pub(in crate::worker) fn settle_failed(&mut self, sent: Vec<Settle>, now: Instant) {
        self.settling = self.settling.saturating_sub(1);
        sent.into_iter().rev().for_each(|settle| self.outcomes.push_front(settle));
        self.retry_at = now + RECOVER;
    }
}

/// Whether the outcome itself was refused: it will never be taken as it is.
fn is_refusal(error: &Error) -> bool {
    matches!(
        error,
        Error::InvalidArgument { .. }
            | Error::InvalidPayload { .. }
            | Error::PayloadTooLarge { .. }
    )
}

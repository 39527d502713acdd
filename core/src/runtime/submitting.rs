//! Submitting: check, gather, store, and wait for room.

use std::time::Duration;

use crate::engine::submit;
use crate::error::{Error, Result};
use crate::rules::limits;
use crate::rules::retry::Policy;
use crate::runtime::engine::Engine;
use crate::store::EnqueueGroup;
use crate::words::{BatchId, Submission, SubmitOptions, TaskSpec, TaskStatus};

impl Engine {
    pub(super) async fn submit_tasks(
        &self,
        tenant: &str,
        specs: Vec<TaskSpec>,
        options: SubmitOptions,
    ) -> Result<Vec<Submission>> {
        limits::name("tenant", tenant)?;
        if specs.len() > limits::SUBMIT_TASKS {
            let reason = format!("must hold at most {} tasks", limits::SUBMIT_TASKS);
            return Err(Error::invalid("tasks", reason));
        }
        if specs.is_empty() {
            return Ok(Vec::new());
        }
        let now = self.store.now();
        let batch_id = options.batch.then(|| self.ids.batch(now));
        let group = self.group(tenant, specs, batch_id)?;
        let start = self.host.monotonic();
        let mut tries = 0;
        loop {
            // A copy is kept only while there may be a second try: a queue without a limit is never full.
            let may_be_full = group.depth_limit.is_some() && !options.patience.is_zero();
            let again = may_be_full.then(|| group.clone());
            let (first, rest) = match again {
                Some(copy) => (copy, Some(&group)),
                None => return self.store_group(group).await,
            };
            match (self.store_group(first).await, rest) {
                (Err(Error::QueueFull { queue, limit, retry_after }), Some(_)) => {
                    tries += 1;
                    let spent = self.host.monotonic().saturating_sub(start);
                    let pause = full_pause(tries, (self.options.chance)()).min(retry_after);
                    if spent + pause > options.patience {
                        return Err(Error::QueueFull { queue, limit, retry_after });
                    }
                    self.host.sleep(pause).await;
                }
                (answer, _) => return answer,
            }
        }
    }

    fn group(
        &self,
        tenant: &str,
        specs: Vec<TaskSpec>,
        batch_id: Option<BatchId>,
    ) -> Result<EnqueueGroup> {
        let now = self.store.now();
        let tasks = specs
            .into_iter()
            .map(|spec| submit::decide(spec, tenant, self.ids.task(now), batch_id))
            .collect::<Result<Vec<_>>>()?;
        let depth_limit = self.options.queue_depth_limit;
        Ok(EnqueueGroup { tenant: tenant.to_owned(), tasks, depth_limit })
    }

    async fn store_group(&self, group: EnqueueGroup) -> Result<Vec<Submission>> {
        let stored = self.submits.call(group).await?;
        let pending = |s: &Submission| s.status == TaskStatus::Pending && !s.deduplicated;
        if stored.iter().any(pending) {
            self.bells.work.ring();
        }
        Ok(stored)
    }
}

/// Pause before try number `tries` on a full queue.
fn full_pause(tries: u32, chance: f64) -> Duration {
    let policy =
        Policy { initial_delay: Duration::from_millis(50), jitter: 0.5, ..Policy::default() };
    policy.delay(tries, chance)
}

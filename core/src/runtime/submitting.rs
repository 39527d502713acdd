//! Submitting: check, gather, store, and wait for room.

use std::time::Duration;

use crate::engine::submit;
use crate::error::{Error, Result};
use crate::rules::limits;
use crate::rules::retry::Policy;
use crate::runtime::engine::Engine;
use crate::runtime::seldom::SELDOM;
use crate::store::EnqueueGroup;
use crate::words::{BatchSpec, Submission, SubmitOptions, TaskSpec, TaskStatus};

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
        if options.batch {
            let spec = BatchSpec::default();
            let stored = (SELDOM.submit_batch)(self, tenant.to_owned(), spec, specs, options);
            return Ok(stored.await?.submissions);
        }
        let group = self.group(tenant, specs)?;
        let start = self.host.monotonic();
        let mut tries = 0;
        loop {
            // A copy is kept only while there may be a second try: a queue without a limit is never full.
            if group.depth_limit.is_none() || options.patience.is_zero() {
                return self.store_group(group).await;
            }
            match self.store_group(group.clone()).await {
                Err(Error::QueueFull { retry_after, .. })
                    if self
                        .wait_for_room(start, &mut tries, options.patience, retry_after)
                        .await => {}
                answer => return answer,
            }
        }
    }

    /// Pauses before a full queue is tried again; false when patience, counted from `start`, is over.
    pub(super) async fn wait_for_room(
        &self,
        start: Duration,
        tries: &mut u32,
        patience: Duration,
        retry_after: Duration,
    ) -> bool {
        *tries += 1;
        let spent = self.host.monotonic().saturating_sub(start);
        let pause = full_pause(*tries, (self.options.chance)()).min(retry_after);
        if spent + pause > patience {
            return false;
        }
        self.host.sleep(pause).await;
        true
    }

    fn group(&self, tenant: &str, specs: Vec<TaskSpec>) -> Result<EnqueueGroup> {
        let now = self.store.now();
        let tasks = specs
            .into_iter()
            .map(|spec| submit::decide(spec, tenant, self.ids.task(now), None))
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

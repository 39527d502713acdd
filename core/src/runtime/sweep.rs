//! The sweep: promote what is due, rescue what was lost, prune what is old.
//!
//! It runs in every process that works and needs no operator. Several at once do no harm: every write
//! is guarded.

use std::collections::HashMap;
use std::sync::Weak;
use std::time::Duration;

use crate::engine::{composite, promote, rescue};
use crate::error::{Error, Result};
use crate::runtime::engine::{Engine, WORKER_LIVES};
use crate::runtime::host::SharedHost;
use crate::runtime::service::Swept;
use crate::store::{Applied, Due, Prune};
use crate::words::{RetryOptions, TaskStatus};

/// Tasks of each kind that one look takes.
const LOOK: u32 = 500;
/// Longest pause: a due task becomes pending within 100 ms.
const PAUSE: Duration = Duration::from_millis(80);
/// Shortest pause.
const BREATH: Duration = Duration::from_millis(5);
/// Pause after an error.
const RECOVER: Duration = Duration::from_secs(1);
/// Time between prunes.
const PRUNE_EVERY: Duration = Duration::from_secs(60);
/// Tasks that one prune call removes.
const PRUNE: u32 = 500;
/// A task with an idempotency key stays at least this long.
const KEEP_KEYS: Duration = Duration::from_secs(24 * 3600);

/// Sweeps until the engine is gone or closed.
pub(super) async fn run(engine: Weak<Engine>, host: SharedHost) {
    // The first prune waits a little, so that short-lived processes do not pay for it.
    let mut prune_at = host.monotonic() + PRUNE_EVERY / 6;
    loop {
        let pause = {
            let Some(engine) = engine.upgrade() else { return };
            let mut swept = engine.sweep_due().await;
            if swept.is_ok() && host.monotonic() >= prune_at {
                prune_at = host.monotonic() + PRUNE_EVERY;
                if let Err(error) = engine.prune().await {
                    swept = Err(error);
                }
            }
            match swept {
                Ok(swept) => swept
                    .next
                    .map_or(PAUSE, |next| next.since(engine.store.now()).clamp(BREATH, PAUSE)),
                Err(Error::ClientClosed) => return,
                Err(error) => {
                    tracing::warn!(%error, "the sweep could not run; it tries again");
                    RECOVER
                }
            }
        };
        host.sleep(pause).await;
    }
}

impl Engine {
    /// Sweeps everything there is to sweep, once.
    pub(super) async fn sweep_all(&self) -> Result<Swept> {
        let mut swept = self.sweep_due().await?;
        swept.pruned = self.prune().await?;
        Ok(swept)
    }

    async fn sweep_due(&self) -> Result<Swept> {
        let mut swept = Swept::default();
        loop {
            let due = self.store.due(LOOK).await?;
            swept.next = due.next;
            let found = due.scheduled.len().max(due.expired.len());
            if found == 0 {
                return Ok(swept);
            }
            let wrote = self.sweep_some(due, &mut swept).await?;
            // When nothing could be written, another sweep is at it.
            if found < LOOK as usize || !wrote {
                return Ok(swept);
            }
        }
    }

    async fn sweep_some(&self, due: Due, swept: &mut Swept) -> Result<bool> {
        let declared = self.declared(&due).await?;
        let mut transitions: Vec<_> = due.scheduled.iter().map(promote::decide).collect();
        let promotions = transitions.len();
        transitions.extend(due.expired.iter().map(|task| {
            if !task.kind.is_task() {
                return composite::time_out(task);
            }
            let worker = task.lease.as_ref().map(|lease| lease.worker.clone()).unwrap_or_default();
            let options = declared.get(&(task.tenant.clone(), worker, task.handler.clone()));
            rescue::decide(task, options.copied().unwrap_or_default(), (self.options.chance)())
        }));
        let (applied, _) = self.store.settle(transitions, None).await?;
        let mut wrote = false;
        for (i, applied) in applied.into_iter().enumerate() {
            if let Applied::Done(done) = applied? {
                wrote = true;
                let count = if i < promotions { &mut swept.promoted } else { &mut swept.rescued };
                *count += 1;
                self.ring_for(&done);
                if done.status != TaskStatus::Pending && i >= promotions {
                    // Whoever still runs it learns that its lease is gone.
                    self.bells.cancel.ring();
                }
            }
        }
        Ok(wrote)
    }

    /// Retry options that lost workers declared, by tenant, worker and handler.
    async fn declared(&self, due: &Due) -> Result<HashMap<(String, String, String), RetryOptions>> {
        let mut declared = HashMap::new();
        let mut tenants: Vec<&str> = due.expired.iter().map(|task| task.tenant.as_str()).collect();
        tenants.dedup();
        for tenant in tenants {
            // A lost worker is silent for at least its lease, so the live ones are not enough.
            let all = Duration::from_secs(2 * 3600) + WORKER_LIVES;
            for worker in self.store.workers(tenant, all).await? {
                for (handler, options) in worker.declared {
                    declared
                        .insert((tenant.to_owned(), worker.worker_id.clone(), handler), options);
                }
            }
        }
        Ok(declared)
    }

    async fn prune(&self) -> Result<u64> {
        let prune = Prune {
            older_than: self.options.retention,
            keep_keys: KEEP_KEYS,
            keep: self.options.keep_finished,
            updates_per_task: self.options.updates_per_task,
            limit: PRUNE,
        };
        let mut pruned = 0;
        loop {
            let gone = self.store.prune(prune).await?;
            pruned += gone;
            if gone < u64::from(PRUNE) {
                return Ok(pruned);
            }
        }
    }
}

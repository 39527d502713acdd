//! Workers that take no more: their leases are not held open any longer.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// How long a worker counts as leaving: what it asked for before it said so may come after it, on another
/// connection. No longer, because a new worker may have its name.
const FADES: Duration = Duration::from_secs(2);

/// The workers that have just said that they take no more.
#[derive(Default)]
pub(crate) struct Leaving {
    /// Until when, by tenant and worker.
    workers: Mutex<HashMap<(String, String), Instant>>,
    /// One more has said so.
    news: Notify,
}

impl Leaving {
    /// A worker takes no more.
    pub(crate) fn leaves(&self, tenant: &str, worker: &str) {
        self.leaves_at(tenant, worker, Instant::now());
        self.news.notify_waiters();
    }

    fn leaves_at(&self, tenant: &str, worker: &str, now: Instant) {
        let mut workers = self.workers();
        workers.retain(|_, until| *until > now);
        workers.insert((tenant.to_owned(), worker.to_owned()), now + FADES);
    }

    /// Whether a worker has just said that it takes no more.
    pub(crate) fn has(&self, tenant: &str, worker: &str) -> bool {
        self.has_at(tenant, worker, Instant::now())
    }

    fn has_at(&self, tenant: &str, worker: &str, now: Instant) -> bool {
        let workers = self.workers();
        // Hardly ever is there any, and then no name is copied.
        !workers.is_empty()
            && workers
                .get(&(tenant.to_owned(), worker.to_owned()))
                .is_some_and(|until| *until > now)
    }

    /// Resolves when a worker takes no more.
    pub(crate) async fn left(&self, tenant: &str, worker: &str) {
        loop {
            // Heard before the look: what comes in between is heard, too.
            let mut news = pin!(self.news.notified());
            news.as_mut().enable();
            if self.has(tenant, worker) {
                return;
            }
            news.await;
        }
    }

    fn workers(&self) -> MutexGuard<'_, HashMap<(String, String), Instant>> {
        self.workers.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_leaves_is_known_by_tenant_and_name_and_only_for_a_while() {
        let leaving = Leaving::default();
        let now = Instant::now();
        let has = |tenant, worker, after| leaving.has_at(tenant, worker, now + after);
        leaving.leaves_at("a", "w", now);
        assert!(has("a", "w", FADES / 2));
        assert!(!has("b", "w", FADES / 2) && !has("a", "v", FADES / 2) && !has("a", "w", FADES));
        leaving.leaves_at("a", "v", now + FADES);
        assert_eq!(leaving.workers().len(), 1, "what has faded is not kept");
    }
}

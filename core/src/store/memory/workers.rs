//! Workers that were announced.

use crate::words::{Timestamp, WorkerInfo};

/// All workers, by tenant and id. There are few of them, and they seldom come and go.
#[derive(Default)]
pub(super) struct Workers(Vec<(String, WorkerInfo)>);

impl Workers {
    fn place(&self, tenant: &str, worker_id: &str) -> Result<usize, usize> {
        self.0.binary_search_by_key(&(tenant, worker_id), |(of, worker)| (of, &worker.worker_id))
    }

    /// Keeps a worker; one with the same id is replaced.
    pub(super) fn insert(&mut self, tenant: String, worker: WorkerInfo) {
        match self.place(&tenant, &worker.worker_id) {
            Ok(at) => self.0[at].1 = worker,
            Err(at) => self.0.insert(at, (tenant, worker)),
        }
    }

    /// Forgets a worker.
    pub(super) fn remove(&mut self, tenant: &str, worker_id: &str) {
        if let Ok(at) = self.place(tenant, worker_id) {
            self.0.remove(at);
        }
    }

    /// The tenant's workers that were seen since then, by id.
    pub(super) fn seen(&self, tenant: &str, since: Timestamp) -> Vec<WorkerInfo> {
        let live = self.0.iter().filter(|(of, worker)| of == tenant && worker.seen_at >= since);
        live.map(|(_, worker)| worker.clone()).collect()
    }
}

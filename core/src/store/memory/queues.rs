//! Queues: counts of their tasks, and which are paused.

use super::names::Names;
use crate::words::{Count, TaskStatus};

/// A queue that was used or paused.
#[derive(Default)]
struct Queue {
    /// Tasks by status.
    counts: [u64; 7],
    paused: bool,
}

/// All queues of all tenants.
#[derive(Default)]
pub(super) struct Queues {
    names: Names,
    queues: Vec<Queue>,
    /// How many are paused: most often none, and nobody need be asked.
    paused: usize,
}

impl Queues {
    /// The number of a queue.
    pub(super) fn number(&mut self, tenant: &str, queue: &str) -> u32 {
        let number = self.names.number(&[tenant, queue]);
        if number as usize == self.queues.len() {
            self.queues.push(Queue::default());
        }
        number
    }

    /// How many tasks of a queue have a status.
    pub(super) fn count(&mut self, queue: u32, status: TaskStatus) -> &mut u64 {
        &mut self.queues[queue as usize].counts[status as usize]
    }

    fn get(&self, tenant: &str, queue: &str) -> Option<&Queue> {
        self.names.get(&[tenant, queue]).map(|number| &self.queues[number as usize])
    }

    /// Tasks that wait in a queue.
    pub(super) fn depth(&self, tenant: &str, queue: &str) -> u64 {
        let waiting = TaskStatus::ALL.into_iter().filter(|status| status.is_waiting());
        let queue = self.get(tenant, queue);
        queue.map_or(0, |queue| waiting.map(|status| queue.counts[status as usize]).sum())
    }

    pub(super) fn pause(&mut self, tenant: &str, queue: &str, paused: bool) {
        let number = self.number(tenant, queue);
        let queue = &mut self.queues[number as usize];
        self.paused = self.paused + usize::from(paused) - usize::from(queue.paused);
        queue.paused = paused;
    }

    pub(super) fn is_paused(&self, tenant: &str, queue: &str) -> bool {
        self.paused > 0 && self.get(tenant, queue).is_some_and(|queue| queue.paused)
    }

    /// The tenant's paused queues, by name.
    pub(super) fn paused(&self, tenant: &str) -> Vec<String> {
        let own = self.names.of(tenant).filter(|(_, at)| self.queues[*at as usize].paused);
        own.map(|(queue, _)| queue.to_owned()).collect()
    }

    /// Counts of a tenant, by queue.
    pub(super) fn counts(&self, tenant: &str) -> Vec<Count> {
        let mut counts = Vec::new();
        for (queue, at) in self.names.of(tenant) {
            for status in TaskStatus::ALL {
                let count = self.queues[at as usize].counts[status as usize];
                if count > 0 {
                    counts.push(Count { queue: queue.to_owned(), status, count });
                }
            }
        }
        counts
    }
}

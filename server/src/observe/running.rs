//! What was leased through this process and has not ended: from which queue, since when.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use windlass_core::{TaskId, Timestamp};

use crate::observe::interned::Place;

/// Tasks that are remembered at most; what is leased beyond has no queue when it ends.
const MOST: usize = 200_000;
/// Tasks from which on those whose lease has passed are looked for.
const FEW: usize = 1024;
/// Time between two searches of a full table.
const SEARCH_EVERY: Duration = Duration::from_secs(1);

/// A task that somebody holds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Held {
    /// Its queue.
    pub(super) queue: Place,
    /// When it was leased, or its handler started, by the store's clock.
    pub(super) since: Timestamp,
    /// When its lease ends.
    pub(super) until: Timestamp,
}

/// Tasks that are held, by id.
#[derive(Debug, Default)]
pub(super) struct Running {
    table: Mutex<Table>,
}

/// The locked table.
#[derive(Debug)]
pub(super) struct Table {
    held: HashMap<TaskId, Held, BuildHasherDefault<IdHasher>>,
    /// Size at which tasks that ended elsewhere are looked for: twice what was left the last time, so
    /// that the search costs each lease a constant.
    search_at: usize,
    searched: Timestamp,
}

impl Default for Table {
    fn default() -> Self {
        Self { held: HashMap::default(), search_at: FEW, searched: Timestamp::from_millis(0) }
    }
}

impl Running {
    /// The table, for all tasks of one call.
    pub(super) fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Table {
    /// A task was leased.
    pub(super) fn leased(&mut self, task_id: TaskId, held: Held, now: Timestamp) {
        let full = self.search_at == MOST && now < self.searched.after(SEARCH_EVERY);
        if self.held.len() >= self.search_at && !full {
            // Settled through another process, or taken back by its sweep.
            self.held.retain(|_, held| held.until > now);
            self.search_at = (self.held.len() * 2).clamp(FEW, MOST);
            self.searched = now;
        }
        if self.held.len() < MOST {
            self.held.insert(task_id, held);
        }
    }

    /// What is known of a task that is held.
    pub(super) fn get_mut(&mut self, task_id: TaskId) -> Option<&mut Held> {
        self.held.get_mut(&task_id)
    }

    /// A task is held no more; what was known of it.
    pub(super) fn ended(&mut self, task_id: TaskId) -> Option<Held> {
        self.held.remove(&task_id)
    }
}

/// Ids are random enough to be folded; they are made by the engine, not by callers.
#[derive(Default)]
pub(super) struct IdHasher(u64);

impl Hasher for IdHasher {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.0 = (self.0.rotate_left(5) ^ u64::from_le_bytes(word))
                .wrapping_mul(0x9e37_79b9_7f4a_7c15);
        }
    }

    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u32) -> TaskId {
        let mut bytes = [7; 16];
        bytes[12..].copy_from_slice(&n.to_be_bytes());
        TaskId::from_bytes(bytes)
    }

    #[test]
    fn what_ended_elsewhere_is_forgotten_once_its_lease_has_passed() {
        let running = Running::default();
        let mut table = running.lock();
        let at = Timestamp::from_millis;
        for n in 0..10_000 {
            // Each lease lasts 100 ms, and one is granted every millisecond.
            let now = i64::from(n);
            let held = Held { queue: 0, since: at(now), until: at(now + 100) };
            table.leased(id(n), held, at(now));
            assert!(table.held.len() <= FEW);
        }
        assert!(table.ended(id(9_999)).is_some());
        assert!(table.ended(id(1)).is_none());
    }
}

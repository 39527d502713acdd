//! How many workers a pool has.
//!
//! | | workers |
//! | --- | --- |
//! | tasks wait | as many as there are tasks to run, up to the ceiling, at once |
//! | fewer tasks than workers for a second | as many as there are tasks |
//! | the machine is full | the ceiling falls to three quarters |
//! | the machine has room | the ceiling rises by one |
//!
//! Always from `min_workers` to `max_workers`. Full processors lower the ceiling no further than the
//! number of cores: so few workers cannot be too many for them.

use std::time::Duration;

use super::entry::Bounds;

/// A share of processors or memory from which the machine counts as full.
const FULL: f64 = 0.9;
/// A share below which it has room.
const ROOM: f64 = 0.7;
/// How long workers are kept that have nothing to do.
const IDLE: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Pool {
    bounds: Bounds,
    size: u32,
    ceiling: u32,
    /// Since when there are fewer tasks than workers.
    idle_since: Option<Duration>,
}

impl Pool {
    pub(super) fn new(bounds: Bounds) -> Self {
        let (size, ceiling) = (bounds.min_workers, bounds.max_workers);
        Self { bounds, size, ceiling, idle_since: None }
    }

    pub(super) const fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    pub(super) const fn size(&self) -> u32 {
        self.size
    }

    /// Fits the size to the number of tasks that run or could.
    pub(super) fn fit(&mut self, now: Duration, tasks: u32) {
        let want = tasks.clamp(self.bounds.min_workers, self.ceiling);
        self.size = self.size.min(self.ceiling);
        if want >= self.size {
            (self.size, self.idle_since) = (want, None);
            return;
        }
        let since = *self.idle_since.get_or_insert(now);
        if now.saturating_sub(since) >= IDLE {
            (self.size, self.idle_since) = (want, None);
        }
    }

    /// When to fit again though nothing happens.
    pub(super) fn wake(&self) -> Option<Duration> {
        self.idle_since.map(|since| since.saturating_add(IDLE))
    }

    /// Takes in how busy the machine is.
    pub(super) fn measured(&mut self, processors: Option<f64>, memory: Option<f64>) {
        let (processors, memory) = (processors.unwrap_or(0.0), memory.unwrap_or(0.0));
        let Bounds { min_workers, max_workers, cores, .. } = self.bounds;
        let lower = |size: u32| size - size.div_ceil(4);
        if memory >= FULL {
            self.ceiling = lower(self.ceiling.min(self.size)).max(min_workers);
        } else if processors >= FULL {
            let least = min_workers.max(cores).min(max_workers);
            self.ceiling = lower(self.ceiling.min(self.size)).max(least);
        } else if processors < ROOM && memory < ROOM {
            self.ceiling = (self.ceiling + 1).min(max_workers);
        }
    }
}

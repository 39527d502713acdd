//! What a dynamic executor measured about its own run.

use std::time::Duration;

/// Numbers of a run, up to now. Times are in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Metrics {
    /// Tasks taken in.
    pub total: u32,
    /// Those that completed.
    pub completed: u32,
    /// Those that failed, timeouts among them.
    pub failed: u32,
    /// Those that ran longer than they may.
    pub timed_out: u32,
    /// Those that were cancelled, or depend on one that did not complete.
    pub cancelled: u32,
    /// Those that run.
    pub running: u32,
    /// Those that have not started.
    pub waiting: u32,
    /// From the first start to the last end; to now while anything runs.
    pub wall_seconds: f64,
    /// Tasks that ran to an end, by second of `wall_seconds`.
    pub throughput_per_second: f64,
    /// How long a task ran, on average.
    pub average_seconds: f64,
    /// How long a task ran that 95 of 100 did not outlast.
    pub p95_seconds: f64,
    /// How long a task that could run waited for a worker, on average.
    pub average_wait_seconds: f64,
    /// The share of its workers' time that the pool used, 0 to 1.
    pub utilisation: f64,
    /// Workers now.
    pub workers: u32,
    /// The most workers there were.
    pub peak_workers: u32,
    /// The most memory that running tasks needed together, as they said, in MiB.
    pub peak_reserved_mb: f64,
    /// The most memory that the process was measured to hold, in MiB; 0 when never measured.
    pub peak_memory_mb: f64,
    /// The processors' share in use, on average of what was measured, 0 to 1; 0 when never measured.
    pub processors: f64,
    /// How long a task could not start for want of memory while a worker was free.
    pub memory_wait_seconds: f64,
    /// The longest chain of tasks that waited for each other.
    pub longest_chain_seconds: f64,
}

/// Adds up the numbers.
#[derive(Debug, Default)]
pub(super) struct Meter {
    pub(super) counts: Metrics,
    started: Option<Duration>,
    ended: Duration,
    looked: Duration,
    /// Seconds of work, and of workers.
    used: f64,
    paid: f64,
    durations: Vec<f64>,
    waits: f64,
    starts: u32,
    measured: u32,
    processors: f64,
    /// Seconds that tasks took and were thought to take, of those with an estimate.
    pub(super) took: f64,
    pub(super) thought: f64,
}

impl Meter {
    /// Adds the time since the last call, with as many workers and running tasks as there were.
    pub(super) fn pass(&mut self, now: Duration, starved: bool) {
        let passed = now.saturating_sub(self.looked).as_secs_f64();
        self.looked = self.looked.max(now);
        if self.started.is_none() || self.counts.running + self.counts.waiting == 0 {
            return;
        }
        self.used += passed * f64::from(self.counts.running.min(self.counts.workers));
        self.paid += passed * f64::from(self.counts.workers);
        if starved {
            self.counts.memory_wait_seconds += passed;
        }
    }

    pub(super) fn started(&mut self, now: Duration, ready: Duration, reserved_mb: f64) {
        self.started.get_or_insert(now);
        self.starts += 1;
        self.waits += now.saturating_sub(ready).as_secs_f64();
        self.counts.peak_reserved_mb = self.counts.peak_reserved_mb.max(reserved_mb);
    }

    pub(super) fn ended(&mut self, now: Duration, ran: Duration, estimate: Option<Duration>) {
        self.ended = self.ended.max(now);
        self.durations.push(ran.as_secs_f64());
        if let Some(estimate) = estimate {
            self.took += ran.as_secs_f64();
            self.thought += estimate.as_secs_f64();
        }
    }

    pub(super) fn measured(&mut self, processors: Option<f64>, resident_bytes: u64) {
        let mebibytes = resident_bytes as f64 / f64::from(1 << 20);
        self.counts.peak_memory_mb = self.counts.peak_memory_mb.max(mebibytes);
        if let Some(share) = processors {
            self.measured += 1;
            self.processors += share;
        }
    }

    pub(super) fn workers(&mut self, workers: u32) {
        self.counts.workers = workers;
        self.counts.peak_workers = self.counts.peak_workers.max(workers);
    }

    /// The numbers at `now`.
    pub(super) fn read(&self, now: Duration) -> Metrics {
        let end = if self.counts.running > 0 { now } else { self.ended };
        let wall = self.started.map_or(0.0, |start| end.saturating_sub(start).as_secs_f64());
        let ended = self.durations.len();
        let share = |sum: f64, of: f64| if of > 0.0 { sum / of } else { 0.0 };
        Metrics {
            wall_seconds: wall,
            throughput_per_second: share(ended as f64, wall),
            average_seconds: share(self.durations.iter().sum(), ended as f64),
            p95_seconds: p95(&self.durations),
            average_wait_seconds: share(self.waits, f64::from(self.starts)),
            utilisation: share(self.used, self.paid).min(1.0),
            processors: share(self.processors, f64::from(self.measured)),
            ..self.counts
        }
    }
}

/// By nearest rank: the smallest that at least 95 of 100 do not exceed.
fn p95(durations: &[f64]) -> f64 {
    let mut sorted = durations.to_vec();
    let rank = (durations.len() * 95).div_ceil(100);
    match rank.checked_sub(1) {
        Some(at) => *sorted.select_nth_unstable_by(at, f64::total_cmp).1,
        None => 0.0,
    }
}

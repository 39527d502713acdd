//! What the machine, or the container on it, has and how busy it is.

use std::num::NonZero;
use std::thread;
use std::time::{Duration, Instant};

use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};
use windlass_core::rules::concurrency::{Hardware, optimal_concurrency};
use windlass_core::{Error, Result};

/// Bytes of a GiB.
const GIB: f64 = (1u64 << 30) as f64;

/// How busy the machine was since it was asked last.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Busy {
    /// The processors' share in use, 0 to 1: that of the whole machine, or that of this process in
    /// what it may use, whichever is more.
    pub processors: Option<f64>,
    /// The share of the memory that this process may use that is gone, 0 to 1.
    pub memory: Option<f64>,
    /// Memory of this process, in bytes.
    pub resident_bytes: u64,
}

/// Measures this machine. A container's limits count: processors by its quota and affinity, memory
/// by its limit.
#[derive(Debug)]
pub struct Machine {
    system: System,
    pid: Pid,
    hardware: Hardware,
    since: Instant,
    spent: Duration,
}

impl Machine {
    /// Measures for the first time.
    ///
    /// # Errors
    ///
    /// `internal` where the system tells nothing about itself.
    pub fn new() -> Result<Self> {
        let refused = |error: &dyn std::fmt::Display| {
            Error::internal(format!("the machine cannot be measured: {error}"))
        };
        let pid = sysinfo::get_current_pid().map_err(|error| refused(&error))?;
        let mut system = System::new().map_err(|error| refused(&error))?;
        system.refresh_memory();
        system.refresh_cpu_usage();
        let hardware =
            Hardware { cores_physical: physical(), cores_logical: logical(), memory_gb: 0.0 };
        let mut machine =
            Self { system, pid, hardware, since: Instant::now(), spent: Duration::ZERO };
        machine.look_at_self();
        machine.hardware.memory_gb = machine.memory().0 as f64 / GIB;
        machine.spent = machine.process_time();
        Ok(machine)
    }

    /// What there is to use.
    pub const fn hardware(&self) -> &Hardware {
        &self.hardware
    }

    /// How many steps of a kind to run at once here; see
    /// [`optimal_concurrency`](crate::rules::concurrency::optimal_concurrency).
    pub fn optimal_concurrency(&self, kind: &str) -> u32 {
        optimal_concurrency(kind, &self.hardware)
    }

    /// How busy it was since the last call, or since it was made. The machine as a whole is looked
    /// at every 200 ms at most.
    pub fn busy(&mut self) -> Busy {
        self.system.refresh_cpu_usage();
        self.system.refresh_memory();
        self.look_at_self();
        let (elapsed, before) = (self.since.elapsed(), self.spent);
        (self.since, self.spent) = (Instant::now(), self.process_time());
        let usable = elapsed.as_secs_f64() * f64::from(self.hardware.cores_logical);
        let own = self.spent.saturating_sub(before).as_secs_f64() / usable;
        let whole = f64::from(self.system.global_cpu_usage()) / 100.0;
        let processors = own.max(whole).clamp(0.0, 1.0);
        let (total, free) = self.memory();
        let resident_bytes = self.system.process(self.pid).map_or(0, sysinfo::Process::memory);
        Busy {
            processors: processors.is_finite().then_some(processors),
            memory: (total > 0).then(|| 1.0 - free.min(total) as f64 / total as f64),
            resident_bytes,
        }
    }

    fn look_at_self(&mut self) {
        let kind = ProcessRefreshKind::nothing().with_cpu().with_memory();
        let own = ProcessesToUpdate::Some(&[self.pid]);
        self.system.refresh_processes_specifics(own, false, kind);
    }

    fn process_time(&self) -> Duration {
        let spent = self.system.process(self.pid).map_or(0, |own| own.accumulated_cpu_time());
        Duration::from_millis(spent)
    }

    /// Bytes in all and free: the container's where it has less than the machine.
    fn memory(&self) -> (u64, u64) {
        let whole = (self.system.total_memory(), self.system.available_memory());
        let limits = self.system.process(self.pid).and_then(sysinfo::Process::cgroup_limits);
        limits
            .map(|limits| (limits.total_memory, limits.free_memory))
            .filter(|(total, _)| (1..whole.0).contains(total))
            .map_or(whole, |(total, free)| (total, free.min(whole.1)))
    }
}

fn physical() -> Option<u32> {
    System::physical_core_count().ok().and_then(|cores| u32::try_from(cores).ok())
}

/// Knows affinity and quotas of containers.
fn logical() -> u32 {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    u32::try_from(cores).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_has_something_and_work_makes_it_busy() {
        let mut machine = Machine::new().unwrap();
        let hardware = *machine.hardware();
        assert!(hardware.cores() >= 1 && hardware.memory_gb > 0.01, "{hardware:?}");
        // Enough work that the system counts it; clocks of processes tick every 10 ms.
        let begin = Instant::now();
        let mut sum = 0u64;
        while begin.elapsed() < Duration::from_millis(60) {
            sum = std::hint::black_box(sum.wrapping_mul(31) + 1);
        }
        let busy = machine.busy();
        assert!(busy.processors.is_some_and(|share| share > 0.0 && share <= 1.0), "{busy:?}");
        assert!(busy.memory.is_some_and(|share| share > 0.0 && share < 1.0), "{busy:?}");
        assert!(busy.resident_bytes > 1 << 20, "{busy:?}");
    }
}

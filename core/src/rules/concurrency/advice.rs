//! Concurrency by the kind of work and the machine; batch sizes by the kind of work and the data.

/// What a machine, or the container on it, has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hardware {
    /// Cores without their twins; `None` where nobody knows, as in many containers.
    pub cores_physical: Option<u32>,
    /// Cores that this process may use, twins included.
    pub cores_logical: u32,
    /// Memory that this process may use, in GiB.
    pub memory_gb: f64,
}

impl Hardware {
    /// The cores to count with, at least 1: the physical ones, and never more than may be used.
    pub fn cores(&self) -> u32 {
        let usable = self.cores_logical.max(1);
        self.cores_physical.filter(|cores| *cores > 0).unwrap_or(usable).min(usable)
    }
}

/// How many steps of a kind to run at once; at least 1.
///
/// | kind | steps |
/// | --- | --- |
/// | `cpu_intensive` | one a core |
/// | `io_intensive` | 8 a core, at most 200 |
/// | `memory_intensive` | one for 2 GiB of memory, at most 50 |
/// | `mixed` | 2 a core |
/// | any other | 4 a core |
///
/// ```
/// use windlass_core::rules::concurrency::{Hardware, optimal_concurrency};
/// let machine = Hardware { cores_physical: Some(4), cores_logical: 8, memory_gb: 15.6 };
/// assert_eq!(optimal_concurrency("cpu_intensive", &machine), 4);
/// assert_eq!(optimal_concurrency("io_intensive", &machine), 32);
/// assert_eq!(optimal_concurrency("memory_intensive", &machine), 7);
/// ```
pub fn optimal_concurrency(kind: &str, hardware: &Hardware) -> u32 {
    let cores = hardware.cores();
    let steps = match kind {
        "cpu_intensive" => cores,
        "io_intensive" => cores.saturating_mul(8).min(200),
        // The cast saturates, and takes what is no number for 0.
        "memory_intensive" => ((hardware.memory_gb / 2.0) as u32).min(50),
        "mixed" => cores.saturating_mul(2),
        _ => cores.saturating_mul(4),
    };
    steps.max(1)
}

/// Items in one batch, by the kind of work.
pub const BATCH_SIZES: [(&str, u64); 4] =
    [("database_writes", 1000), ("api_calls", 50), ("file_processing", 100), ("ml_inference", 32)];

/// Items in one batch of any other kind.
pub const DEFAULT_BATCH_SIZE: u64 = 100;

/// Items in one batch of a kind of work.
pub fn base_batch_size(kind: &str) -> u64 {
    let known = BATCH_SIZES.iter().find(|(name, _)| *name == kind);
    known.map_or(DEFAULT_BATCH_SIZE, |(_, size)| *size)
}

/// How many of `items` to put in one batch, where `base` fits the kind of work; at least 1.
///
/// Below 1000 items a batch is never larger than the data; above 100,000 it is twice `base`.
///
/// ```
/// use windlass_core::rules::concurrency::optimal_batch_size;
/// assert_eq!(optimal_batch_size(50, 20), 20);
/// assert_eq!(optimal_batch_size(50, 5_000), 50);
/// assert_eq!(optimal_batch_size(50, 100_001), 100);
/// ```
pub fn optimal_batch_size(base: u64, items: u64) -> u64 {
    let size = match items {
        ..1_000 => base.min(items),
        1_000..=100_000 => base,
        _ => base.saturating_mul(2),
    };
    size.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(physical: Option<u32>, logical: u32, memory_gb: f64) -> Hardware {
        Hardware { cores_physical: physical, cores_logical: logical, memory_gb }
    }

    // RES-03..RES-07
    #[test]
    fn every_kind_has_its_rule() {
        let eight = machine(Some(8), 16, 64.0);
        let table = [
            ("cpu_intensive", 8),
            ("io_intensive", 64),
            ("memory_intensive", 32),
            ("mixed", 16),
            ("other", 32),
            ("", 32),
        ];
        for (kind, steps) in table {
            assert_eq!(optimal_concurrency(kind, &eight), steps, "{kind}");
        }
        let large = machine(Some(64), 128, 512.0);
        assert_eq!(optimal_concurrency("io_intensive", &large), 200);
        assert_eq!(optimal_concurrency("memory_intensive", &large), 50);
    }

    #[test]
    fn a_container_counts_what_it_may_use() {
        assert_eq!(optimal_concurrency("cpu_intensive", &machine(None, 4, 8.0)), 4);
        assert_eq!(optimal_concurrency("cpu_intensive", &machine(Some(0), 4, 8.0)), 4);
        assert_eq!(optimal_concurrency("cpu_intensive", &machine(Some(32), 2, 8.0)), 2);
        assert_eq!(optimal_concurrency("cpu_intensive", &machine(None, 0, 8.0)), 1);
    }

    #[test]
    fn little_memory_still_runs_one_step() {
        for memory_gb in [0.0, 1.9, -3.0, f64::NAN] {
            let small = machine(Some(1), 1, memory_gb);
            assert_eq!(optimal_concurrency("memory_intensive", &small), 1, "{memory_gb}");
        }
    }

    // RES-09, RES-10
    #[test]
    fn batches_fit_the_data() {
        let kinds = ["database_writes", "api_calls", "file_processing", "ml_inference", "other"];
        assert_eq!(kinds.map(base_batch_size), [1000, 50, 100, 32, 100]);
        let table = [
            (1000, 0, 1),
            (1000, 1, 1),
            (1000, 999, 999),
            (100, 999, 100),
            (1000, 1_000, 1000),
            (32, 100_000, 32),
            (32, 100_001, 64),
            (0, 5, 1),
            (u64::MAX, u64::MAX, u64::MAX),
        ];
        for (base, items, size) in table {
            assert_eq!(optimal_batch_size(base, items), size, "{base} for {items}");
        }
    }
}

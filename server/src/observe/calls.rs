//! How long the store takes.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;

use crate::observe::histogram::{Histogram, QUICK};

/// A method of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    Enqueue,
    Lease,
    Settle,
    Renew,
    Get,
    List,
    Updates,
    Counts,
    Pause,
    Paused,
    Oldest,
    Batch,
    Recent,
    Ahead,
    Due,
    Prune,
    Announce,
    Forget,
    Workers,
    Close,
}

/// Every operation with its label, in the order of the enum.
const OPERATIONS: [(Operation, &str); 20] = [
    (Operation::Enqueue, "enqueue"),
    (Operation::Lease, "lease"),
    (Operation::Settle, "settle"),
    (Operation::Renew, "renew"),
    (Operation::Get, "get"),
    (Operation::List, "list"),
    (Operation::Updates, "updates"),
    (Operation::Counts, "counts"),
    (Operation::Pause, "pause"),
    (Operation::Paused, "paused"),
    (Operation::Oldest, "oldest"),
    (Operation::Batch, "batch"),
    (Operation::Recent, "recent"),
    (Operation::Ahead, "ahead"),
    (Operation::Due, "due"),
    (Operation::Prune, "prune"),
    (Operation::Announce, "announce"),
    (Operation::Forget, "forget"),
    (Operation::Workers, "workers"),
    (Operation::Close, "close"),
];

/// Calls of the store by operation.
#[derive(Debug)]
pub(super) struct Calls {
    took: [Histogram; OPERATIONS.len()],
    failed: [AtomicU64; OPERATIONS.len()],
}

impl Calls {
    pub(super) fn new() -> Self {
        Self {
            took: std::array::from_fn(|_| Histogram::new(QUICK)),
            failed: std::array::from_fn(|_| AtomicU64::new(0)),
        }
    }

    /// A call that was begun at `start` was answered.
    pub(super) fn answered(&self, operation: Operation, start: Instant, is_ok: bool) {
        self.took[operation as usize].observe(start.elapsed());
        if !is_ok {
            self.failed[operation as usize].fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Collector for Calls {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let used = |operation: Operation| !self.took[operation as usize].is_empty();
        let used: Vec<_> = OPERATIONS.iter().filter(|(operation, _)| used(*operation)).collect();
        let help = "How long the store took to answer, by operation.";
        let mut family = encoder.encode_descriptor(
            "windlass_store",
            help,
            Some(&Unit::Seconds),
            MetricType::Histogram,
        )?;
        for (operation, name) in &used {
            let labels = [("operation", *name)];
            self.took[*operation as usize].encode(family.encode_family(&labels)?)?;
        }
        let help = "Calls that the store answered with an error, by operation.";
        let mut family =
            encoder.encode_descriptor("windlass_store_errors", help, None, MetricType::Counter)?;
        for (operation, name) in &used {
            let failed = self.failed[*operation as usize].load(Ordering::Relaxed);
            family
                .encode_family(&[("operation", *name)])?
                .encode_counter::<NoLabelSet, u64, f64>(&failed, None)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_stands_in_its_own_place() {
        for (i, (operation, name)) in OPERATIONS.iter().enumerate() {
            assert_eq!(*operation as usize, i);
            assert_eq!(format!("{operation:?}").to_lowercase(), *name);
        }
    }
}

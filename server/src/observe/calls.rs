//! How long the store takes.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;

use windlass_core::{Error, Result};

use crate::observe::histogram::{Histogram, QUICK};

/// A method of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    Enqueue,
    Compose,
    OpenBatch,
    ExtendBatch,
    SealBatch,
    SettleTogether,
    Graph,
    Upstream,
    State,
    Lease,
    Settle,
    Renew,
    Get,
    List,
    Find,
    Updates,
    Counts,
    Pause,
    Paused,
    Oldest,
    Batch,
    Recent,
    Flow,
    Ahead,
    Due,
    Prune,
    Announce,
    Forget,
    Workers,
    Close,
}

/// Every operation with its label, in the order of the enum.
const OPERATIONS: [(Operation, &str); 30] = [
    (Operation::Enqueue, "enqueue"),
    (Operation::Compose, "compose"),
    (Operation::OpenBatch, "open_batch"),
    (Operation::ExtendBatch, "extend_batch"),
    (Operation::SealBatch, "seal_batch"),
    (Operation::SettleTogether, "settle_together"),
    (Operation::Graph, "graph"),
    (Operation::Upstream, "upstream"),
    (Operation::State, "state"),
    (Operation::Lease, "lease"),
    (Operation::Settle, "settle"),
    (Operation::Renew, "renew"),
    (Operation::Get, "get"),
    (Operation::List, "list"),
    (Operation::Find, "find"),
    (Operation::Updates, "updates"),
    (Operation::Counts, "counts"),
    (Operation::Pause, "pause"),
    (Operation::Paused, "paused"),
    (Operation::Oldest, "oldest"),
    (Operation::Batch, "batch"),
    (Operation::Recent, "recent"),
    (Operation::Flow, "flow"),
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
    /// When an error was logged last: milliseconds after `start`, and 0 for never.
    told: [AtomicU64; OPERATIONS.len()],
    start: Instant,
}

impl Calls {
    pub(super) fn new() -> Self {
        Self {
            took: std::array::from_fn(|_| Histogram::new(QUICK)),
            failed: std::array::from_fn(|_| AtomicU64::new(0)),
            told: std::array::from_fn(|_| AtomicU64::new(0)),
            start: Instant::now(),
        }
    }

    /// A call that was begun at `start` was answered. An error is logged, at most once a second for an
    /// operation: a store that is down fails many calls.
    pub(super) fn answered<T>(&self, operation: Operation, start: Instant, answer: &Result<T>) {
        let place = operation as usize;
        self.took[place].observe(start.elapsed());
        let Err(error) = answer else { return };
        let errors = self.failed[place].fetch_add(1, Ordering::Relaxed) + 1;
        if !matches!(error, Error::ClientClosed) && self.is_news(place) {
            let operation = OPERATIONS[place].1;
            tracing::warn!(operation, errors, %error, "the store answered with an error");
        }
    }

    fn is_news(&self, place: usize) -> bool {
        let now = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX) + 1;
        let due = |told| (told == 0 || now >= told + 1000).then_some(now);
        self.told[place].fetch_update(Ordering::Relaxed, Ordering::Relaxed, due).is_ok()
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
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::observe::{LogFormat, subscriber};

    #[test]
    fn every_operation_stands_in_its_own_place() {
        for (i, (operation, name)) in OPERATIONS.iter().enumerate() {
            assert_eq!(*operation as usize, i);
            assert_eq!(format!("{operation:?}").to_lowercase(), name.replace('_', ""));
        }
    }

    #[test]
    fn a_store_that_is_down_does_not_fill_the_log() {
        let lines = Lines::default();
        let writer = lines.clone();
        let filter = "info".parse().unwrap();
        let log = subscriber(LogFormat::Json, filter, false, move || writer.clone());
        let calls = Calls::new();
        tracing::subscriber::with_default(log, || {
            let down = || Err::<(), _>(Error::internal("gone"));
            for _ in 0..1000 {
                calls.answered(Operation::Lease, Instant::now(), &down());
            }
            calls.answered(Operation::Settle, Instant::now(), &down());
            calls.answered(Operation::Get, Instant::now(), &Err::<(), _>(Error::ClientClosed));
        });
        let lines = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        let told = |operation: &str| lines.matches(&format!("{operation:?}")).count();
        // A slow machine may take more than a second for a thousand calls; never a line for each.
        assert!((1..10).contains(&told("lease")), "{lines}");
        assert_eq!((told("settle"), told("get")), (1, 0), "{lines}");
        assert_eq!(calls.failed[Operation::Lease as usize].load(Ordering::Relaxed), 1000);
    }

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
}

//! How things stand: asked of the service when the metrics are read.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;
use windlass_core::{QueueInfo, TaskStatus, Timestamp, WorkerInfo};

/// Statuses of tasks that have not ended.
const OPEN: [TaskStatus; 4] =
    [TaskStatus::Blocked, TaskStatus::Scheduled, TaskStatus::Pending, TaskStatus::Running];

/// How queues and workers of all tenants that were asked stood.
#[derive(Debug, Default)]
pub(super) struct Standing {
    queues: BTreeMap<String, QueueStanding>,
    used_slots: u64,
    free_slots: u64,
    live: u64,
    deaf: u64,
}

#[derive(Debug, Default)]
struct QueueStanding {
    open: [u64; OPEN.len()],
    failed: u64,
    oldest: Duration,
    is_paused: bool,
}

impl Standing {
    /// Adds what one tenant has. `label` names a queue.
    pub(super) fn add<'a>(
        &mut self,
        queues: &'a [QueueInfo],
        workers: &[WorkerInfo],
        now: Timestamp,
        label: impl Fn(&'a str) -> &'a str,
    ) {
        for info in queues {
            let queue = self.queues.entry(label(&info.queue).to_owned()).or_default();
            let count = |status| info.counts.get(status).copied().unwrap_or_default();
            queue.open.iter_mut().zip(&OPEN).for_each(|(sum, status)| *sum += count(status));
            queue.failed += count(&TaskStatus::Failed);
            let oldest = info.oldest_pending_at.map(|at| now.since(at)).unwrap_or_default();
            queue.oldest = queue.oldest.max(oldest);
            queue.is_paused |= info.paused;
        }
        for worker in workers {
            // What a worker holds ahead waits for a slot and uses none.
            let used = worker.holds.min(worker.concurrency);
            self.used_slots += u64::from(used);
            self.free_slots += u64::from(worker.concurrency - used);
            *(if worker.deaf { &mut self.deaf } else { &mut self.live }) += 1;
        }
    }
}

/// The standing when it was asked last.
#[derive(Debug, Default)]
pub(super) struct Gauges {
    /// `None` when the store did not answer.
    last: Mutex<Option<Arc<Standing>>>,
}

impl Gauges {
    pub(super) fn set(&self, standing: Option<Standing>) {
        *self.last.lock().unwrap_or_else(|e| e.into_inner()) = standing.map(Arc::new);
    }
}

impl Collector for Gauges {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let last = self.last.lock().unwrap_or_else(|e| e.into_inner()).clone();
        let help = "The version that runs.";
        encoder
            .encode_descriptor("windlass_build", help, None, MetricType::Info)?
            .encode_info(&[("version", env!("CARGO_PKG_VERSION"))])?;
        let help = "Whether the store answered when these metrics were read; when 0, the gauges of \
                    queues and workers are left out.";
        encoder
            .encode_descriptor("windlass_store_reachable", help, None, MetricType::Gauge)?
            .encode_gauge(&u32::from(last.is_some()))?;
        let Some(last) = last else { return Ok(()) };
        queues(&last, &mut encoder)?;
        let help = "Tasks that live workers run at once, by whether they run one now.";
        let mut family =
            encoder.encode_descriptor("windlass_worker_slots", help, None, MetricType::Gauge)?;
        for (state, count) in [("used", last.used_slots), ("free", last.free_slots)] {
            family.encode_family(&[("state", state)])?.encode_gauge(&count)?;
        }
        let help = "Workers heard of within 15 s; deaf are those that ask for no work although they \
                    have room and work waits.";
        let mut family =
            encoder.encode_descriptor("windlass_workers", help, None, MetricType::Gauge)?;
        for (state, count) in [("live", last.live), ("deaf", last.deaf)] {
            family.encode_family(&[("state", state)])?.encode_gauge(&count)?;
        }
        Ok(())
    }
}

fn queues(standing: &Standing, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let help = "Tasks that have not ended, by queue and status.";
    let mut family =
        encoder.encode_descriptor("windlass_queue_depth", help, None, MetricType::Gauge)?;
    for (name, queue) in &standing.queues {
        for (status, count) in OPEN.iter().zip(&queue.open) {
            let labels = [("queue", name.as_str()), ("status", status.as_str())];
            family.encode_family(&labels)?.encode_gauge(count)?;
        }
    }
    let help = "Failed tasks that are kept, by queue.";
    let mut family =
        encoder.encode_descriptor("windlass_queue_dead_letters", help, None, MetricType::Gauge)?;
    for (name, queue) in &standing.queues {
        family.encode_family(&[("queue", name.as_str())])?.encode_gauge(&queue.failed)?;
    }
    let help =
        "How long the pending task that is due longest has been due, by queue; 0 when none is.";
    let seconds = Some(&Unit::Seconds);
    let mut family =
        encoder.encode_descriptor("windlass_queue_oldest", help, seconds, MetricType::Gauge)?;
    for (name, queue) in &standing.queues {
        let oldest = queue.oldest.as_secs_f64();
        family.encode_family(&[("queue", name.as_str())])?.encode_gauge(&oldest)?;
    }
    let help = "1 when the queue gives no leases, by queue.";
    let mut family =
        encoder.encode_descriptor("windlass_queue_paused", help, None, MetricType::Gauge)?;
    for (name, queue) in &standing.queues {
        let paused = u32::from(queue.is_paused);
        family.encode_family(&[("queue", name.as_str())])?.encode_gauge(&paused)?;
    }
    Ok(())
}

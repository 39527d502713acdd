//! What becomes of tasks, counted from what the store has really written.

use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;
use windlass_core::engine::submit::NewTask;
use windlass_core::engine::transition::Transition;
use windlass_core::store::{Applied, Composed, Composition, EnqueueGroup, LeaseOrder};
use windlass_core::words::TaskKind;
use windlass_core::{Leased, Renewal, Renewed, Result, Submission, TaskId, TaskStatus, Timestamp};

use crate::observe::histogram::{Histogram, SLOW};
use crate::observe::interned::{Interned, OTHERS, Place};
use crate::observe::running::{Held, Running};

/// Queues that have a label of their own; the others are summed up under [`OTHER`].
pub(super) const QUEUES: usize = 200;
/// The label of queues that have none of their own.
pub(super) const OTHER: &str = "other";

/// Final statuses, in the order of [`Queue::finished`].
const FINAL: [TaskStatus; 3] = [TaskStatus::Completed, TaskStatus::Failed, TaskStatus::Cancelled];

/// What stands for others, in the order of [`Tasks::composites`].
const COMPOSITES: [TaskKind; 3] = [TaskKind::Batch, TaskKind::Block, TaskKind::Pipeline];

/// What happened in one queue.
#[derive(Debug, Default)]
pub(super) struct Queue {
    submitted: AtomicU64,
    deduplicated: AtomicU64,
    finished: [AtomicU64; FINAL.len()],
}

impl Queue {
    fn is_used(&self) -> bool {
        let counters = self.finished.iter().chain([&self.submitted, &self.deduplicated]);
        counters.into_iter().any(|counter| counter.load(Ordering::Relaxed) > 0)
    }
}

/// What happened to tasks through this process.
#[derive(Debug)]
pub(super) struct Tasks {
    queues: Interned<Queue>,
    /// Tasks that ended without having been leased through this process: their queue is not known.
    elsewhere: Queue,
    /// Batches, blocks and pipelines that were stored, by their kind.
    composites: [AtomicU64; COMPOSITES.len()],
    retries: AtomicU64,
    expired: AtomicU64,
    wait: Histogram,
    run: Histogram,
    /// Milliseconds since 1970; 0 for never.
    last_lease: AtomicI64,
    running: Running,
}

/// The queue of tasks that are submitted one after the other.
pub(super) struct Submitting {
    queue: Place,
    tasks: usize,
}

/// A batch, block or pipeline on its way: what it is, and its tasks.
pub(super) struct Composing {
    kind: TaskKind,
    members: Vec<Submitting>,
}

/// What a transition is about, for when it is known whether it was written.
pub(super) struct Settling {
    status: TaskStatus,
    started: Option<Duration>,
    /// It follows from a failed attempt.
    has_error: bool,
    /// The task was taken back from a lost worker.
    is_rescue: bool,
    /// The task was given back unstarted, or stopped by a shutdown.
    is_hand_back: bool,
}

/// A heartbeat that tells something new about a held task.
pub(super) struct Renewing {
    place: usize,
    task_id: TaskId,
    extend: Option<Duration>,
    started: Option<Duration>,
}

impl Tasks {
    pub(super) fn new() -> Self {
        Self {
            queues: Interned::new(QUEUES),
            elsewhere: Queue::default(),
            composites: Default::default(),
            retries: AtomicU64::new(0),
            expired: AtomicU64::new(0),
            wait: Histogram::new(SLOW),
            run: Histogram::new(SLOW),
            last_lease: AtomicI64::new(0),
            running: Running::default(),
        }
    }

    /// The label of a queue; the same for everything that is told about it.
    pub(super) fn label<'a>(&self, queue: &'a str) -> &'a str {
        if self.place(queue) == OTHERS { OTHER } else { queue }
    }

    fn place(&self, queue: &str) -> Place {
        // A queue of that name is not told apart from the sum: no series may stand twice.
        if queue == OTHER { OTHERS } else { self.queues.place(queue) }
    }

    /// Looks at groups before the store takes them.
    pub(super) fn submitting(&self, groups: &[EnqueueGroup]) -> Vec<Vec<Submitting>> {
        groups.iter().map(|group| self.runs(&group.tasks)).collect()
    }

    fn runs(&self, tasks: &[NewTask]) -> Vec<Submitting> {
        let mut runs: Vec<Submitting> = Vec::with_capacity(1);
        let mut last = "";
        for task in tasks {
            match runs.last_mut() {
                Some(run) if last == task.spec.queue => run.tasks += 1,
                _ => {
                    last = &task.spec.queue;
                    runs.push(Submitting { queue: self.place(last), tasks: 1 });
                }
            }
        }
        runs
    }

    /// Groups were answered.
    pub(super) fn submitted(
        &self,
        groups: &[Vec<Submitting>],
        answers: &[Result<Vec<Submission>>],
    ) {
        for (runs, answer) in groups.iter().zip(answers) {
            let Ok(submissions) = answer else { continue };
            self.stored(runs, submissions);
        }
    }

    fn stored(&self, runs: &[Submitting], submissions: &[Submission]) {
        let mut rest = submissions;
        for run in runs {
            let (these, others) = rest.split_at(run.tasks.min(rest.len()));
            rest = others;
            let again = these.iter().filter(|submission| submission.deduplicated).count();
            let queue = self.queues.at(run.queue);
            add(&queue.submitted, these.len() - again);
            add(&queue.deduplicated, again);
        }
    }

    /// Looks at a batch, block or pipeline before the store takes it.
    pub(super) fn composing(&self, composition: &Composition) -> Composing {
        let kind = composition.task.place.kind;
        Composing { kind, members: self.runs(&composition.members) }
    }

    /// It was answered. One that was known already counts for nothing: its tasks were not stored again.
    pub(super) fn composed(&self, composing: &Composing, composed: &Composed) {
        if composed.task.deduplicated {
            return;
        }
        if let Some(place) = COMPOSITES.iter().position(|kind| *kind == composing.kind) {
            add(&self.composites[place], 1);
        }
        self.stored(&composing.members, &composed.members);
    }

    /// A batch that came in chunks was sealed. The queues of its tasks are not known any more.
    pub(super) fn sealed(&self, composed: &Composed) {
        if composed.task.deduplicated {
            return;
        }
        add(&self.composites[0], 1);
        let members = [Submitting { queue: OTHERS, tasks: composed.members.len() }];
        self.stored(&members, &composed.members);
    }

    /// Tasks were leased for `ttl`.
    pub(super) fn leased(&self, leased: &Leased, ttl: Duration) {
        if leased.tasks.is_empty() {
            return;
        }
        let mut running = self.running.lock();
        let (mut queue, mut last) = (OTHERS, "");
        for task in leased.tasks.iter().map(|leased| &leased.task) {
            if last != task.queue {
                (queue, last) = (self.place(&task.queue), &task.queue);
            }
            let Some(until) = task.lease.as_ref().map(|lease| lease.expires_at) else { continue };
            let since = until.before(ttl);
            self.wait.observe(since.since(task.run_at));
            running.leased(task.task_id, Held { queue, since, until }, since);
            self.last_lease.fetch_max(since.as_millis(), Ordering::Relaxed);
        }
    }

    /// Heartbeats that must be remembered if they are answered well.
    pub(super) fn renewing(renewals: &[Renewal]) -> Vec<Renewing> {
        let news = |(place, renewal): (usize, &Renewal)| Renewing {
            place,
            task_id: renewal.task_id,
            extend: renewal.extend,
            started: renewal.started,
        };
        renewals.iter().enumerate().map(news).collect()
    }

    /// Heartbeats were answered.
    pub(super) fn renewed(&self, news: &[Renewing], answers: &[Renewed], now: Timestamp) {
        let mut running = self.running.lock();
        for renewing in news {
            match answers.get(renewing.place) {
                Some(Renewed::Lost) | None => {
                    running.ended(renewing.task_id);
                }
                Some(Renewed::Held | Renewed::CancelRequested) => {
                    let Some(held) = running.get_mut(renewing.task_id) else { continue };
                    if let Some(ttl) = renewing.extend {
                        held.until = held.until.max(now.after(ttl));
                    }
                    if let Some(ago) = renewing.started {
                        held.since = now.before(ago);
                    }
                }
            }
        }
    }

    /// Looks at transitions before the store takes them.
    pub(super) fn settling(transitions: &[Transition]) -> Vec<Settling> {
        let about = |to: &Transition| Settling {
            status: to.status,
            started: to.started,
            has_error: to.error.is_some(),
            is_rescue: to.suspect == Some(true),
            is_hand_back: to.uncount && to.status == TaskStatus::Pending,
        };
        transitions.iter().map(about).collect()
    }

    /// Transitions were answered at `now`.
    pub(super) fn settled(&self, about: &[Settling], answers: &[Result<Applied>], now: Timestamp) {
        let mut running = self.running.lock();
        for (about, answer) in about.iter().zip(answers) {
            let Ok(Applied::Done(done)) = answer else { continue };
            if about.status == TaskStatus::Running {
                continue;
            }
            let held = running.ended(done.task_id);
            let queue = held.map_or(&self.elsewhere, |held| self.queues.at(held.queue));
            if let Some(i) = FINAL.iter().position(|status| *status == about.status) {
                add(&queue.finished[i], 1);
            } else if about.has_error {
                add(&self.retries, 1);
            }
            if about.is_rescue {
                add(&self.expired, 1);
            } else if !about.is_hand_back
                && let Some(ran) = about.ran(held, now)
            {
                self.run.observe(ran);
            }
        }
    }
}

impl Settling {
    /// How long the attempt ran that this ends; `None` when it ends none, or when its start is not known.
    fn ran(&self, held: Option<Held>, now: Timestamp) -> Option<Duration> {
        match (self.started, held) {
            // What the worker measured itself. Zero is what the engine puts for "did not say".
            (Some(ago), _) if !ago.is_zero() => Some(ago),
            (_, Some(held)) => Some(now.since(held.since)),
            (_, None) => None,
        }
    }
}

fn add(counter: &AtomicU64, by: usize) {
    counter.fetch_add(by as u64, Ordering::Relaxed);
}

fn count(mut encoder: MetricEncoder<'_>, counter: &AtomicU64) -> fmt::Result {
    let value = counter.load(Ordering::Relaxed);
    encoder.encode_counter::<NoLabelSet, u64, f64>(&value, None)
}

impl Collector for Tasks {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut queues = self.queues.all();
        queues.extend(Some((OTHER, self.queues.others())).filter(|(_, others)| others.is_used()));
        let submitted = "Tasks that were stored, by queue.";
        let again =
            "Submissions that an idempotency key answered with a task stored before, by queue.";
        for (name, help, counter) in [
            ("windlass_tasks_submitted", submitted, (|q| &q.submitted) as fn(&Queue) -> &AtomicU64),
            ("windlass_tasks_deduplicated", again, |q| &q.deduplicated),
        ] {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            for (name, queue) in &queues {
                count(family.encode_family(&[("queue", *name)])?, counter(queue))?;
            }
        }
        let help =
            "Batches, blocks and pipelines that were stored, by kind; their tasks count as tasks.";
        let name = "windlass_composites_submitted";
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (kind, counter) in COMPOSITES.iter().zip(&self.composites) {
            count(family.encode_family(&[("kind", kind.as_str())])?, counter)?;
        }
        queues.push(("", &self.elsewhere));
        let help = "Tasks that reached a final status, by queue; the queue is empty when the task was \
                    not leased through this process.";
        let mut family = encoder.encode_descriptor(
            "windlass_tasks_finished",
            help,
            None,
            MetricType::Counter,
        )?;
        for (name, queue) in &queues {
            for (status, counter) in FINAL.iter().zip(&queue.finished) {
                let labels = [("queue", *name), ("status", status.as_str())];
                count(family.encode_family(&labels)?, counter)?;
            }
        }
        for (name, help, counter) in [
            (
                "windlass_task_retries",
                "Attempts that failed, or lost their worker, and are followed by another.",
                &self.retries,
            ),
            (
                "windlass_leases_expired",
                "Tasks taken back from workers that stopped renewing.",
                &self.expired,
            ),
        ] {
            count(encoder.encode_descriptor(name, help, None, MetricType::Counter)?, counter)?;
        }
        for (name, help, histogram) in [
            ("windlass_task_wait", "From when a task was due to its lease.", &self.wait),
            (
                "windlass_task_run",
                "From the start of an attempt, or else from its lease, to its outcome.",
                &self.run,
            ),
        ] {
            let unit = Some(&Unit::Seconds);
            histogram.encode(encoder.encode_descriptor(
                name,
                help,
                unit,
                MetricType::Histogram,
            )?)?;
        }
        let help = "When the last task was leased through this process, since 1970; 0 for never.";
        let last = self.last_lease.load(Ordering::Relaxed) as f64 / 1000.0;
        encoder
            .encode_descriptor(
                "windlass_last_lease_timestamp",
                help,
                Some(&Unit::Seconds),
                MetricType::Gauge,
            )?
            .encode_gauge(&last)
    }
}

/// How long the leases of an order last.
pub(super) fn ttl(order: &LeaseOrder) -> Duration {
    order.request.ttl
}

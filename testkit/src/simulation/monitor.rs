//! Looks at the store after every write, and says which law was broken.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use windlass_core::engine::transition::Transition;
use windlass_core::engine::{composite, history};
use windlass_core::future::BoxFuture;
use windlass_core::rules::strategy::Overall;
use windlass_core::store::{Applied, LeaseOrder, Store};
use windlass_core::{
    Filter, LeaseToken, Leased, Renewal, Renewed, RetryPolicy, Task, TaskId, TaskKind, TaskSpec,
    TaskStatus, Update, UpdateKind,
};

use super::clockwork::{Clockwork, Pid};
use super::composers::Known;
use super::composites::{composite_is_sound, lines_are_sound};
use super::order::lease_is_in_order;

/// The tenant of everything in a run.
pub(super) const TENANT: &str = "default";

/// What was just done to the store.
pub(super) enum Seen<'a> {
    Leased(&'a LeaseOrder, &'a Leased),
    Settled(&'a [Transition], &'a [windlass_core::Result<Applied>]),
    Renewed(&'a [Renewal], &'a [Renewed]),
    Other(&'static str),
}

impl fmt::Display for Seen<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Leased(order, leased) => {
                write!(f, "leases up to {}, gets", order.request.limit)?;
                leased.tasks.iter().try_for_each(|task| write!(f, " {}", short(task.task.task_id)))
            }
            Self::Settled(transitions, applied) => {
                f.write_str("settles")?;
                transitions.iter().zip(*applied).try_for_each(|(to, applied)| {
                    let what = match applied {
                        Ok(Applied::Done(_)) => "",
                        Ok(Applied::Stale(_)) => " (stale)",
                        _ => " (refused)",
                    };
                    write!(f, " {} to {}{what}", short(to.task_id), to.status)
                })
            }
            Self::Renewed(renewals, answers) => {
                f.write_str("renews")?;
                renewals
                    .iter()
                    .zip(*answers)
                    .try_for_each(|(r, answer)| write!(f, " {} {answer:?}", short(r.task_id)))
            }
            Self::Other(what) => f.write_str(what),
        }
    }
}

/// The end of an id tells tasks of one run apart.
pub(super) fn short(id: TaskId) -> String {
    id.to_string()[30..].to_owned()
}

#[derive(Default)]
struct Memory {
    rows: BTreeMap<TaskId, Task>,
    /// Batches, blocks and pipelines.
    composites: BTreeMap<TaskId, Task>,
    /// Those that a caller was told of, by what it called them, and what it knows of them.
    composed: BTreeMap<String, TaskId>,
    known: BTreeMap<TaskId, Known>,
    /// What was asked for, by its payload: what was asked for once may be there once, whatever its key.
    specs: BTreeMap<String, TaskSpec>,
    acknowledged: BTreeMap<String, TaskId>,
    /// Leases that did not arrive, with the server that must give them back and by when.
    awaited: BTreeMap<(TaskId, LeaseToken), (Pid, Duration)>,
    /// Leases whose holders told a server what their attempts came to.
    let_go: BTreeSet<LeaseToken>,
    timeline: Vec<(Duration, Pid, String)>,
    violation: Option<String>,
}

/// The judge of a run.
pub(super) struct Monitor {
    store: Arc<dyn Store>,
    clockwork: Clockwork,
    faults: AtomicU64,
    memory: Mutex<Memory>,
}

impl Monitor {
    pub(super) fn new(store: Arc<dyn Store>, clockwork: Clockwork, faults: u64) -> Self {
        Self { store, clockwork, faults: AtomicU64::new(faults), memory: Mutex::default() }
    }

    /// Calls in a thousand that go wrong.
    pub(super) fn fault_rate(&self) -> u64 {
        self.faults.load(Ordering::Relaxed)
    }

    /// From now on nothing goes wrong.
    pub(super) fn calm(&self) {
        self.faults.store(0, Ordering::Relaxed);
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Writes a line to the timeline.
    pub(super) fn note(&self, pid: Pid, what: fmt::Arguments<'_>) {
        let at = self.clockwork.now();
        self.memory().timeline.push((at, pid, what.to_string()));
    }

    /// Records that a law was broken; the first one counts.
    pub(super) fn accuse(&self, pid: Pid, what: String) {
        self.note(pid, format_args!("BROKEN: {what}"));
        self.memory().violation.get_or_insert(what);
    }

    pub(super) fn violation(&self) -> Option<String> {
        self.memory().violation.clone()
    }

    pub(super) fn timeline(&self) -> Vec<(Duration, Pid, String)> {
        std::mem::take(&mut self.memory().timeline)
    }

    /// A caller is about to submit this under its key.
    pub(super) fn expects(&self, spec: &TaskSpec) {
        self.memory().specs.insert(spec.payload.as_str().to_owned(), spec.clone());
    }

    /// The holders of these leases tell a server what became of them.
    pub(super) fn lets_go(&self, tokens: impl Iterator<Item = LeaseToken>) {
        self.memory().let_go.extend(tokens);
    }

    fn is_let_go(&self, token: Option<LeaseToken>) -> bool {
        token.is_some_and(|token| self.memory().let_go.contains(&token))
    }

    /// Leases that `server` granted did not arrive: by then they are to be back.
    pub(super) fn awaits_back(&self, server: Pid, leases: &[(TaskId, LeaseToken)], by: Duration) {
        self.memory().awaited.extend(leases.iter().map(|lease| (*lease, (server, by))));
    }

    /// Giving them back was tried and not heard of.
    pub(super) fn waives(&self, leases: &[(TaskId, LeaseToken)]) {
        self.memory().awaited.retain(|lease, _| !leases.contains(lease));
    }

    /// A caller was told that its task is stored.
    pub(super) fn acknowledged(&self, pid: Pid, spec: &TaskSpec, id: TaskId) {
        let request = spec.payload.as_str();
        let known = self.memory().acknowledged.insert(request.to_owned(), id);
        if known.is_some_and(|known| known != id) {
            self.accuse(pid, format!("request {request} was answered with two tasks"));
        }
    }

    /// A caller was told that a batch, block or pipeline is stored.
    pub(super) fn composed(&self, pid: Pid, name: &str, id: TaskId, known: Known) {
        self.note(pid, format_args!("{name} is {}", short(id)));
        let before = self.memory().composed.insert(name.to_owned(), id);
        self.memory().known.insert(id, known);
        if before.is_some_and(|before| before != id) {
            self.accuse(pid, format!("{name} was answered with two ids"));
        }
    }

    /// Whether everything that was asked for is there and has ended.
    pub(super) fn is_over(&self) -> bool {
        let memory = self.memory();
        let mut all = memory.rows.values().chain(memory.composites.values());
        memory.rows.len() == memory.specs.len() && all.all(|row| row.status.is_final())
    }

    /// How many tasks were asked for.
    pub(super) fn asked(&self) -> usize {
        self.memory().specs.len()
    }

    /// How the tasks stand.
    pub(super) fn rows(&self) -> Vec<Task> {
        let memory = self.memory();
        memory.rows.values().chain(memory.composites.values()).cloned().collect()
    }

    /// Looks at everything after `pid` did something.
    pub(super) fn look(&self, pid: Pid, seen: Seen<'_>) {
        self.note(pid, format_args!("{seen}"));
        if let Err(broken) = self.check(pid, &seen) {
            self.accuse(pid, broken);
        }
    }

    fn check(&self, pid: Pid, seen: &Seen<'_>) -> Result<(), String> {
        let page = now(self.store.list(TENANT, Filter::default(), None, 1000)).map_err(text)?;
        let rows: BTreeMap<TaskId, Task> =
            page.tasks.into_iter().map(|task| (task.task_id, task)).collect();
        let before = std::mem::replace(&mut self.memory().rows, rows.clone());
        self.counts_are_true(&rows)?;
        self.composites_are_true(&rows)?;
        self.is_given_back(&rows)?;
        for id in self.memory().acknowledged.values() {
            if !rows.contains_key(id) {
                return Err(format!("acknowledged task {} is gone", short(*id)));
            }
        }
        for (id, row) in &rows {
            let old = before.get(id);
            if old.is_some_and(|old| old.version == row.version) {
                continue;
            }
            self.row_is_sound(row)?;
            match old {
                None => self.is_what_was_asked(row)?,
                Some(old) => self.may_follow(pid, seen, old, row)?,
            }
        }
        match seen {
            Seen::Leased(order, leased) => {
                let all: Vec<&Task> = before.values().collect();
                lease_is_in_order(&all, order, leased)
            }
            Seen::Renewed(renewals, answers) => {
                renewals.iter().zip(*answers).try_for_each(|(r, a)| {
                    let holds = rows.get(&r.task_id).is_some_and(|row| row.token == Some(r.token));
                    match (*a != Renewed::Lost, holds) {
                        (true, false) => {
                            Err(format!("a lost lease on {} was renewed", short(r.task_id)))
                        }
                        (false, true) => {
                            Err(format!("a held lease on {} was refused", short(r.task_id)))
                        }
                        _ => Ok(()),
                    }
                })
            }
            _ => Ok(()),
        }
    }

    /// Batches, blocks, pipelines and states agree with their tasks.
    fn composites_are_true(&self, rows: &BTreeMap<TaskId, Task>) -> Result<(), String> {
        let mut found = BTreeMap::new();
        for kind in [TaskKind::Batch, TaskKind::Block, TaskKind::Pipeline] {
            let filter = Filter { kind: Some(kind), ..Filter::default() };
            let page = now(self.store.list(TENANT, filter, None, 1000)).map_err(text)?;
            found.extend(page.tasks.into_iter().map(|task| (task.task_id, task)));
        }
        let before = std::mem::replace(&mut self.memory().composites, found.clone());
        for id in self.memory().composed.values() {
            if !found.contains_key(id) {
                return Err(format!("acknowledged composite {} is gone", short(*id)));
            }
        }
        for (id, task) in &found {
            let known = self.memory().known.get(id).cloned();
            composite_is_sound(task, rows, known.as_ref())?;
            if before.get(id).is_none_or(|before| before.version != task.version) {
                self.history_is_whole(task)?;
            }
            let overdue = task.timeout.map(|timeout| task.created_at.after(timeout));
            let early = overdue.is_some_and(|at| at > self.clockwork.latest());
            if composite::overall(task) == Some(Overall::Timeout) && (early || overdue.is_none()) {
                return Err(format!("{} timed out before its time", short(*id)));
            }
        }
        for (key, completed) in lines_are_sound(rows)? {
            let state = now(self.store.state(TENANT, &key)).map_err(text)?;
            let told = state.map_or("0".to_owned(), |state| state.as_str().to_owned());
            if told != completed.to_string() {
                return Err(format!("{completed} tasks counted up {key:?}, and it is {told}"));
            }
        }
        Ok(())
    }

    /// What did not arrive is not held.
    fn is_given_back(&self, rows: &BTreeMap<TaskId, Task>) -> Result<(), String> {
        let now = self.clockwork.now();
        let mut memory = self.memory();
        // A server that died gives nothing back: the leases expire.
        memory.awaited.retain(|(id, token), (server, _)| {
            rows.get(id).is_some_and(|row| row.token == Some(*token))
                && self.clockwork.is_alive(*server)
        });
        match memory.awaited.iter().find(|(_, (_, by))| *by < now) {
            Some(((id, _), _)) => {
                Err(format!("the lease on {} did not arrive and was not given back", short(*id)))
            }
            None => Ok(()),
        }
    }

    /// Counts equal rows.
    fn counts_are_true(&self, rows: &BTreeMap<TaskId, Task>) -> Result<(), String> {
        let mut real: BTreeMap<(&str, TaskStatus), u64> = BTreeMap::new();
        for row in rows.values() {
            *real.entry((&row.queue, row.status)).or_default() += 1;
        }
        let counts = now(self.store.counts(TENANT)).map_err(text)?;
        let told: BTreeMap<(&str, TaskStatus), u64> = counts
            .iter()
            .map(|count| ((count.queue.as_str(), count.status), count.count))
            .collect();
        if real == told { Ok(()) } else { Err(format!("counts say {told:?}, rows say {real:?}")) }
    }

    /// What holds for every row at every moment.
    fn row_is_sound(&self, row: &Task) -> Result<(), String> {
        let name = short(row.task_id);
        let running = row.status == TaskStatus::Running;
        if running != row.lease.is_some() || running != row.token.is_some() {
            return Err(format!("{name} is {} and its lease is {:?}", row.status, row.lease));
        }
        if row.status.is_final() != row.finished_at.is_some() {
            return Err(format!("{name} is {}, finished at {:?}", row.status, row.finished_at));
        }
        if row.status == TaskStatus::Completed && row.result.is_none() {
            return Err(format!("{name} completed without its result"));
        }
        let policy = RetryPolicy::resolve(row.retry, windlass_core::RetryOptions::default());
        let limit = policy.max_retries + 1;
        if row.attempt > limit {
            return Err(format!("{name} made {} attempts of {limit}", row.attempt));
        }
        let entries = self.history_is_whole(row)?;
        let failures = failed_attempts(&entries);
        if failures > limit {
            return Err(format!("{name} failed {failures} times, and may {limit}"));
        }
        Ok(())
    }

    /// The history of a row has every number once.
    fn history_is_whole(&self, row: &Task) -> Result<Vec<Update>, String> {
        let name = short(row.task_id);
        let found = now(self.store.updates(TENANT, row.task_id, 0, 1000)).map_err(text)?;
        let (task, entries) = found.ok_or_else(|| format!("{name} has no history"))?;
        let entries = history::assemble(&task, entries, 0, 1000);
        let gaps = entries.iter().zip(1..).any(|(entry, number)| entry.seq != number);
        if gaps || entries.len() as u64 != row.last_seq {
            let seqs: Vec<u64> = entries.iter().map(|entry| entry.seq).collect();
            return Err(format!(
                "{name} has history {seqs:?}, and its last number is {}",
                row.last_seq
            ));
        }
        Ok(entries)
    }

    /// A new row is what its caller asked for.
    fn is_what_was_asked(&self, row: &Task) -> Result<(), String> {
        let name = short(row.task_id);
        let memory = self.memory();
        let request = row.payload.as_str();
        let Some(spec) = memory.specs.get(request) else {
            return Err(format!("{name} was asked for by nobody"));
        };
        let due = row.created_at.after(spec.delay.unwrap_or_default());
        if (row.run_at, row.priority, &row.payload) != (due, spec.priority, &spec.payload) {
            return Err(format!("{name} is not what was asked for"));
        }
        let same = memory.rows.values().filter(|other| other.payload == row.payload);
        if same.count() > 1 { Err(format!("request {request} is stored twice")) } else { Ok(()) }
    }

    /// What may become of a row by one write.
    fn may_follow(&self, pid: Pid, seen: &Seen<'_>, old: &Task, row: &Task) -> Result<(), String> {
        let name = short(row.task_id);
        let restarted = matches!(seen, Seen::Settled(transitions, _)
            if transitions.iter().any(|to| to.task_id == row.task_id && to.start_over));
        // One settle may let a task go and lease it.
        let at_once = old.status == TaskStatus::Blocked && row.status == TaskStatus::Running;
        if old.status != row.status && !at_once && !old.status.may_become(row.status) {
            return Err(format!("{name} went from {} to {}", old.status, row.status));
        }
        if old.status.is_final() && old.status != row.status && !restarted {
            return Err(format!("{name} was {} and became {}", old.status, row.status));
        }
        if old.cancel_requested
            && !restarted
            && matches!(row.status, TaskStatus::Pending | TaskStatus::Scheduled)
        {
            return Err(format!("{name} was to be cancelled and became {}", row.status));
        }
        let clock = self.clockwork.latest();
        if old.status == TaskStatus::Scheduled
            && row.status == TaskStatus::Pending
            && old.run_at > clock
        {
            return Err(format!("{name} is due at {} and became pending at {clock}", old.run_at));
        }
        if let (Some(lease), true) = (&old.lease, old.token != row.token) {
            // A server writes for others: that it was asked to, the token tells.
            let holder = lease.worker == worker_name(pid) || self.is_let_go(old.token);
            if !holder && lease.expires_at > clock {
                return Err(format!(
                    "{name} was taken from {} before its lease ended",
                    lease.worker
                ));
            }
            if !holder && !row.status.is_final() && !row.suspect {
                return Err(format!("{name} lost its worker and is not suspect"));
            }
        }
        Ok(())
    }
}

/// The worker id of a process.
pub(super) fn worker_name(pid: Pid) -> String {
    format!("w{pid}")
}

/// Attempts that failed since the last start from scratch.
fn failed_attempts(entries: &[Update]) -> u32 {
    let mut failures = 0;
    for entry in entries {
        if let UpdateKind::Status { status, error, message, .. } = &entry.kind {
            if message.as_deref() == Some("retried on request") {
                failures = 0;
            } else if error.is_some() && *status != TaskStatus::Cancelled {
                failures += 1;
            }
        }
    }
    failures
}

fn text(error: windlass_core::Error) -> String {
    format!("the monitor could not look: {error}")
}

/// The value of a future that needs nobody of this run to finish.
pub(super) fn now<T>(mut future: BoxFuture<'_, T>) -> T {
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
        // A store's own thread may be at it.
        std::thread::yield_now();
    }
}

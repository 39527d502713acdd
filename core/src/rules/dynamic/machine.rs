//! The machine of a dynamic executor.
//!
//! Tasks are known by their places, counted from 0 in the order in which they were taken in. The host
//! drives:
//!
//! 1. [`Dynamic::add`] takes tasks in, at any time.
//! 2. [`Dynamic::step`] is told which tasks ended and answers which start, how many workers there are
//!    to be, and when to call again. A task that outlived its timeout is told once, has failed, and
//!    its worker counts as free: the host cancels what can be cancelled and replaces a thread that
//!    cannot. Its memory counts until the host tells that it ended.
//! 3. Now and then the host measures the machine: [`Dynamic::measured`].
//!
//! The most urgent task that waits for nothing starts next, the earliest of equal ones. When it needs
//! more memory than is left, nothing overtakes it: small tasks would keep large ones away for good.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use super::advice;
use super::entry::{self, Bounds, Entry};
use super::metrics::{Meter, Metrics};
use super::pool::Pool;
use crate::error::{Error, Result};
use crate::words::Priority;

/// How a task ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finish {
    /// It succeeded.
    Completed,
    /// It failed.
    Failed,
    /// It was cancelled.
    Cancelled,
}

/// What the host does next; tasks by their places.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// Start these, in this order.
    pub start: Vec<u32>,
    /// These ran longer than they may: cancel them; each is told once.
    pub timed_out: Vec<u32>,
    /// These will not start: what they depend on did not complete, or all was cancelled; each is
    /// told once.
    pub cancelled: Vec<u32>,
    /// How many workers there are to be. Fewer than run when the pool shrinks: nobody is
    /// interrupted, and workers leave when their task ends.
    pub workers: u32,
    /// When to call again though nothing ends.
    pub wake: Option<Duration>,
    /// Tasks that have not ended.
    pub open: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Waits for so many tasks.
    Blocked(u32),
    /// Waits for a worker since then.
    Ready(Duration),
    /// Runs since then.
    Running(Duration),
    /// Has failed by its timeout, and may be running still.
    Overdue,
    Ended(Finish),
}

#[derive(Debug)]
struct Node {
    priority: Priority,
    memory_mb: f64,
    timeout: Option<Duration>,
    estimate: Option<Duration>,
    state: State,
    dependents: Vec<u32>,
    /// Seconds of the longest chain that led here.
    chain: f64,
}

/// A dynamic executor. Time is an argument, never stepping back.
///
/// ```
/// use std::time::Duration;
/// use windlass_core::Priority;
/// use windlass_core::rules::dynamic::{Bounds, Dynamic, Entry, Finish};
/// let bounds = Bounds { min_workers: 1, max_workers: 4, cores: 2, memory_limit_mb: None };
/// let mut dynamic = Dynamic::new(bounds)?;
/// let entry = |name: &str, on: &[&str]| Entry {
///     task_id: name.to_owned(),
///     priority: Priority::Normal,
///     dependencies: on.iter().map(|name| (*name).to_owned()).collect(),
///     memory_mb: 0.0,
///     timeout: None,
///     estimate: None,
/// };
/// dynamic.add(Duration::ZERO, vec![entry("report", &["load"]), entry("load", &[])])?;
/// assert_eq!(dynamic.step(Duration::ZERO, &[])?.start, [1]);
/// let plan = dynamic.step(Duration::from_secs(1), &[(1, Finish::Completed)])?;
/// assert_eq!(plan.start, [0]);
/// # Ok::<(), windlass_core::Error>(())
/// ```
#[derive(Debug)]
pub struct Dynamic {
    nodes: Vec<Node>,
    places: HashMap<String, u32>,
    ready: BTreeSet<(Priority, u32)>,
    deadlines: BTreeSet<(Duration, u32)>,
    pool: Pool,
    meter: Meter,
    reserved_mb: f64,
    /// Cancelled since the last plan.
    dropped: Vec<u32>,
    /// A worker is free and the memory of the next task is not.
    starved: bool,
}

impl Dynamic {
    /// An executor without tasks.
    ///
    /// # Errors
    ///
    /// As [`Bounds::check`].
    pub fn new(bounds: Bounds) -> Result<Self> {
        bounds.check()?;
        let mut meter = Meter::default();
        meter.workers(bounds.min_workers);
        Ok(Self {
            nodes: Vec::new(),
            places: HashMap::new(),
            ready: BTreeSet::new(),
            deadlines: BTreeSet::new(),
            pool: Pool::new(bounds),
            meter,
            reserved_mb: 0.0,
            dropped: Vec::new(),
            starved: false,
        })
    }

    /// Takes tasks in, all or none; the place of the first. They start with the next step.
    ///
    /// # Errors
    ///
    /// `invalid_argument` naming `task_id` (twice, empty, too long), `dependencies` (unknown, itself,
    /// twice, a circle), `memory_requirement_mb` (no number from 0, or above the limit) or
    /// `timeout_seconds` (0).
    pub fn add(&mut self, now: Duration, entries: Vec<Entry>) -> Result<u32> {
        let edges = entry::check(&entries, self.pool.bounds(), &self.places)?;
        self.meter.pass(now, self.starved);
        let first = self.nodes.len() as u32;
        self.meter.counts.total += entries.len() as u32;
        self.meter.counts.waiting += entries.len() as u32;
        for (place, entry) in (first..).zip(entries) {
            self.places.insert(entry.task_id, place);
            self.nodes.push(Node {
                priority: entry.priority,
                memory_mb: entry.memory_mb,
                timeout: entry.timeout,
                estimate: entry.estimate,
                state: State::Blocked(0),
                dependents: Vec::new(),
                chain: 0.0,
            });
        }
        let mut lost = Vec::new();
        for edge in edges {
            match self.node(edge.from).state {
                State::Ended(Finish::Completed) => {
                    let chain = self.node(edge.from).chain;
                    let node = self.node_mut(edge.to);
                    node.chain = node.chain.max(chain);
                    continue;
                }
                State::Ended(_) | State::Overdue => lost.push(edge.to),
                _ => {}
            }
            self.node_mut(edge.from).dependents.push(edge.to);
            if let State::Blocked(waits) = &mut self.node_mut(edge.to).state {
                *waits += 1;
            }
        }
        for place in first..self.nodes.len() as u32 {
            if self.node(place).state == State::Blocked(0) {
                self.set_ready(place, now);
            }
        }
        lost.into_iter().for_each(|place| self.drop_waiting(place));
        Ok(first)
    }

    /// Takes in what ended, each with its place, and says what to do next.
    ///
    /// # Errors
    ///
    /// `internal` when a task ended that does not run; nothing is taken in then.
    pub fn step(&mut self, now: Duration, ended: &[(u32, Finish)]) -> Result<Plan> {
        self.check(ended)?;
        self.meter.pass(now, self.starved);
        ended.iter().for_each(|(place, finish)| self.end(*place, *finish, now));
        let timed_out = self.overdue(now);
        let wanted = self.meter.counts.running.saturating_add(self.ready.len() as u32);
        self.pool.fit(now, wanted);
        self.meter.workers(self.pool.size());
        let start = self.start(now);
        let next = self.deadlines.first().map(|(deadline, _)| *deadline);
        let counts = &self.meter.counts;
        Ok(Plan {
            start,
            timed_out,
            cancelled: std::mem::take(&mut self.dropped),
            workers: self.pool.size(),
            wake: [next, self.pool.wake()].into_iter().flatten().min(),
            open: counts.running + counts.waiting,
        })
    }

    /// Takes in how busy the machine is: shares from 0 to 1, and this process's memory in bytes.
    pub fn measured(&mut self, processors: Option<f64>, memory: Option<f64>, resident_bytes: u64) {
        self.pool.measured(processors, memory);
        self.meter.measured(processors, resident_bytes);
    }

    /// Cancels what has not started, told by the next plan, and answers what runs: the host cancels
    /// it and tells how it ended.
    pub fn cancel(&mut self, now: Duration) -> Vec<u32> {
        self.meter.pass(now, self.starved);
        let places = 0..self.nodes.len() as u32;
        places.clone().for_each(|place| self.drop_waiting(place));
        self.starved = false;
        places.filter(|place| matches!(self.node(*place).state, State::Running(_))).collect()
    }

    /// The numbers of the run up to `now`.
    pub fn metrics(&self, now: Duration) -> Metrics {
        self.meter.read(now)
    }

    /// What the run so far says about its settings, most important first.
    pub fn recommendations(&self, now: Duration) -> Vec<String> {
        let (took, thought) = (self.meter.took, self.meter.thought);
        advice::recommendations(&self.meter.read(now), self.pool.bounds(), took, thought)
    }

    fn node(&self, place: u32) -> &Node {
        &self.nodes[place as usize]
    }

    fn node_mut(&mut self, place: u32) -> &mut Node {
        &mut self.nodes[place as usize]
    }

    fn check(&self, ended: &[(u32, Finish)]) -> Result<()> {
        let mut seen = BTreeSet::new();
        for (place, _) in ended {
            let runs = self
                .nodes
                .get(*place as usize)
                .is_some_and(|node| matches!(node.state, State::Running(_) | State::Overdue));
            if !runs || !seen.insert(*place) {
                return Err(Error::internal(format!("task {place} ended and does not run")));
            }
        }
        Ok(())
    }

    fn set_ready(&mut self, place: u32, now: Duration) {
        self.node_mut(place).state = State::Ready(now);
        self.ready.insert((self.node(place).priority, place));
    }

    fn end(&mut self, place: u32, finish: Finish, now: Duration) {
        let node = &self.nodes[place as usize];
        self.reserved_mb = (self.reserved_mb - node.memory_mb).max(0.0);
        let State::Running(since) = node.state else {
            // It failed when its time was over; now its memory is free, too.
            self.node_mut(place).state = State::Ended(Finish::Failed);
            return;
        };
        if let Some(timeout) = node.timeout {
            self.deadlines.remove(&(since.saturating_add(timeout), place));
        }
        self.node_mut(place).state = State::Ended(finish);
        self.leave(place, since, finish, now);
    }

    /// Counts a task that stopped running, and moves what waits for it.
    fn leave(&mut self, place: u32, since: Duration, finish: Finish, now: Duration) {
        let counts = &mut self.meter.counts;
        counts.running -= 1;
        match finish {
            Finish::Completed => counts.completed += 1,
            Finish::Failed => counts.failed += 1,
            Finish::Cancelled => counts.cancelled += 1,
        }
        let ran = now.saturating_sub(since);
        let node = &mut self.nodes[place as usize];
        if finish != Finish::Cancelled {
            self.meter.ended(now, ran, node.estimate);
        }
        node.chain += ran.as_secs_f64();
        let (chain, dependents) = (node.chain, std::mem::take(&mut node.dependents));
        let longest = &mut self.meter.counts.longest_chain_seconds;
        *longest = longest.max(chain);
        for dependent in dependents {
            if finish == Finish::Completed {
                let node = self.node_mut(dependent);
                node.chain = node.chain.max(chain);
                match &mut node.state {
                    State::Blocked(1) => self.set_ready(dependent, now),
                    State::Blocked(waits) => *waits -= 1,
                    _ => {}
                }
            } else {
                self.drop_waiting(dependent);
            }
        }
    }

    /// Cancels a task that has not started, and all that wait for it.
    fn drop_waiting(&mut self, place: u32) {
        let mut places = vec![place];
        while let Some(place) = places.pop() {
            if !matches!(self.node(place).state, State::Blocked(_) | State::Ready(_)) {
                continue;
            }
            self.ready.remove(&(self.node(place).priority, place));
            self.meter.counts.waiting -= 1;
            self.meter.counts.cancelled += 1;
            self.dropped.push(place);
            let node = self.node_mut(place);
            node.state = State::Ended(Finish::Cancelled);
            places.extend(std::mem::take(&mut node.dependents));
        }
    }

    fn overdue(&mut self, now: Duration) -> Vec<u32> {
        let mut overdue = Vec::new();
        while let Some((deadline, place)) = self.deadlines.first().copied()
            && deadline <= now
        {
            self.deadlines.remove(&(deadline, place));
            let State::Running(since) = self.node(place).state else { continue };
            self.node_mut(place).state = State::Overdue;
            self.meter.counts.timed_out += 1;
            self.leave(place, since, Finish::Failed, now);
            overdue.push(place);
        }
        overdue
    }

    fn start(&mut self, now: Duration) -> Vec<u32> {
        let mut start = Vec::new();
        let limit = self.pool.bounds().memory_limit_mb.unwrap_or(f64::INFINITY);
        self.starved = false;
        while self.meter.counts.running < self.pool.size()
            && let Some(next) = self.ready.first().copied()
        {
            let place = next.1;
            let node = &mut self.nodes[place as usize];
            // What needs more than the limit was refused, so an idle executor always starts it;
            // sums of fractions may be a little above what they should be.
            if self.reserved_mb > 0.0 && self.reserved_mb + node.memory_mb > limit * (1.0 + 1e-9) {
                self.starved = true;
                break;
            }
            let State::Ready(since) = node.state else { break };
            node.state = State::Running(now);
            if let Some(timeout) = node.timeout {
                self.deadlines.insert((now.saturating_add(timeout), place));
            }
            self.reserved_mb += node.memory_mb;
            self.ready.remove(&next);
            self.meter.counts.running += 1;
            self.meter.counts.waiting -= 1;
            self.meter.started(now, since, self.reserved_mb);
            start.push(place);
        }
        start
    }
}

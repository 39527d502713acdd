//! A run and the futures of its tasks, driven.

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::time::{Sleep, sleep_until};
use windlass_core::Result;
use windlass_core::rules::dynamic::{Dynamic, Finish, Plan};

use super::execution::{Execution, ExecutionError};
use super::task::ExecutionTask;
use crate::machine::Machine;
use crate::parallel::slots::Slots;

/// Polls in one turn, after which the runtime has its own.
const TURN: u32 = 128;
/// How often the machine is measured at most.
const MEASURE: Duration = Duration::from_millis(250);

/// A task by its place; its future is gone once it started or will not start.
struct Place<F> {
    task_id: String,
    dependencies: Vec<String>,
    timeout: Option<Duration>,
    future: Option<F>,
}

pub(super) struct Drive<F, T, E> {
    dynamic: Dynamic,
    machine: Machine,
    places: Vec<Place<F>>,
    /// Planned to start, and not started yet.
    starts: VecDeque<u32>,
    slots: Slots<F>,
    results: BTreeMap<String, T>,
    errors: BTreeMap<String, ExecutionError<E>>,
    begun: Instant,
    measured: Instant,
    /// When the time of the run is over.
    deadline: Option<Duration>,
    timed_out: bool,
    /// Whether there is any timeout: without one no timer is needed, and a pool that is too large
    /// shrinks with the next task that ends.
    timed: bool,
    wake: Option<(Duration, Pin<Box<Sleep>>)>,
    woken_first: bool,
    is_begun: bool,
    open: u32,
}

impl<F, T, E> Drive<F, T, E>
where
    F: Future<Output = std::result::Result<T, E>>,
{
    pub(super) fn new(
        mut dynamic: Dynamic,
        machine: Machine,
        tasks: Vec<ExecutionTask<F>>,
        deadline: Option<Duration>,
    ) -> Result<Self> {
        dynamic.add(Duration::ZERO, tasks.iter().map(|task| task.entry.clone()).collect())?;
        let timed = deadline.is_some() || tasks.iter().any(|task| task.entry.timeout.is_some());
        let places: Vec<_> = tasks
            .into_iter()
            .map(|ExecutionTask { entry, future }| Place {
                task_id: entry.task_id,
                dependencies: entry.dependencies,
                timeout: entry.timeout,
                future: Some(future),
            })
            .collect();
        let now = Instant::now();
        Ok(Self {
            dynamic,
            machine,
            places,
            starts: VecDeque::new(),
            slots: Slots::new(),
            results: BTreeMap::new(),
            errors: BTreeMap::new(),
            begun: now,
            measured: now,
            deadline,
            timed_out: false,
            timed,
            wake: None,
            woken_first: false,
            is_begun: false,
            open: 0,
        })
    }

    /// Ready when every task has ended.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<()>> {
        self.slots.driven_by(context.waker());
        self.measure();
        if !self.is_begun || self.is_due(context) {
            self.is_begun = true;
            self.look()?;
        }
        let mut left = TURN;
        // As in blocks: neither tasks that are ready at once nor those that woke up keep the others
        // from their turn.
        self.woken_first = !self.woken_first;
        let mut look = self.woken_first;
        while self.open > 0 {
            if left == 0 {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            left -= 1;
            if look {
                look = self.poll_woken()?;
            } else if let Some(place) = self.starts.pop_front() {
                self.start(place)?;
            } else if !self.poll_woken()? {
                if !self.is_due(context) {
                    return Poll::Pending;
                }
                self.look()?;
            }
        }
        self.wake = None;
        Poll::Ready(Ok(()))
    }

    pub(super) fn into_execution(self) -> Execution<T, E> {
        let now = self.begun.elapsed();
        Execution {
            results: self.results,
            errors: self.errors,
            timed_out: self.timed_out,
            metrics: self.dynamic.metrics(now),
            recommendations: self.dynamic.recommendations(now),
        }
    }

    fn measure(&mut self) {
        if self.measured.elapsed() >= MEASURE {
            let busy = self.machine.busy();
            self.dynamic.measured(busy.processors, busy.memory, busy.resident_bytes);
            self.measured = Instant::now();
        }
    }

    fn start(&mut self, place: u32) -> Result<()> {
        // One that timed out before its turn has no future any more.
        let Some(future) = self.places[place as usize].future.take() else { return Ok(()) };
        match self.slots.start(place, future) {
            Poll::Ready(outcome) => self.finish(place, outcome),
            Poll::Pending => Ok(()),
        }
    }

    /// Polls one that woke up; whether there was one.
    fn poll_woken(&mut self) -> Result<bool> {
        match self.slots.poll_woken() {
            None => return Ok(false),
            Some((place, Poll::Ready(outcome))) => self.finish(place, outcome)?,
            Some((_, Poll::Pending)) => {}
        }
        Ok(true)
    }

    fn finish(&mut self, place: u32, outcome: std::result::Result<T, E>) -> Result<()> {
        let finish = match outcome {
            Ok(value) => {
                self.results.insert(self.places[place as usize].task_id.clone(), value);
                Finish::Completed
            }
            Err(error) => {
                self.fail(place, ExecutionError::Failed(error));
                Finish::Failed
            }
        };
        self.step(vec![(place, finish)])
    }

    /// Looks at the clock.
    fn look(&mut self) -> Result<()> {
        let now = self.begun.elapsed();
        if self.deadline.is_none_or(|deadline| now < deadline) {
            return self.step(Vec::new());
        }
        // What ran past its own timeout by now is told as that.
        self.step(Vec::new())?;
        self.deadline = None;
        if self.open == 0 {
            return Ok(());
        }
        self.timed_out = true;
        let running = self.dynamic.cancel(self.begun.elapsed());
        running.iter().for_each(|place| self.fail(*place, ExecutionError::Stopped));
        self.slots.retain(|_| false);
        self.starts.clear();
        self.step(running.into_iter().map(|place| (place, Finish::Cancelled)).collect())
    }

    /// Tells core what ended, and does what it plans.
    fn step(&mut self, mut ended: Vec<(u32, Finish)>) -> Result<()> {
        loop {
            let mut plan = self.dynamic.step(self.begun.elapsed(), &ended)?;
            self.open = plan.open;
            self.starts.extend(&plan.start);
            for place in &plan.timed_out {
                let timeout = self.places[*place as usize].timeout.unwrap_or_default();
                self.fail(*place, ExecutionError::TimedOut(timeout));
            }
            for place in &plan.cancelled {
                let error = self.unmet(*place);
                self.fail(*place, error);
            }
            self.set_timer(&plan);
            if plan.timed_out.is_empty() {
                return Ok(());
            }
            let gone = &mut plan.timed_out;
            gone.sort_unstable();
            self.slots.retain(|place| gone.binary_search(&place).is_err());
            // Dropped, so their memory is free.
            ended = gone.iter().map(|place| (*place, Finish::Failed)).collect();
        }
    }

    /// Takes in why a task did not complete. Its future goes, if it never started.
    fn fail(&mut self, place: u32, error: ExecutionError<E>) {
        let place = &mut self.places[place as usize];
        place.future = None;
        self.errors.insert(place.task_id.clone(), error);
    }

    fn unmet(&self, place: u32) -> ExecutionError<E> {
        if self.timed_out {
            return ExecutionError::Stopped;
        }
        let mut dependencies = self.places[place as usize].dependencies.iter();
        let lost = dependencies.find(|task_id| self.errors.contains_key(*task_id));
        lost.map_or(ExecutionError::Stopped, |task_id| ExecutionError::Unmet(task_id.clone()))
    }

    fn set_timer(&mut self, plan: &Plan) {
        if !self.timed {
            return;
        }
        let wake = [plan.wake, self.deadline].into_iter().flatten().min();
        if wake != self.wake.as_ref().map(|(at, _)| *at) {
            // What the clock cannot tell will not come.
            self.wake = wake
                .and_then(|at| Some((at, self.begun.checked_add(at)?)))
                .map(|(at, instant)| (at, Box::pin(sleep_until(instant.into()))));
        }
    }

    fn is_due(&mut self, context: &mut Context<'_>) -> bool {
        let Some((_, timer)) = &mut self.wake else { return false };
        let due = timer.as_mut().poll(context).is_ready();
        if due {
            // A timer that has gone off is not asked again.
            self.wake = None;
        }
        due
    }
}

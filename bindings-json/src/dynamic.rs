//! Tasks with dependencies on a pool, in the numbers of JavaScript: time is in milliseconds.
//!
//! The host gives each task by `push` and takes all of them in by `add`, which answers the place of the
//! first. It tells each end by `ended`, calls `step`, and reads the plan. What it has to do is said in
//! `windlass_core::rules::dynamic`.

use std::time::Duration;

use windlass_core::rules::dynamic::{self, Bounds, Entry, Finish, Plan};
use windlass_core::words::duration_from_seconds;
use windlass_core::{Error, Priority, Result};

use crate::arguments::whole;

/// A task as JavaScript gives it; what it calls stays there.
#[derive(Debug, Clone)]
pub struct Given {
    /// Unique in its executor.
    pub task_id: String,
    /// A priority's name or number.
    pub priority: String,
    /// What must complete first.
    pub dependencies: Vec<String>,
    /// What it needs while it runs, in MiB.
    pub memory_mb: f64,
    /// How long it may run.
    pub timeout_seconds: Option<f64>,
    /// How long it is thought to run.
    pub estimate_seconds: Option<f64>,
}

/// A dynamic executor and its last plan.
#[derive(Debug)]
pub struct Dynamic {
    /// The machine.
    pub dynamic: dynamic::Dynamic,
    /// What it said last; empty before the first step.
    pub plan: Plan,
    pushed: Vec<Entry>,
    ended: Vec<(u32, Finish)>,
}

impl Dynamic {
    /// An executor without tasks.
    ///
    /// # Errors
    ///
    /// `invalid_argument` naming the field.
    pub fn new(min: f64, max: f64, cores: f64, memory_limit_mb: Option<f64>) -> Result<Self> {
        let workers = |field, number| {
            u32::try_from(whole(field, number)?)
                .map_err(|_| Error::invalid(field, "are more than a pool may have"))
        };
        let dynamic = dynamic::Dynamic::new(Bounds {
            min_workers: workers("min_workers", min)?,
            max_workers: workers("max_workers", max)?,
            // A cast saturates, and takes what is no number for 0.
            cores: cores as u32,
            memory_limit_mb,
        })?;
        Ok(Self { dynamic, plan: Plan::default(), pushed: Vec::new(), ended: Vec::new() })
    }

    /// Puts a task down for the next `add`; after a refusal nothing lies there.
    ///
    /// # Errors
    ///
    /// `invalid_argument` naming `priority`, `timeout_seconds` or `estimated_duration`.
    pub fn push(&mut self, given: Given) -> Result<()> {
        let entry = entry(given);
        if entry.is_err() {
            self.pushed.clear();
        }
        self.pushed.push(entry?);
        Ok(())
    }

    /// Takes in what was put down, all or none; the place of the first.
    ///
    /// # Errors
    ///
    /// As [`dynamic::Dynamic::add`]; nothing lies there then.
    pub fn add(&mut self, now_millis: f64) -> Result<u32> {
        self.dynamic.add(instant(now_millis), std::mem::take(&mut self.pushed))
    }

    /// Puts down an end for the next `step`; `None` is cancelled.
    pub fn ended(&mut self, place: u32, completed: Option<bool>) {
        let finish = match completed {
            Some(true) => Finish::Completed,
            Some(false) => Finish::Failed,
            None => Finish::Cancelled,
        };
        self.ended.push((place, finish));
    }

    /// Takes in the ends that were put down, and makes the next plan.
    ///
    /// # Errors
    ///
    /// As [`dynamic::Dynamic::step`].
    pub fn step(&mut self, now_millis: f64) -> Result<()> {
        let ended = std::mem::take(&mut self.ended);
        self.plan = self.dynamic.step(instant(now_millis), &ended)?;
        Ok(())
    }

    /// When to call again though nothing ends, in milliseconds on the clock of `step`.
    pub fn wake(&self) -> Option<f64> {
        self.plan.wake.map(|wake| wake.as_secs_f64() * 1e3)
    }

    /// Takes in how busy the machine is; shares that are no number are not known.
    pub fn measured(&mut self, processors: f64, memory: f64, resident_bytes: f64) {
        let known = |share: f64| Some(share).filter(|share| !share.is_nan());
        self.dynamic.measured(known(processors), known(memory), resident_bytes as u64);
    }

    /// Cancels what has not started; the places of what runs.
    pub fn cancel(&mut self, now_millis: f64) -> Vec<u32> {
        self.dynamic.cancel(instant(now_millis))
    }

    /// The numbers of the run, in the order in which [`dynamic::Metrics`] declares them.
    pub fn metrics(&self, now_millis: f64) -> Vec<f64> {
        let run = self.dynamic.metrics(instant(now_millis));
        vec![
            run.total.into(),
            run.completed.into(),
            run.failed.into(),
            run.timed_out.into(),
            run.cancelled.into(),
            run.running.into(),
            run.waiting.into(),
            run.wall_seconds,
            run.throughput_per_second,
            run.average_seconds,
            run.p95_seconds,
            run.average_wait_seconds,
            run.utilisation,
            run.workers.into(),
            run.peak_workers.into(),
            run.peak_reserved_mb,
            run.peak_memory_mb,
            run.processors,
            run.memory_wait_seconds,
            run.longest_chain_seconds,
        ]
    }

    /// What the run so far says about its settings, most important first.
    pub fn recommendations(&self, now_millis: f64) -> Vec<String> {
        self.dynamic.recommendations(instant(now_millis))
    }
}

fn entry(given: Given) -> Result<Entry> {
    let seconds = |field, number: Option<f64>| {
        number.map(|number| duration_from_seconds(field, number)).transpose()
    };
    Ok(Entry {
        task_id: given.task_id,
        priority: given.priority.parse::<Priority>()?,
        dependencies: given.dependencies,
        memory_mb: given.memory_mb,
        timeout: seconds("timeout_seconds", given.timeout_seconds)?,
        estimate: seconds("estimated_duration", given.estimate_seconds)?,
    })
}

/// An instant of a monotonic clock; one before its start is read as the start.
fn instant(now_millis: f64) -> Duration {
    Duration::try_from_secs_f64(now_millis / 1e3).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(name: &str, priority: &str, timeout_seconds: Option<f64>) -> Given {
        Given {
            task_id: name.to_owned(),
            priority: priority.to_owned(),
            dependencies: Vec::new(),
            memory_mb: 0.0,
            timeout_seconds,
            estimate_seconds: None,
        }
    }

    fn field<T: std::fmt::Debug>(made: Result<T>) -> String {
        match made.unwrap_err() {
            Error::InvalidArgument { field, .. } => field,
            other => panic!("expected invalid_argument, got {other:?}"),
        }
    }

    #[test]
    fn time_crosses_in_milliseconds() {
        let mut dynamic = Dynamic::new(1.0, 2.0, 4.0, None).unwrap();
        dynamic.push(given("a", "normal", Some(0.25))).unwrap();
        assert_eq!(dynamic.add(1_000.0).unwrap(), 0);
        dynamic.step(1_000.0).unwrap();
        assert_eq!((dynamic.plan.start.clone(), dynamic.wake()), (vec![0], Some(1_250.0)));
        dynamic.ended(0, Some(true));
        dynamic.step(1_100.0).unwrap();
        assert_eq!((dynamic.plan.open, dynamic.metrics(1_100.0)[1]), (0, 1.0));
    }

    #[test]
    fn a_refusal_leaves_nothing_behind() {
        let mut dynamic = Dynamic::new(1.0, 2.0, 4.0, None).unwrap();
        dynamic.push(given("a", "2", None)).unwrap();
        assert_eq!(field(dynamic.push(given("b", "urgent", None))), "priority");
        dynamic.push(given("a", "high", None)).unwrap();
        assert_eq!(dynamic.add(0.0).unwrap(), 0);
        assert_eq!(dynamic.metrics(0.0)[0], 1.0);
    }

    #[test]
    fn numbers_that_are_not_whole_name_their_field() {
        for number in [1.5, f64::NAN, 0.0, -1.0, 1e12] {
            assert_eq!(field(Dynamic::new(number, 4.0, 1.0, None)), "min_workers");
            assert_eq!(field(Dynamic::new(1.0, number, 1.0, None)), "max_workers");
        }
    }
}

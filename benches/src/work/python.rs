//! One Python worker runs a queue of tasks that do nothing: `async def`, with and without one suspension,
//! and `def`; on SQLite and in memory.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;
use windlass::Durability;

use super::drain;
use super::drain::fill;
use super::peers::Peers;
use super::{connect, process, runtime};
use crate::Result;
use crate::options::Options;
use crate::place::{Place, discard};
use crate::rounds::{Beside, Measure, Target, Unit, Workload};

/// Tasks whose drain shows whether memory grows.
const MANY: u32 = 1_000_000;

/// A Python with Windlass in it, and the script that drains.
#[derive(Clone)]
pub(super) struct Python {
    python: PathBuf,
    script: PathBuf,
}

/// How a queue is drained.
#[derive(Clone, Copy)]
struct Drain {
    handler: &'static str,
    /// `None` is the store in memory.
    durability: Option<Durability>,
}

const fn durable(handler: &'static str, durability: Durability) -> Drain {
    Drain { handler, durability: Some(durability) }
}

impl Python {
    pub(super) fn of(options: &Options) -> Option<Self> {
        let (python, script) = options.python.clone().zip(options.python_worker.clone())?;
        Some(Self { python, script })
    }

    /// A workload that drains `tasks`.
    fn drain(
        &self,
        how: Drain,
        tasks: u32,
        beside: Option<Beside>,
        target: Option<Target>,
    ) -> Workload {
        let what = match how.durability {
            Some(Durability::Full) => "full",
            Some(Durability::Normal) => "normal",
            None => "in memory",
        };
        Workload {
            name: format!("drain by Python, {}, {what}", how.handler),
            parts: &[],
            unit: Unit::TasksPerSecond,
            ours: self.rate(how, tasks),
            beside,
            target,
        }
    }

    fn rate(&self, how: Drain, tasks: u32) -> Measure {
        let me = self.clone();
        Box::new(move |place| {
            let file = how.durability.map(|_| place.file());
            let url = file.as_ref().map(|file| format!("sqlite:{}", file.display()));
            let mut command = me.command(url.as_deref().unwrap_or("memory:"), how, tasks);
            let answer = answer(command.arg("--submit"))?;
            file.iter().for_each(|file| discard(file));
            Ok(vec![f64::from(tasks) / number(&answer, "seconds")?])
        })
    }

    /// Tasks per second of a drain by `async def` handlers.
    pub(super) fn drain_async(&self, durability: Durability, tasks: u32) -> Measure {
        self.rate(durable("async", durability), tasks)
    }

    fn command(&self, url: &str, how: Drain, tasks: u32) -> Command {
        let mut command = Command::new(&self.python);
        command.arg(&self.script).args(["--handler", how.handler, "--url", url]);
        command.args(["--tasks", &tasks.to_string()]);
        if how.durability == Some(Durability::Normal) {
            command.args(["--durability", "normal"]);
        }
        command
    }

    /// Memory of a worker that drains a million tasks which another process stored.
    fn memory(&self) -> Workload {
        let me = self.clone();
        Workload {
            name: "memory of a Python worker that drains a million".to_owned(),
            parts: &["most", "growth after the first tenth"],
            unit: Unit::Mebibytes,
            ours: Box::new(move |place| {
                let file = place.file();
                runtime()?.block_on(async {
                    let client = connect(&file, Durability::Normal).await?;
                    fill(&client, MANY).await?;
                    Result::Ok(client.close().await?)
                })?;
                let url = format!("sqlite:{}", file.display());
                let answer =
                    answer(&mut me.command(&url, durable("async", Durability::Normal), MANY))?;
                discard(&file);
                let most = number(&answer, "max_rss_bytes")?;
                let early = number(&answer, "tenth_max_rss_bytes")?;
                Ok(vec![most / f64::from(1 << 20), (most - early) / f64::from(1 << 20)])
            }),
            beside: None,
            target: Some(Target::Values(&[100.0, 5.0])),
        }
    }

    fn idleness(&self) -> Workload {
        let me = self.clone();
        Workload {
            name: "processor time of an idle Python worker".to_owned(),
            parts: &[],
            unit: Unit::Percent,
            ours: Box::new(move |place| {
                let file = place.file();
                let url = format!("sqlite:{}", file.display());
                let mut command = me.command(&url, durable("async", Durability::Full), 1);
                let mut worker = command.stdout(Stdio::null()).spawn()?;
                let share = process::idle_share(worker.id());
                worker.kill()?;
                worker.wait()?;
                discard(&file);
                Ok(vec![share?])
            }),
            beside: None,
            target: Some(Target::Values(&[1.0])),
        }
    }
}

/// The workloads of every run, when there is a Python to run them.
pub(super) fn workloads(options: &Options) -> Vec<Workload> {
    let Some(python) = Python::of(options) else { return Vec::new() };
    let tasks = options.tasks;
    let raw = || -> Option<Beside> {
        Some(("raw", Box::new(move |place| drain::raw(place, Durability::Full, tasks))))
    };
    let memory = |handler, target| {
        python.drain(Drain { handler, durability: None }, 5 * tasks, None, target)
    };
    vec![
        python.drain(durable("async", Durability::Full), tasks, raw(), None),
        python.drain(durable("sync", Durability::Full), tasks, raw(), None),
        memory("async", Some(Target::Values(&[150_000.0]))),
        memory("suspending", Some(Target::Values(&[80_000.0]))),
        memory("sync", None),
    ]
}

/// The workloads of a long run.
pub(super) fn long_workloads(options: &Options, peers: &Peers) -> Vec<Workload> {
    let Some(python) = Python::of(options) else { return Vec::new() };
    let tasks = options.tasks;
    let beside = |durability| -> Beside {
        let peers = peers.clone();
        match durability {
            Durability::Normal => (
                "plainjob",
                Box::new(move |place: &Place| Ok(vec![peers.plainjob(place, tasks, false)?.1])),
            ),
            Durability::Full => {
                ("huey", Box::new(move |place: &Place| Ok(vec![peers.huey(place)?.1])))
            }
        }
    };
    let mut workloads = Vec::new();
    for (durability, times) in [(Durability::Normal, 5.0), (Durability::Full, 8.0)] {
        for handler in ["async", "sync"] {
            let (how, target) = (durable(handler, durability), Some(Target::Times(times)));
            workloads.push(python.drain(how, tasks, Some(beside(durability)), target));
        }
    }
    workloads.push(python.idleness());
    workloads.push(python.memory());
    workloads
}

fn answer(command: &mut Command) -> Result<Value> {
    let output = command.output()?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        return Err(format!("the Python worker ended badly:\n{text}").into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn number(answer: &Value, key: &str) -> Result<f64> {
    Ok(answer[key].as_f64().ok_or_else(|| format!("the Python worker told no {key}"))?)
}

//! The Node package: one worker runs a queue of tasks that do nothing, and callers submit. Beside it the
//! same by Rust, by the Python worker or by plainjob, in the same run.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use windlass::Durability;

use super::peers::Peers;
use super::python::Python;
use super::{WARM, bulk, concurrent};
use crate::Result;
use crate::options::Options;
use crate::place::{Place, discard};
use crate::rounds::{Beside, Measure, Target, Unit, Workload};

/// Tasks of a drain in memory, for each of `--tasks`: enough for the compiler to have done its work.
const IN_MEMORY: u32 = 10;

/// A folder with the package in the release profile, and the program that works with it.
#[derive(Clone)]
struct Node {
    package: PathBuf,
    program: PathBuf,
}

impl Node {
    fn of(options: &Options) -> Option<Self> {
        let (package, program) = options.node_package.clone().zip(options.node_work.clone())?;
        Some(Self { package, program })
    }

    /// What the program tells about one work on a new file, or in memory without a durability.
    fn answer(
        &self,
        place: &Place,
        work: &str,
        durability: Option<Durability>,
        told: &[(&str, u32)],
    ) -> Result<Value> {
        let file = durability.map(|_| place.file());
        let url = file.as_ref().map(|file| format!("sqlite:{}", file.display()));
        let mut command = Command::new("node");
        command.arg(&self.program).args([work, "--url", url.as_deref().unwrap_or("memory:")]);
        if durability == Some(Durability::Normal) {
            command.args(["--durability", "normal"]);
        }
        for (name, number) in told {
            command.arg(format!("--{name}={number}"));
        }
        let output = command.env("WINDLASS_PACKAGE", &self.package).output()?;
        file.iter().for_each(|file| discard(file));
        if !output.status.success() {
            let text = String::from_utf8_lossy(&output.stderr);
            return Err(format!("Node ended badly:\n{text}").into());
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    fn drain(&self, durability: Option<Durability>, tasks: u32) -> Measure {
        let me = self.clone();
        Box::new(move |place| rate(&me.answer(place, "drain", durability, &[("tasks", tasks)])?))
    }

    /// How late timers of the event loop come while a worker drains.
    fn delay(&self, durability: Option<Durability>, tasks: u32) -> Workload {
        let me = self.clone();
        Workload {
            name: format!("event loop's delay in a drain by Node, {}", shown(durability)),
            parts: &["p50", "p99"],
            unit: Unit::Milliseconds,
            ours: Box::new(move |place| {
                let answer = me.answer(place, "drain", durability, &[("tasks", tasks)])?;
                Ok(vec![
                    number(&answer, "loop_delay_p50_ms")?,
                    number(&answer, "loop_delay_p99_ms")?,
                ])
            }),
            beside: None,
            target: Some(Target::Values(&[20.0, 20.0])),
        }
    }

    fn submits(&self, work: &'static str, durability: Durability, options: &Options) -> Measure {
        let (me, millis) = (self.clone(), options.time as u32);
        Box::new(move |place| {
            let told = [("millis", millis), ("warm", WARM)];
            rate(&me.answer(place, work, Some(durability), &told)?)
        })
    }
}

/// The workloads of every run, when there is a Node to run them.
pub(super) fn workloads(options: &Options) -> Vec<Workload> {
    let Some(node) = Node::of(options) else { return Vec::new() };
    let (tasks, time) = (options.tasks, options.time());
    let python = Python::of(options)
        .map(|python| -> Beside { ("Python", python.drain_async(Durability::Normal, 5 * tasks)) });
    let rust = |measure: fn(&Place, Durability, std::time::Duration) -> Result<Vec<f64>>,
                durability|
     -> Option<Beside> {
        Some(("Rust", Box::new(move |place| measure(place, durability, time))))
    };
    let workload = |name: &str, ours, beside, target| Workload {
        name: name.to_owned(),
        parts: &[],
        unit: Unit::TasksPerSecond,
        ours,
        beside,
        target: Some(target),
    };
    vec![
        workload(
            "drain by Node, in memory",
            node.drain(None, IN_MEMORY * tasks),
            None,
            Target::Values(&[150_000.0]),
        ),
        workload(
            "drain by Node, normal",
            node.drain(Some(Durability::Normal), 5 * tasks),
            python,
            Target::Times(1.0),
        ),
        workload(
            "submit from 64 callers by Node, full",
            node.submits("submit", Durability::Full, options),
            rust(concurrent::ours, Durability::Full),
            Target::Times(0.8),
        ),
        workload(
            "submit 1000 by a call by Node, normal",
            node.submits("bulk", Durability::Normal, options),
            rust(bulk::batches, Durability::Normal),
            Target::Times(0.8),
        ),
        node.delay(None, IN_MEMORY * tasks),
        node.delay(Some(Durability::Normal), 5 * tasks),
    ]
}

/// The workloads of a long run.
pub(super) fn long_workloads(options: &Options, peers: &Peers) -> Vec<Workload> {
    let Some(node) = Node::of(options) else { return Vec::new() };
    let (tasks, peers) = (options.tasks, peers.clone());
    vec![Workload {
        name: "submit 1000 by a call by Node, normal".to_owned(),
        parts: &[],
        unit: Unit::TasksPerSecond,
        ours: node.submits("bulk", Durability::Normal, options),
        beside: Some((
            "plainjob",
            Box::new(move |place| Ok(vec![peers.plainjob(place, tasks, false)?.0])),
        )),
        target: Some(Target::Times(1.0)),
    }]
}

const fn shown(durability: Option<Durability>) -> &'static str {
    match durability {
        Some(Durability::Full) => "full",
        Some(Durability::Normal) => "normal",
        None => "in memory",
    }
}

fn rate(answer: &Value) -> Result<Vec<f64>> {
    Ok(vec![number(answer, "tasks")? / number(answer, "seconds")?])
}

fn number(answer: &Value, key: &str) -> Result<f64> {
    Ok(answer[key].as_f64().ok_or_else(|| format!("Node told no {key}"))?)
}

//! One Python worker runs a queue of tasks that do nothing, `async def` and `def`, on SQLite and in
//! memory. Raw is what SQLite alone can do, as for the Rust worker.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use windlass::Durability;

use super::drain;
use crate::Result;
use crate::options::Options;
use crate::place::{Place, discard};
use crate::rounds::{Unit, Workload};

/// The workloads, when there is a Python to run them.
pub(super) fn workloads(options: &Options) -> Vec<Workload> {
    let (Some(python), Some(script)) = (&options.python, &options.python_worker) else {
        return Vec::new();
    };
    let tasks = options.tasks;
    let make = |name, handler: &'static str, durable: bool| {
        let (python, script) = (python.clone(), script.clone());
        Workload {
            name,
            parts: &[],
            unit: Unit::TasksPerSecond,
            ours: Box::new(move |place| {
                let file = durable.then(|| place.file());
                let drained = ours(&python, &script, handler, file.as_deref(), tasks);
                file.iter().for_each(|file| discard(file));
                drained
            }),
            raw: durable.then(|| -> Box<dyn Fn(&Place) -> Result<Vec<f64>>> {
                Box::new(move |place| drain::raw(place, Durability::Full, tasks))
            }),
        }
    };
    vec![
        make("drain by Python, async, full", "async", true),
        make("drain by Python, sync, full", "sync", true),
        make("drain by Python, async, in memory", "async", false),
        make("drain by Python, sync, in memory", "sync", false),
    ]
}

fn ours(
    python: &PathBuf,
    script: &Path,
    handler: &str,
    file: Option<&Path>,
    tasks: u32,
) -> Result<Vec<f64>> {
    let url =
        file.map_or_else(|| "memory:".to_owned(), |file| format!("sqlite:{}", file.display()));
    let output = Command::new(python)
        .arg(script)
        .args(["--handler", handler, "--url", &url, "--tasks", &tasks.to_string()])
        .output()?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        return Err(format!("the Python worker ended badly:\n{text}").into());
    }
    let answer: Value = serde_json::from_slice(&output.stdout)?;
    let seconds = answer["seconds"].as_f64().ok_or("the Python worker told no time")?;
    Ok(vec![f64::from(tasks) / seconds])
}

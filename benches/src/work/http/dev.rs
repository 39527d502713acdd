//! `windlass dev`: from its start to the first submit that was taken, and what it holds when idle.

use std::cell::RefCell;
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::super::other::Other;
use super::super::process::resident_kib;
use super::super::{runtime, spec};
use crate::Result;
use crate::place::{Place, discard};
use crate::rounds::{Measure, Target, Unit, Workload};

/// After the first submit, so that what a start needs is given back.
const REST: Duration = Duration::from_secs(2);

/// One run gives both figures.
type Figures = Rc<RefCell<[Option<Vec<f64>>; 2]>>;

/// How soon it takes a submit, and its memory when idle.
pub(super) fn workloads() -> Vec<Workload> {
    let figures = Figures::default();
    let of = |which: usize| -> Measure {
        let figures = figures.clone();
        Box::new(move |place| {
            if figures.borrow()[which].is_none() {
                *figures.borrow_mut() = measure(place)?.map(Some);
            }
            Ok(figures.borrow_mut()[which].take().unwrap_or_default())
        })
    };
    let one = |name: &str, unit, which, target| Workload {
        name: format!("windlass dev, {name}, http"),
        parts: &[],
        unit,
        ours: of(which),
        beside: None,
        target: Some(Target::Values(target)),
    };
    vec![
        one("start to first submit taken", Unit::Milliseconds, 0, &[300.0]),
        one("memory when idle", Unit::Mebibytes, 1, &[40.0]),
    ]
}

fn measure(place: &Place) -> Result<[Vec<f64>; 2]> {
    let file = place.file();
    let program = std::env::current_exe()?.with_file_name("windlass");
    let mut command = Command::new(&program);
    command.args(["dev", "--port", "0", "--store"]);
    command.arg(format!("sqlite:{}", file.display())).stderr(Stdio::inherit());
    let start = Instant::now();
    let mut dev = Other::of(command).map_err(|e| format!("{}: {e}", program.display()))?;
    let url = loop {
        let line = dev.line()?;
        let url = line.split_whitespace().find(|word| word.starts_with("http://"));
        if let Some(url) = url {
            break url.to_owned();
        }
    };
    let taken = runtime()?.block_on(async {
        let client = windlass::connect(&url).await?;
        client.submit(spec(0)).await?;
        let taken = start.elapsed();
        client.close().await?;
        Result::Ok(taken)
    })?;
    std::thread::sleep(REST);
    let memory = resident_kib(dev.pid())? / 1024.0;
    drop(dev);
    discard(&file);
    Ok([vec![taken.as_secs_f64() * 1e3], vec![memory]])
}

//! `POST /tasks` from 64 connections by `wrk`, beside a bare route that reads the same body.

use std::path::PathBuf;
use std::process::Command;

use windlass::Durability;

use super::super::drain::fill;
use super::super::{WARM, connect, runtime};
use super::servers::Serving;
use crate::Result;
use crate::place::{Place, discard};
use crate::rounds::{Target, Unit, Workload};

const CONNECTIONS: u32 = 64;
/// Whole seconds: `wrk` takes no others.
const WARMING: u32 = 1;
const SECONDS: u32 = 3;

/// Where the tasks go.
#[derive(Clone, Copy)]
enum Store {
    Memory,
    Sqlite,
}

/// The workloads in memory and on disk.
pub(super) fn workloads() -> Vec<Workload> {
    let one = |name: &str, store, times| Workload {
        name: format!("POST /tasks by http, 64 connections, {name}"),
        parts: &[],
        unit: Unit::TasksPerSecond,
        ours: Box::new(move |place| windlass(place, store)),
        beside: Some(("bare route", Box::new(bare))),
        target: Some(Target::Times(times)),
    };
    vec![one("in memory", Store::Memory, 0.6), one("full", Store::Sqlite, 0.5)]
}

fn windlass(place: &Place, store: Store) -> Result<Vec<f64>> {
    let file = place.file();
    let store = match store {
        Store::Memory => "memory:".to_owned(),
        Store::Sqlite => {
            runtime()?.block_on(async {
                let client = connect(&file, Durability::Full).await?;
                fill(&client, WARM).await?;
                Result::Ok(client.close().await?)
            })?;
            format!("sqlite:{}", file.display())
        }
    };
    let serving = Serving::windlass(&store, Durability::Full)?;
    let rate = load(place, &serving.url)?;
    drop(serving);
    discard(&file);
    Ok(vec![rate])
}

fn bare(place: &Place) -> Result<Vec<f64>> {
    let serving = Serving::bare()?;
    Ok(vec![load(place, &serving.url)?])
}

/// Requests per second, after a while of warming.
fn load(place: &Place, url: &str) -> Result<f64> {
    let script: PathBuf = place.path().join("post.lua");
    std::fs::write(&script, include_str!("post.lua"))?;
    wrk(&script, url, WARMING)?;
    wrk(&script, url, SECONDS)
}

fn wrk(script: &std::path::Path, url: &str, seconds: u32) -> Result<f64> {
    let output = Command::new("wrk")
        .args(["--threads", "1", "--connections", &CONNECTIONS.to_string()])
        .args(["--duration", &format!("{seconds}s"), "--script"])
        .arg(script)
        .arg(format!("{url}/api/v1/tasks"))
        .output()
        .map_err(|e| format!("wrk: {e}; apt-get install wrk"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() || text.contains("Non-2xx") || text.contains("Socket errors") {
        let told = String::from_utf8_lossy(&output.stderr);
        return Err(format!("the load was not taken whole:\n{text}{told}").into());
    }
    let rate = text.lines().find_map(|line| line.strip_prefix("Requests/sec:"));
    Ok(rate.ok_or("wrk told no rate")?.trim().parse()?)
}

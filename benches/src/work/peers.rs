//! The same work by others that keep their queues in SQLite: plainjob (Node) and huey (Python). Their
//! programs are in `benches/peers`; `install.sh` there installs them.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::Result;
use crate::place::{Place, discard};

/// Tasks that huey runs: it waits for the disk with each.
const HUEY_TASKS: u32 = 2_000;

/// Where the peers are installed, and where their programs are.
#[derive(Debug, Clone)]
pub(super) struct Peers {
    /// The folder that `install.sh` prints.
    pub(super) installed: PathBuf,
    /// `benches/peers`.
    pub(super) programs: PathBuf,
}

impl Peers {
    /// Jobs per second that plainjob stores by `addMany` of 1000, and that its worker drains.
    pub(super) fn plainjob(&self, place: &Place, tasks: u32, full: bool) -> Result<(f64, f64)> {
        let file = place.file();
        let mut command = Command::new("node");
        command.arg(self.programs.join("plainjob_peer.mjs")).arg(&file).arg(tasks.to_string());
        command.arg(if full { "full" } else { "normal" });
        command.env("WINDLASS_PEERS", &self.installed);
        let rates = run(command, tasks);
        discard(&file);
        rates
    }

    /// Tasks per second that huey stores one by one, and that its consumer drains.
    pub(super) fn huey(&self, place: &Place) -> Result<(f64, f64)> {
        let file = place.file();
        let mut command = Command::new(self.installed.join("python/bin/python"));
        command.arg(self.programs.join("huey_peer.py")).arg(&file).arg(HUEY_TASKS.to_string());
        let rates = run(command, HUEY_TASKS);
        discard(&file);
        rates
    }

    /// Whether they are there; an error that says what to do when not.
    pub(super) fn check(&self) -> Result<()> {
        let missing = |what: &Path| -> Result<()> {
            Err(format!(
                "the peers are not installed ({}): run benches/peers/install.sh",
                what.display()
            )
            .into())
        };
        let parts = ["installed", "python/bin/python", "node/node_modules/plainjob"];
        parts
            .iter()
            .map(|part| self.installed.join(part))
            .find(|p| !p.exists())
            .map_or(Ok(()), |p| missing(&p))
    }
}

fn run(mut command: Command, tasks: u32) -> Result<(f64, f64)> {
    let output = command.output().map_err(|e| format!("{:?}: {e}", command.get_program()))?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        return Err(format!("a peer ended badly:\n{text}").into());
    }
    let answer: Value = serde_json::from_slice(&output.stdout)?;
    let rate = |key: &str| {
        let seconds = answer[key].as_f64().ok_or_else(|| format!("a peer told no {key}"))?;
        Result::Ok(f64::from(tasks) / seconds)
    };
    Ok((rate("submit_seconds")?, rate("drain_seconds")?))
}

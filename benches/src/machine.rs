//! What the figures were measured on. No name of a host.

use std::path::Path;

use serde_json::{Value, json};

/// Processors, memory, disk and versions, as far as the system tells.
pub(crate) struct Machine {
    processor: String,
    cores: usize,
    memory_gib: Option<f64>,
    disk: String,
}

impl Machine {
    /// Looks at the machine, and at the disk beneath `folder`.
    pub(crate) fn look(folder: &Path) -> Self {
        let line = |file: &str, key: &str| {
            let text = std::fs::read_to_string(file).ok()?;
            let line = text.lines().find(|line| line.starts_with(key))?.to_owned();
            line.split_once(':').map(|(_, value)| value.trim().to_owned())
        };
        let kib = line("/proc/meminfo", "MemTotal");
        let kib = kib.and_then(|text| text.split(' ').next()?.parse::<f64>().ok());
        Self {
            processor: line("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown".to_owned()),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_gib: kib.map(|kib| kib / f64::from(1 << 20)),
            disk: disk(folder).unwrap_or_else(|| "unknown".to_owned()),
        }
    }

    /// One line for people.
    pub(crate) fn line(&self) -> String {
        let memory =
            self.memory_gib.map_or_else(String::new, |gib| format!(", {gib:.0} GiB memory"));
        format!(
            "{} cores of {}{memory}, {} disk, SQLite {}, {} {}, {} profile",
            self.cores,
            self.processor,
            self.disk,
            rusqlite::version(),
            std::env::consts::OS,
            std::env::consts::ARCH,
            profile(),
        )
    }

    /// The same for programs.
    pub(crate) fn record(&self) -> Value {
        json!({
            "processor": self.processor,
            "cores": self.cores,
            "memory_gib": self.memory_gib,
            "disk": self.disk,
            "os": std::env::consts::OS,
            "arch": std::env::consts::ARCH,
            "sqlite": rusqlite::version(),
            "profile": profile(),
        })
    }
}

const fn profile() -> &'static str {
    if cfg!(debug_assertions) { "debug" } else { "release" }
}

/// The file system that holds the folder, by the longest mount point that leads to it.
fn disk(folder: &Path) -> Option<String> {
    let folder = std::fs::canonicalize(folder).ok()?;
    let mounts = std::fs::read_to_string("/proc/mounts").ok()?;
    let mounts = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ');
        let (device, point, kind) = (words.next()?, words.next()?, words.next()?);
        folder.starts_with(point).then(|| (point.len(), device.to_owned(), kind.to_owned()))
    });
    let (_, device, kind) = mounts.max_by_key(|(length, ..)| *length)?;
    let base = device.rsplit('/').next()?.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned();
    let spins = std::fs::read_to_string(format!("/sys/block/{base}/queue/rotational")).ok();
    let virtual_ = if base.starts_with("vd") { "virtual " } else { "" };
    Some(match spins.as_deref().map(str::trim) {
        Some("0") => format!("{virtual_}solid-state {kind}"),
        Some(_) => format!("{virtual_}{kind}"),
        None => kind,
    })
}

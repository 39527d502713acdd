//! What a process knows, line by line, as far as it got.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A log that is appended to with one write a line: a killed process leaves whole lines.
pub(super) struct Log(File);

impl Log {
    /// The log of this process for one kind of line.
    pub(super) fn open(folder: &Path, kind: &str) -> io::Result<Self> {
        let name = format!("{kind}-{}.log", std::process::id());
        OpenOptions::new().create(true).append(true).open(folder.join(name)).map(Self)
    }

    pub(super) fn write(&self, line: &str) -> io::Result<()> {
        (&self.0).write_all(format!("{line}\n").as_bytes())
    }
}

/// Time since the machine started, the same in all its processes.
pub(super) fn machine_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a timespec that lives through the call.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time) };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// A line that says that something happened to a task now.
pub(super) fn stamped(task_id: &str) -> String {
    format!("{task_id} {}", machine_time().as_nanos())
}

fn files(folder: &Path, kind: &str) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.starts_with(kind) && name.ends_with(".log") {
            files.push(path);
        }
    }
    Ok(files)
}

/// First words of all lines of a kind.
pub(super) fn ids(folder: &Path, kind: &str) -> io::Result<Vec<String>> {
    Ok(stamps(folder, kind)?.into_iter().map(|(id, _)| id).collect())
}

/// All lines of a kind.
pub(super) fn lines(folder: &Path, kind: &str) -> io::Result<Vec<String>> {
    let mut lines = Vec::new();
    for path in files(folder, kind)? {
        let text = std::fs::read_to_string(path)?;
        // What has no end of line was being written when its process died.
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        lines.extend(whole.lines().map(str::to_owned));
    }
    Ok(lines)
}

/// All lines of a kind: task, and when, in nanoseconds, where it is told.
pub(super) fn stamps(folder: &Path, kind: &str) -> io::Result<Vec<(String, u128)>> {
    let split = |line: String| {
        let (id, time) = line.split_once(' ').unwrap_or((&line, "0"));
        (id.to_owned(), time.parse().unwrap_or_default())
    };
    Ok(lines(folder, kind)?.into_iter().map(split).collect())
}

/// The earliest time per task of a kind.
pub(super) fn earliest(folder: &Path, kind: &str) -> io::Result<HashMap<String, u128>> {
    let mut first = HashMap::new();
    for (id, time) in stamps(folder, kind)? {
        first.entry(id).and_modify(|known: &mut u128| *known = time.min(*known)).or_insert(time);
    }
    Ok(first)
}

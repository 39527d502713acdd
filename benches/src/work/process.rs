//! What the system tells about another process.

use std::time::{Duration, Instant};

use crate::Result;

/// How long an idle process is watched. Its time is told in hundredths of a second.
const WATCHED: Duration = Duration::from_secs(10);
/// What it has to do at its start is not idleness.
const SETTLING: Duration = Duration::from_secs(2);

/// Processor time that an idle process takes, in percent of one processor.
pub(super) fn idle_share(pid: u32) -> Result<f64> {
    std::thread::sleep(SETTLING);
    let (before, start) = (ticks(pid)?, Instant::now());
    std::thread::sleep(WATCHED);
    let used = (ticks(pid)? - before) as f64 / TICKS_PER_SECOND;
    Ok(100.0 * used / start.elapsed().as_secs_f64())
}

/// Of the kernel's accounting, the same on every Linux that runs today.
const TICKS_PER_SECOND: f64 = 100.0;

fn ticks(pid: u32) -> Result<u64> {
    let file = format!("/proc/{pid}/stat");
    let stat = std::fs::read_to_string(&file)
        .map_err(|e| format!("{file}: {e}; processor time is measured on Linux only"))?;
    // The name in parentheses may hold spaces; behind it are fields 3 and following.
    let (_, fields) = stat.rsplit_once(')').ok_or("an odd stat file")?;
    let fields: Vec<_> = fields.split_whitespace().collect();
    let field = |n: usize| fields.get(n - 3).and_then(|text| text.parse::<u64>().ok());
    // User and system time: fields 14 and 15.
    field(14).zip(field(15)).map(|(user, system)| user + system).ok_or("an odd stat file".into())
}

/// Memory that a process holds now, in KiB.
pub(super) fn resident_kib(pid: u32) -> Result<f64> {
    let file = format!("/proc/{pid}/status");
    let status = std::fs::read_to_string(&file)
        .map_err(|e| format!("{file}: {e}; memory is measured on Linux only"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()).ok_or("an odd status file")?;
    Ok(kib.parse()?)
}

//! Starting, stopping and killing.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::log;
use super::verdict::{self, Verdict};

/// What is to happen.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Processes to kill.
    pub kills: u32,
    /// The program whose parts are `submit`, `work`, `watch`, `serve` and `follow`.
    pub program: PathBuf,
    /// Where a server is to listen; without one every process opens the file.
    pub served: Option<SocketAddr>,
    /// An interpreter and a script, for workers in Python.
    pub python: Option<(PathBuf, PathBuf)>,
    /// Where the file and the logs go.
    pub folder: PathBuf,
}

/// How long all that was begun may take to end.
const PATIENCE: Duration = Duration::from_secs(120);

/// The part that serves; the first one.
const SERVER: &str = "serve";

struct Process {
    part: &'static str,
    child: Child,
}

impl Process {
    fn start(plan: &Plan, part: &'static str) -> io::Result<Self> {
        let mut command = match (part, &plan.python) {
            ("python", Some((interpreter, script))) => {
                let mut command = Command::new(interpreter);
                command.arg(script);
                command
            }
            _ => {
                let mut command = Command::new(&plan.program);
                command.arg(part);
                command
            }
        };
        let complaints = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(plan.folder.join(format!("{part}.err")))?;
        match (part, plan.served) {
            (SERVER, Some(address)) => command.arg(store(plan)).arg(address.to_string()),
            (_, Some(address)) => command.arg(format!("http://{address}")).arg(&plan.folder),
            (_, None) => command.arg(store(plan)).arg(&plan.folder),
        };
        let child =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(complaints).spawn()?;
        Ok(Self { part, child })
    }

    /// Kills it and starts another of its kind. One that ended by itself is a failure.
    fn replace(&mut self, plan: &Plan) -> io::Result<()> {
        self.is_up(plan)?;
        self.child.kill()?;
        self.child.wait()?;
        *self = Self::start(plan, self.part)?;
        Ok(())
    }

    fn is_up(&mut self, plan: &Plan) -> io::Result<()> {
        let Some(status) = self.child.try_wait()? else { return Ok(()) };
        let name = plan.folder.join(format!("{}.err", self.part));
        let text = std::fs::read_to_string(name).unwrap_or_default();
        Err(io::Error::other(format!("a {} ended by itself, {status}: {text}", self.part)))
    }

    fn signal(&self, signal: i32) {
        // SAFETY: plain system call on a child that has not been waited for.
        unsafe { libc::kill(self.child.id() as i32, signal) };
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn store(plan: &Plan) -> String {
    format!("sqlite:{}", plan.folder.join("crash.db").display())
}

fn draw(end: usize) -> usize {
    (windlass_core::rules::chance::unit() * end as f64) as usize
}

/// Runs the plan and judges it. `say` is told how it goes.
///
/// # Errors
///
/// When a process could not be started or ended by itself.
pub fn run(plan: &Plan, mut say: impl FnMut(&str)) -> io::Result<Verdict> {
    let mut parts = vec!["submit", "submit", "work", "work", "watch"];
    parts.extend(plan.python.as_ref().map(|_| "python"));
    if plan.served.is_some() {
        parts.insert(0, SERVER);
        parts.push("follow");
    }
    let started: io::Result<Vec<Process>> =
        parts.iter().map(|part| Process::start(plan, part)).collect();
    let mut processes = started?;
    let mut verdict = Verdict::default();
    std::thread::sleep(Duration::from_millis(800));
    for kill in 1..=plan.kills {
        std::thread::sleep(Duration::from_millis(20 + draw(250) as u64));
        // The server, when there is one, dies as often as all others together.
        let server_dies = plan.served.is_some() && draw(2) == 0;
        let victim = if server_dies { 0 } else { draw(processes.len()) };
        verdict.servers_killed += u32::from(processes[victim].part == SERVER);
        processes[victim].replace(plan)?;
        if kill % 10 == 0 {
            power_cut(plan, &processes, kill, &mut verdict)?;
            say(&format!("{kill} kills, {} power cuts", verdict.power_cuts));
        }
        for process in &mut processes {
            process.is_up(plan)?;
        }
    }
    processes.retain(|process| process.part != "submit");
    say("no more submits; waiting for what was begun");
    let end = Instant::now() + PATIENCE;
    while verdict::open_tasks(&store(plan))? > 0 && Instant::now() < end {
        for process in &mut processes {
            process.is_up(plan)?;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    // The watcher sees the last completions.
    std::thread::sleep(Duration::from_millis(300));
    drop(processes);
    verdict.kills = plan.kills;
    verdict::judge(&store(plan), &plan.folder, &mut verdict)?;
    Ok(verdict)
}

/// Copies the file and its journal while everything stands still, and looks whether the copy holds what
/// was acknowledged by then.
fn power_cut(
    plan: &Plan,
    processes: &[Process],
    number: u32,
    verdict: &mut Verdict,
) -> io::Result<()> {
    processes.iter().for_each(|process| process.signal(libc::SIGSTOP));
    // A stop is taken at the next return from the kernel; a write that is under way ends first.
    std::thread::sleep(Duration::from_millis(20));
    let copied = copy(&plan.folder, number);
    let acknowledged = log::ids(&plan.folder, "acknowledged");
    let composed = verdict::composed(&plan.folder);
    processes.iter().for_each(|process| process.signal(libc::SIGCONT));
    let (copy, mut acknowledged, composed) = (copied?, acknowledged?, composed?);
    acknowledged.extend(composed.1);
    verdict.power_cuts += 1;
    verdict::judge_copy(&copy, &acknowledged, &composed.0, verdict)?;
    std::fs::remove_dir_all(copy)
}

fn copy(folder: &Path, number: u32) -> io::Result<PathBuf> {
    let to = folder.join(format!("cut-{number}"));
    std::fs::create_dir(&to)?;
    for name in ["crash.db", "crash.db-wal"] {
        if folder.join(name).exists() {
            std::fs::copy(folder.join(name), to.join(name))?;
        }
    }
    Ok(to)
}

//! The laws under fire: clients, workers and a store in one thread, with a made-up clock, where every
//! interleaving, crash, pause, clock jump and lost answer is drawn from a seed.
//!
//! After every write the monitor looks at the whole store. It checks that
//!
//! * every acknowledged task exists, is what was asked for, and one key means one task;
//! * a lease is granted in order, and taken away only when it has ended;
//! * no attempt is made beyond the limit, and none that failed goes uncounted;
//! * a status follows the table, and a final one changes only by an explicit retry;
//! * what was to be cancelled is not retried, and what is not due does not run;
//! * history has no gaps, and counts equal rows;
//! * a lease whose answer did not reach its worker goes back;
//! * a stage runs after what it waits for; a batch, block or pipeline counts its members and ends when
//!   they decide it; one task of a state key runs at a time, and counts the state up once;
//!
//! and at the end, once nothing goes wrong any more, that every task has ended. A failing seed prints
//! its timeline and replays exactly.
//!
//! In half of the runs all but one process reach the store through a server, by a wire that loses
//! requests and answers, and the server dies like the others.

mod actors;
mod address;
mod broken;
mod clockwork;
mod composers;
mod composites;
mod dice;
mod monitor;
mod order;
mod remote;
mod wire;

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use windlass_core::store::Store;
use windlass_core::{Clock, MemoryStore};
use windlass_sqlite::SqliteStore;

use actors::Stage;
use address::{Address, Server};
use broken::Broken;
pub use broken::Fault;
use clockwork::{Clockwork, Pid};
use dice::Dice;
use monitor::{Monitor, now, short};
use remote::Remote;
use wire::Wire;

/// What a run takes place on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground {
    /// The store in memory.
    Memory,
    /// A SQLite file in a folder of its own.
    Sqlite,
}

/// A seed that broke a law.
#[derive(Debug)]
pub struct Failure {
    /// The seed, to run it again.
    pub seed: u64,
    /// What was broken.
    pub law: String,
    /// Everything that happened, a line each: time, process, event.
    pub timeline: String,
}

/// What a run did, to see that it did something.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// Tasks that ended.
    pub tasks: u64,
    /// Attempts that these took last.
    pub attempts: u64,
    /// Processes that died.
    pub crashes: u64,
    /// Steps of the scheduler.
    pub steps: u64,
}

/// How long things go wrong.
const STORM: Duration = Duration::from_secs(60);
/// How long everything may take to end after that.
const CALM: Duration = Duration::from_secs(3_000);
/// Steps after which a run that gets nowhere is given up.
const MOST_STEPS: u64 = 400_000;

/// Runs one seed.
///
/// # Errors
///
/// The broken law, with the timeline.
pub fn run(seed: u64, ground: Ground, fault: Option<Fault>) -> Result<Summary, Box<Failure>> {
    dice::seed_engine(seed);
    let clockwork = Clockwork::new();
    let clock: Arc<dyn Clock> = Arc::new(clockwork.clone());
    let folder = (ground == Ground::Sqlite).then(|| tempfile::tempdir().expect("a folder"));
    let store: Arc<dyn Store> = match &folder {
        None => Arc::new(MemoryStore::new(clock)),
        Some(folder) => {
            let durability = windlass_sqlite::Durability::Normal;
            let options = windlass_sqlite::Options { durability, clock };
            Arc::new(SqliteStore::open(&folder.path().join("s.db"), options).expect("a store"))
        }
    };
    let store = match fault.filter(|fault| !fault.is_remote()) {
        None => store,
        Some(fault) => Arc::new(Broken { store, fault, calls: AtomicU64::new(0) }),
    };
    let run = Run::new(seed, clockwork, store, fault);
    let result = run.play();
    // Futures hold the scheduler that holds them.
    (0..=run.last_pid()).for_each(|pid| run.clockwork.kill(pid));
    let _ = now(run.store.close());
    result.map_err(|law| {
        let mut timeline = String::new();
        for (at, pid, what) in run.monitor.timeline() {
            let _ = writeln!(timeline, "{:>9.3}s  process {pid}  {what}", at.as_secs_f64());
        }
        Box::new(Failure { seed, law, timeline })
    })
}

struct Run {
    clockwork: Clockwork,
    dice: Dice,
    store: Arc<dyn Store>,
    monitor: Arc<Monitor>,
    pids: AtomicU64,
    fault: Option<Fault>,
    /// Where all others find the server, in a run that has one.
    server: Option<Address>,
}

impl Run {
    fn new(seed: u64, clockwork: Clockwork, store: Arc<dyn Store>, fault: Option<Fault>) -> Self {
        let dice = Dice::new(seed);
        // Some runs are quiet, so that the other troubles show alone.
        let faults = [0, 20, 100][dice.below(3) as usize];
        let monitor = Arc::new(Monitor::new(store.clone(), clockwork.clone(), faults));
        let mut run =
            Self { clockwork, dice, store, monitor, pids: AtomicU64::new(0), fault, server: None };
        if run.dice.happens(50) || fault.is_some_and(Fault::is_remote) {
            run.server = Some(Address::new(run.start_server(Duration::ZERO)));
        }
        run
    }

    fn last_pid(&self) -> Pid {
        self.pids.load(std::sync::atomic::Ordering::Relaxed) as Pid
    }

    fn next_pid(&self) -> Pid {
        self.pids.fetch_add(1, std::sync::atomic::Ordering::Relaxed) as Pid
    }

    /// A process with an engine of its own.
    fn local(&self) -> Stage {
        Stage::new(Wire {
            store: self.store.clone(),
            clockwork: self.clockwork.clone(),
            dice: self.dice.clone(),
            monitor: self.monitor.clone(),
            pid: self.next_pid(),
        })
    }

    /// A caller's or worker's process.
    fn process(&self) -> Stage {
        let Some(address) = self.server.clone() else { return self.local() };
        Stage::remote(Remote {
            address,
            clockwork: self.clockwork.clone(),
            dice: self.dice.clone(),
            monitor: self.monitor.clone(),
            pid: self.next_pid(),
            fault: self.fault,
        })
    }

    /// A server that answers after a while.
    fn start_server(&self, after: Duration) -> Server {
        let stage = self.local();
        self.monitor.note(stage.pid, format_args!("a server starts"));
        let (pid, service) = (stage.pid, stage.client.service().clone());
        Server { pid, service, from: self.clockwork.now() + after }
    }

    /// The server dies, and another takes its place.
    fn replace_server(&self, address: &Address) {
        let victim = address.server().pid;
        self.monitor.note(victim, format_args!("the server is killed"));
        self.clockwork.kill(victim);
        address.replace(self.start_server(Duration::from_millis(self.dice.below(3_000))));
    }

    fn start_worker(&self) -> Pid {
        let stage = self.process();
        let pid = stage.pid;
        self.monitor.note(pid, format_args!("a worker starts"));
        self.clockwork.spawn(pid, Box::pin(actors::worker(stage)));
        pid
    }

    fn play(&self) -> Result<Summary, String> {
        let mut summary = Summary::default();
        let tasks = self.dice.between(4, 14);
        let callers = self.process();
        let is_remote = self.server.is_some();
        for number in 0..tasks {
            let stage = callers.clone();
            self.clockwork.spawn(stage.pid, Box::pin(actors::caller(stage, number, is_remote)));
        }
        for number in 0..self.dice.below(4) {
            let stage = callers.clone();
            self.clockwork.spawn(stage.pid, Box::pin(composers::composer(stage, number)));
        }
        for _ in 0..self.dice.below(3) {
            let stage = callers.clone();
            self.clockwork.spawn(stage.pid, Box::pin(actors::reader(stage)));
        }
        let mut workers: Vec<Pid> =
            (0..self.dice.between(1, 3)).map(|_| self.start_worker()).collect();
        let jumps = self.dice.happens(40);
        let mut next = Duration::ZERO;
        while self.clockwork.now() < STORM {
            self.go_until(next.min(STORM), &mut summary.steps)?;
            next = self.clockwork.now() + Duration::from_millis(self.dice.between(500, 9_000));
            self.trouble(&mut workers, jumps, &mut summary);
        }
        self.monitor.calm();
        self.monitor.note(0, format_args!("nothing goes wrong any more"));
        workers.push(self.start_worker());
        let end = self.clockwork.now() + CALM;
        while !self.monitor.is_over() {
            if self.clockwork.now() >= end {
                return Err(self.stuck());
            }
            let soon = self.clockwork.now() + Duration::from_secs(1);
            self.go_until(soon, &mut summary.steps)?;
            // A handler may still bring its process down.
            if !workers.iter().any(|pid| self.clockwork.is_alive(*pid)) {
                workers.push(self.start_worker());
            }
        }
        let rows = self.monitor.rows();
        summary.tasks = rows.len() as u64;
        summary.attempts = rows.iter().map(|row| u64::from(row.attempt)).sum();
        Ok(summary)
    }

    /// One stroke of bad luck.
    fn trouble(&self, workers: &mut Vec<Pid>, jumps: bool, summary: &mut Summary) {
        let victim = workers[self.dice.below(workers.len() as u64) as usize];
        match self.dice.below(10) {
            0..3 => {
                self.monitor.note(victim, format_args!("is killed"));
                self.clockwork.kill(victim);
                summary.crashes += 1;
                workers.retain(|pid| *pid != victim);
                workers.push(self.start_worker());
            }
            3..5 => {
                let pause = Duration::from_millis(self.dice.between(1_000, 15_000));
                self.monitor.note(victim, format_args!("stands still for {pause:?}"));
                self.clockwork.pause(victim, pause);
            }
            5 if jumps => {
                let by = self.dice.below(20_000) as i64 - 10_000;
                self.monitor.note(0, format_args!("the wall clock jumps by {by} ms"));
                self.clockwork.jump(by);
            }
            6..8 => {
                if let Some(address) = &self.server {
                    self.replace_server(address);
                    summary.crashes += 1;
                }
            }
            _ => {}
        }
        for pid in workers.iter_mut().filter(|pid| !self.clockwork.is_alive(**pid)) {
            summary.crashes += 1;
            *pid = self.start_worker();
        }
    }

    fn go_until(&self, until: Duration, steps: &mut u64) -> Result<(), String> {
        while self.clockwork.now() < until {
            self.clockwork.step(&self.dice, until);
            if let Some(law) = self.monitor.violation() {
                return Err(law);
            }
            *steps += 1;
            if *steps > MOST_STEPS {
                return Err(format!("no end after {MOST_STEPS} steps"));
            }
        }
        Ok(())
    }

    fn stuck(&self) -> String {
        let rows = self.monitor.rows();
        let open: Vec<String> = rows
            .iter()
            .filter(|row| !row.status.is_final())
            .map(|row| format!("{} {}", short(row.task_id), row.status))
            .collect();
        let (tasks, asked) =
            (rows.iter().filter(|row| row.kind.is_task()).count(), self.monitor.asked());
        format!("{tasks} of {asked} tasks stored, and these never ended: {}", open.join(", "))
    }
}

//! Time and turns: a scheduler that runs futures of several processes by one seeded draw after another.
//!
//! Nothing here waits. When no future can go on, the clock jumps to the next timer. The same seed gives
//! the same run, step by step.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use windlass_core::future::BoxFuture;
use windlass_core::runtime::host::Host;
use windlass_core::{Clock, Timestamp};

use super::dice::Dice;

/// Number of a simulated process.
pub(super) type Pid = u32;

/// A future and who owns it.
struct Fiber {
    pid: Pid,
    future: Option<BoxFuture<'static, ()>>,
    ready: Arc<AtomicBool>,
}

struct Flag(Arc<AtomicBool>);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

struct Timer {
    at: Duration,
    number: u64,
    waker: Waker,
}

impl PartialEq for Timer {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}
impl Eq for Timer {}
impl PartialOrd for Timer {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Timer {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

struct State {
    now: Duration,
    /// How far the wall clock is from the steady one.
    wall: i64,
    /// The latest that it showed before it was set.
    latest: Timestamp,
    last: u64,
    fibers: BTreeMap<u64, Fiber>,
    timers: BinaryHeap<Reverse<Timer>>,
    /// Processes that stand still, until this time.
    paused: BTreeMap<Pid, Duration>,
    dead: Vec<Pid>,
}

/// The scheduler.
#[derive(Clone)]
pub(super) struct Clockwork(Arc<Mutex<State>>);

/// Where the wall clock starts: 2030-01-01.
const EPOCH: i64 = 1_893_456_000_000;

impl Clockwork {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(State {
            now: Duration::ZERO,
            wall: 0,
            latest: Timestamp::default(),
            last: 0,
            fibers: BTreeMap::new(),
            timers: BinaryHeap::new(),
            paused: BTreeMap::new(),
            dead: Vec::new(),
        })))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    pub(super) fn now(&self) -> Duration {
        self.lock().now
    }

    /// Sets the wall clock forward or back.
    pub(super) fn jump(&self, millis: i64) {
        let mut state = self.lock();
        state.latest = state.latest.max(state.wall_clock());
        state.wall += millis;
    }

    /// The latest time that the wall clock ever showed: a decision may have been made by it, even if
    /// the clock was set back before it was written.
    pub(super) fn latest(&self) -> Timestamp {
        let state = self.lock();
        state.latest.max(state.wall_clock())
    }

    pub(super) fn spawn(&self, pid: Pid, future: BoxFuture<'static, ()>) {
        let mut state = self.lock();
        if state.dead.contains(&pid) {
            // Its destructor may spawn again; that must find the lock free.
            drop(state);
            drop(future);
            return;
        }
        state.last += 1;
        let number = state.last;
        let ready = Arc::new(AtomicBool::new(true));
        state.fibers.insert(number, Fiber { pid, future: Some(future), ready });
    }

    pub(super) fn sleep(&self, duration: Duration) -> Sleep {
        Sleep { clockwork: self.clone(), at: self.now() + duration, set: false }
    }

    /// The process stands still for a while: none of its futures goes on, nor do its timers.
    pub(super) fn pause(&self, pid: Pid, duration: Duration) {
        let mut state = self.lock();
        let until = state.now + duration;
        state.paused.insert(pid, until);
    }

    /// The process is gone, wherever its futures were.
    pub(super) fn kill(&self, pid: Pid) {
        let gone: Vec<Fiber> = {
            let mut state = self.lock();
            state.dead.push(pid);
            let numbers: Vec<u64> = state
                .fibers
                .iter()
                .filter(|(_, fiber)| fiber.pid == pid)
                .map(|(number, _)| *number)
                .collect();
            numbers.iter().filter_map(|number| state.fibers.remove(number)).collect()
        };
        drop(gone);
    }

    pub(super) fn is_alive(&self, pid: Pid) -> bool {
        !self.lock().dead.contains(&pid)
    }

    /// Runs one step: one future goes on, or the clock does, but not beyond `until`.
    pub(super) fn step(&self, dice: &Dice, until: Duration) {
        let (number, mut future, ready) = {
            let mut state = self.lock();
            let now = state.now;
            state.paused.retain(|_, until| *until > now);
            let can: Vec<u64> = state
                .fibers
                .iter()
                .filter(|(_, fiber)| {
                    fiber.ready.load(Ordering::Relaxed) && !state.paused.contains_key(&fiber.pid)
                })
                .map(|(number, _)| *number)
                .collect();
            if can.is_empty() {
                return state.advance(until);
            }
            let number = can[dice.below(can.len() as u64) as usize];
            let Some(fiber) = state.fibers.get_mut(&number) else { return };
            fiber.ready.store(false, Ordering::Relaxed);
            let Some(future) = fiber.future.take() else { return };
            (number, future, fiber.ready.clone())
        };
        let waker = Waker::from(Arc::new(Flag(ready)));
        let done = future.as_mut().poll(&mut Context::from_waker(&waker)).is_ready();
        let mut state = self.lock();
        let rest = match state.fibers.get_mut(&number) {
            Some(fiber) if !done => {
                fiber.future = Some(future);
                None
            }
            // It is over, or its process was killed by its own hand.
            _ => {
                let fiber = state.fibers.remove(&number);
                Some((future, fiber))
            }
        };
        drop(state);
        drop(rest);
    }
}

impl State {
    fn wall_clock(&self) -> Timestamp {
        let steady = i64::try_from(self.now.as_millis()).unwrap_or(i64::MAX);
        Timestamp::from_millis(EPOCH + steady + self.wall)
    }

    /// Moves the clock to the next thing that happens by itself.
    fn advance(&mut self, until: Duration) {
        let timer = self.timers.peek().map(|Reverse(timer)| timer.at);
        let unpaused = self.paused.values().min().copied();
        let next = timer.into_iter().chain(unpaused).min().map_or(until, |next| next.min(until));
        self.now = self.now.max(next);
        while self.timers.peek().is_some_and(|Reverse(timer)| timer.at <= self.now) {
            if let Some(Reverse(timer)) = self.timers.pop() {
                timer.waker.wake();
            }
        }
    }
}

/// A timer of the simulated time.
pub(super) struct Sleep {
    clockwork: Clockwork,
    at: Duration,
    set: bool,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let (at, set) = (self.at, self.set);
        {
            let mut state = self.clockwork.lock();
            // Even a sleep of no time lets others go on, so that what turns without end is seen to.
            if set {
                return if state.now >= at { Poll::Ready(()) } else { Poll::Pending };
            }
            state.last += 1;
            let number = state.last;
            let waker = context.waker().clone();
            state.timers.push(Reverse(Timer { at, number, waker }));
        }
        self.set = true;
        Poll::Pending
    }
}

/// The host of one simulated process.
pub(super) struct Process {
    pub(super) clockwork: Clockwork,
    pub(super) pid: Pid,
}

impl Host for Process {
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(self.clockwork.sleep(duration))
    }

    fn spawn(&self, future: BoxFuture<'static, ()>) {
        self.clockwork.spawn(self.pid, future);
    }

    fn monotonic(&self) -> Duration {
        self.clockwork.now()
    }
}

impl Clock for Clockwork {
    fn now(&self) -> Timestamp {
        self.lock().wall_clock()
    }
}

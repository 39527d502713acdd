//! The places in which futures run: each is used again and again, by one future at a time.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::task::AtomicWaker;

/// Who woke up, told to whoever drives.
#[derive(Default)]
struct Woken {
    slots: Mutex<Vec<usize>>,
    driver: AtomicWaker,
}

/// Wakes one slot. It outlives the future that it was given to: a slot may be woken for one that has
/// gone, which costs its successor a poll for nothing.
struct SlotWaker {
    slot: usize,
    woken: Arc<Woken>,
    told: AtomicBool,
}

impl Wake for SlotWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.told.swap(true, Ordering::AcqRel) {
            let slots = &self.woken.slots;
            slots.lock().unwrap_or_else(PoisonError::into_inner).push(self.slot);
            self.woken.driver.wake();
        }
    }
}

struct Slot<F> {
    /// Pinned once; futures come and go in place, without an allocation for each.
    future: Pin<Box<Option<F>>>,
    index: u32,
    wakes: Arc<SlotWaker>,
    waker: Waker,
}

/// Slots for futures of one kind.
pub(crate) struct Slots<F> {
    slots: Vec<Slot<F>>,
    free: Vec<usize>,
    woken: Arc<Woken>,
    /// Woken and not polled yet, last first.
    due: Vec<usize>,
}

impl<F: Future> Slots<F> {
    pub(crate) fn new() -> Self {
        Self { slots: Vec::new(), free: Vec::new(), woken: Arc::default(), due: Vec::new() }
    }

    /// Who is woken when a slot is.
    pub(crate) fn driven_by(&self, waker: &Waker) {
        self.woken.driver.register(waker);
    }

    pub(crate) fn running(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Puts a future in a slot and polls it once: what it is ready with, if it is.
    pub(crate) fn start(&mut self, index: u32, future: F) -> Poll<F::Output> {
        let at = self.free.pop().unwrap_or_else(|| self.grow());
        let slot = &mut self.slots[at];
        slot.index = index;
        slot.future.as_mut().set(Some(future));
        self.poll(at)
    }

    /// Polls the next slot that was woken, if there is one: its step's index, and what it is ready
    /// with, if it is.
    pub(crate) fn poll_woken(&mut self) -> Option<(u32, Poll<F::Output>)> {
        loop {
            if self.due.is_empty() {
                let mut woken = self.woken.slots.lock().unwrap_or_else(PoisonError::into_inner);
                std::mem::swap(&mut *woken, &mut self.due);
                drop(woken);
                self.due.reverse();
            }
            let at = self.due.pop()?;
            let slot = &self.slots[at];
            // Before the poll: a wake during it counts.
            slot.wakes.told.store(false, Ordering::Release);
            if slot.future.is_some() {
                let index = slot.index;
                return Some((index, self.poll(at)));
            }
        }
    }

    /// Drops the futures whose index is not to be kept.
    pub(crate) fn retain(&mut self, keep: impl Fn(u32) -> bool) {
        for (at, slot) in self.slots.iter_mut().enumerate() {
            if slot.future.is_some() && !keep(slot.index) {
                slot.future.as_mut().set(None);
                self.free.push(at);
            }
        }
    }

    /// Drops every future.
    pub(crate) fn clear(&mut self) {
        self.slots.clear();
        self.free.clear();
        self.due.clear();
    }

    fn poll(&mut self, at: usize) -> Poll<F::Output> {
        let slot = &mut self.slots[at];
        let mut context = Context::from_waker(&slot.waker);
        let Some(future) = slot.future.as_mut().as_pin_mut() else { return Poll::Pending };
        let polled = future.poll(&mut context);
        if polled.is_ready() {
            slot.future.as_mut().set(None);
            self.free.push(at);
        }
        polled
    }

    fn grow(&mut self) -> usize {
        let at = self.slots.len();
        let wakes = Arc::new(SlotWaker {
            slot: at,
            woken: self.woken.clone(),
            told: AtomicBool::new(false),
        });
        let waker = Waker::from(wakes.clone());
        self.slots.push(Slot { future: Box::pin(None), index: 0, wakes, waker });
        at
    }
}

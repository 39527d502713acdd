//! Wake-ups between processes: a small file that writers touch and watchers watch.
//!
//! Every store that is open has one of 64 places in the file and counts in it, so that a watcher tells
//! the rings of others from its own. All of this is a hint: a ring may be lost.

use std::fs::{File, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use notify::{EventKind, RecursiveMode, Watcher};
use windlass_core::store::ChangeListener;

use crate::location::Location;

const PLACES: usize = 64;

/// Least time between two rings; more commits than that share one.
const PAUSE: Duration = Duration::from_millis(5);

/// Rings the other processes.
pub(crate) struct Bell {
    file: File,
    path: PathBuf,
    place: usize,
    count: AtomicU64,
    last: Mutex<Option<Instant>>,
    owed: AtomicBool,
    /// Called when a ring is owed: someone is to call [`Bell::ring_owed`] after [`Bell::PAUSE`].
    on_owed: Mutex<Option<Box<dyn Fn() + Send>>>,
}

impl Bell {
    /// How long to wait before ringing what is owed.
    pub(crate) const PAUSE: Duration = PAUSE;

    /// Opens the file, and makes it if need be.
    pub(crate) fn open(location: &Location) -> io::Result<Self> {
        let path = location.beside("wake");
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path)?;
        // Two stores that draw one place still differ by what they count from.
        let seed = RandomState::new().hash_one(std::process::id());
        Ok(Self {
            file,
            path,
            place: seed as usize % PLACES,
            count: AtomicU64::new(seed),
            last: Mutex::new(None),
            owed: AtomicBool::new(false),
            on_owed: Mutex::new(None),
        })
    }

    /// Sets what is called when a ring is owed.
    pub(crate) fn on_owed(&self, call: impl Fn() + Send + 'static) {
        *self.on_owed.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(call));
    }

    /// Rings, now or a little later.
    pub(crate) fn ring(&self) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_none_or(|last| last.elapsed() >= PAUSE) {
            *last = Some(Instant::now());
            self.touch();
        } else if !self.owed.swap(true, Ordering::Relaxed) {
            drop(last);
            let call = self.on_owed.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(call) = call.as_ref() {
                call();
            }
        }
    }

    /// Rings what is owed.
    pub(crate) fn ring_owed(&self) {
        if self.owed.swap(false, Ordering::Relaxed) {
            *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
            self.touch();
        }
    }

    fn touch(&self) {
        let count = self.count.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        // Lossy: on a full disk others find the work by polling.
        let _ = write_at(&self.file, &count.to_le_bytes(), (self.place * 8) as u64);
    }

    /// The counts of all places, with this store's own left out.
    fn others(&self) -> io::Result<[u64; PLACES]> {
        let mut bytes = [0; PLACES * 8];
        let mut filled = 0;
        while filled < bytes.len() {
            match read_at(&self.file, &mut bytes[filled..], filled as u64)? {
                0 => break,
                n => filled += n,
            }
        }
        let mut counts = [0; PLACES];
        for (count, bytes) in counts.iter_mut().zip(bytes.as_chunks::<8>().0) {
            *count = u64::from_le_bytes(*bytes);
        }
        if counts[self.place] == self.count.load(Ordering::Relaxed) {
            counts[self.place] = 0;
        }
        Ok(counts)
    }
}

#[cfg(unix)]
fn write_at(file: &File, bytes: &[u8], at: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::write_at(file, bytes, at)
}

#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, bytes, at)
}

#[cfg(windows)]
fn write_at(file: &File, bytes: &[u8], at: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_write(file, bytes, at)
}

#[cfg(windows)]
fn read_at(file: &File, bytes: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, bytes, at)
}

/// Listens for the rings of other processes; starts with its first listener.
#[derive(Default)]
pub(crate) struct Listeners {
    list: Arc<Mutex<Vec<ChangeListener>>>,
    watcher: Mutex<Option<notify::RecommendedWatcher>>,
}

impl Listeners {
    /// Adds a listener. Where files cannot be watched it is never called, and a warning says so.
    pub(crate) fn add(&self, bell: &Arc<Bell>, listener: ChangeListener) {
        self.list.lock().unwrap_or_else(PoisonError::into_inner).push(listener);
        let mut watcher = self.watcher.lock().unwrap_or_else(PoisonError::into_inner);
        if watcher.is_none() {
            match watch(bell.clone(), self.list.clone()) {
                Ok(started) => *watcher = Some(started),
                Err(error) => tracing::warn!(
                    %error,
                    file = %bell.path.display(),
                    "the wake file cannot be watched; other processes' work is found by polling",
                ),
            }
        }
    }

    /// Stops listening.
    pub(crate) fn close(&self) {
        let watcher = self.watcher.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(watcher);
        self.list.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Forgets the watcher without touching it: it belongs to the process that this one is a fork of.
    pub(crate) fn abandon(&mut self) {
        let watcher = self.watcher.get_mut().unwrap_or_else(PoisonError::into_inner);
        std::mem::forget(watcher.take());
    }
}

fn watch(
    bell: Arc<Bell>,
    listeners: Arc<Mutex<Vec<ChangeListener>>>,
) -> notify::Result<notify::RecommendedWatcher> {
    let path = bell.path.clone();
    let mut seen = bell.others().unwrap_or([0; PLACES]);
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        if !matches!(event, Ok(notify::Event { kind: EventKind::Modify(_) | EventKind::Any, .. })) {
            return;
        }
        let Ok(counts) = bell.others() else { return };
        if counts != seen {
            seen = counts;
            // Called outside the lock: a listener may add another.
            let all = listeners.lock().unwrap_or_else(PoisonError::into_inner).clone();
            all.iter().for_each(|listener| listener());
        }
    })?;
    watcher.watch(&path, RecursiveMode::NonRecursive)?;
    Ok(watcher)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_ring_reaches_others_and_not_oneself() {
        let folder = tempfile::tempdir().unwrap();
        let location = Location::find(&folder.path().join("x.db")).unwrap();
        let mine = Arc::new(Bell::open(&location).unwrap());
        let mut other = Bell::open(&location).unwrap();
        other.place = (mine.place + 1) % PLACES;
        let (send, receive) = mpsc::channel();
        let listeners = Listeners::default();
        listeners.add(&mine, Arc::new(move || send.send(()).unwrap()));
        mine.ring();
        other.ring();
        receive.recv_timeout(Duration::from_secs(10)).expect("the other's ring is heard");
        assert!(receive.recv_timeout(Duration::from_millis(100)).is_err(), "once, and not my own");
    }

    #[test]
    fn rings_in_quick_succession_are_owed_not_lost() {
        let folder = tempfile::tempdir().unwrap();
        let location = Location::find(&folder.path().join("x.db")).unwrap();
        let bell = Bell::open(&location).unwrap();
        let (send, receive) = mpsc::channel();
        bell.on_owed(move || send.send(()).unwrap());
        let before = bell.count.load(Ordering::Relaxed);
        (0..3).for_each(|_| bell.ring());
        assert_eq!(receive.try_iter().count(), 1);
        bell.ring_owed();
        bell.ring_owed();
        assert_eq!(bell.count.load(Ordering::Relaxed).wrapping_sub(before), 2);
    }
}

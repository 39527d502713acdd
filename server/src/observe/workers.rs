//! Which workers this process hears of, and when each asked for work.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// A worker that is unheard for so long is dropped.
const FORGOTTEN: Duration = Duration::from_secs(15 * 60);
/// Time between two looks for forgotten workers.
const TIDY_EVERY: Duration = Duration::from_secs(60);
/// Workers that are remembered at most; those beyond are not judged.
const MOST: usize = 20_000;

/// Tells how long ago some fixed start was; never steps back.
pub(super) type Elapsed = Arc<dyn Fn() -> Duration + Send + Sync>;

/// Workers by tenant and id. Time is an argument: since some fixed start, never stepping back.
#[derive(Debug, Default)]
pub(super) struct Book {
    /// Held for a look or an insert only.
    pages: Mutex<Pages>,
}

#[derive(Debug, Default)]
struct Pages {
    tenants: HashMap<Box<str>, HashMap<Box<str>, Arc<Heard>>>,
    tidied: Duration,
}

/// What is known of one worker; times in milliseconds.
#[derive(Debug)]
struct Heard {
    heard: AtomicU64,
    asked: AtomicU64,
    /// Requests for work that are open now.
    asking: AtomicU32,
    is_deaf: AtomicBool,
}

/// A request for work that is open: the worker is asking until this is dropped.
#[must_use]
pub struct Asking(Option<(Arc<Heard>, Elapsed)>);

impl Drop for Asking {
    fn drop(&mut self) {
        if let Some((heard, elapsed)) = &self.0 {
            heard.asked.fetch_max(millis(elapsed()), Ordering::Relaxed);
            heard.asking.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// What a judgement changed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Nothing.
    None,
    /// The worker was not deaf, and is now.
    Deafened,
    /// The worker was deaf, and is not any more.
    Recovered,
}

impl Book {
    /// A worker announced itself.
    pub(super) fn heard(&self, tenant: &str, worker: &str, now: Duration) {
        let mut pages = self.lock();
        if now >= pages.tidied + TIDY_EVERY {
            pages.tidy(now);
        }
        if let Some(heard) = pages.find(tenant, worker) {
            heard.heard.fetch_max(millis(now), Ordering::Relaxed);
        } else if pages.tenants.values().map(HashMap::len).sum::<usize>() < MOST {
            // A new worker is taken to ask: it has its time like any other.
            let heard = Arc::new(Heard {
                heard: AtomicU64::new(millis(now)),
                asked: AtomicU64::new(millis(now)),
                asking: AtomicU32::new(0),
                is_deaf: AtomicBool::new(false),
            });
            pages.tenants.entry(tenant.into()).or_default().insert(worker.into(), heard);
        }
    }

    /// A worker begins to ask for work; `elapsed` tells when it ends. One that never announced itself is
    /// not judged, so that nothing is kept of it.
    pub(super) fn asks(&self, tenant: &str, worker: &str, elapsed: &Elapsed) -> Asking {
        Asking(self.lock().find(tenant, worker).map(|heard| {
            heard.asking.fetch_add(1, Ordering::Relaxed);
            (heard, elapsed.clone())
        }))
    }

    /// For how long a worker has not asked for work; `None` for one that is not known here.
    pub(super) fn quiet(&self, tenant: &str, worker: &str, now: Duration) -> Option<Duration> {
        let heard = self.lock().find(tenant, worker)?;
        if heard.asking.load(Ordering::Relaxed) > 0 {
            return Some(Duration::ZERO);
        }
        let asked = Duration::from_millis(heard.asked.load(Ordering::Relaxed));
        Some(now.saturating_sub(asked))
    }

    /// Notes a judgement.
    pub(super) fn judged(&self, tenant: &str, worker: &str, is_deaf: bool) -> Change {
        let Some(heard) = self.lock().find(tenant, worker) else { return Change::None };
        match (heard.is_deaf.swap(is_deaf, Ordering::Relaxed), is_deaf) {
            (false, true) => Change::Deafened,
            (true, false) => Change::Recovered,
            _ => Change::None,
        }
    }

    /// The tenants whose workers are known.
    pub(super) fn tenants(&self) -> Vec<String> {
        self.lock().tenants.keys().map(|tenant| String::from(&**tenant)).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Pages {
    fn find(&self, tenant: &str, worker: &str) -> Option<Arc<Heard>> {
        self.tenants.get(tenant)?.get(worker).cloned()
    }

    fn tidy(&mut self, now: Duration) {
        self.tidied = now;
        let since = millis(now.saturating_sub(FORGOTTEN));
        self.tenants.retain(|_, workers| {
            workers.retain(|_, heard| heard.heard.load(Ordering::Relaxed) >= since);
            !workers.is_empty()
        });
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn at(now: Duration) -> Elapsed {
        Arc::new(move || now)
    }

    #[test]
    fn a_worker_is_quiet_from_its_last_question_on() {
        let book = Book::default();
        book.heard("t", "w", secs(100));
        assert_eq!(book.quiet("t", "w", secs(100)), Some(secs(0)));
        assert_eq!(book.quiet("t", "w", secs(131)), Some(secs(31)));
        book.heard("t", "w", secs(131));
        assert_eq!(book.quiet("t", "w", secs(131)), Some(secs(31)), "to be heard is not to ask");

        let one = book.asks("t", "w", &at(secs(140)));
        let two = book.asks("t", "w", &at(secs(200)));
        drop(one);
        assert_eq!(book.quiet("t", "w", secs(199)), Some(secs(0)), "one question is open still");
        drop(two);
        assert_eq!(book.quiet("t", "w", secs(203)), Some(secs(3)));
    }

    #[test]
    fn workers_are_kept_apart_and_forgotten() {
        let book = Book::default();
        book.heard("t", "w", secs(0));
        book.heard("u", "w", secs(600));
        assert_eq!(book.quiet("u", "w", secs(610)), Some(secs(10)));
        assert_eq!(book.quiet("t", "w", secs(610)), Some(secs(610)));
        assert_eq!(book.quiet("t", "other", secs(610)), None);
        book.heard("u", "w", secs(901));
        assert_eq!(book.quiet("t", "w", secs(901)), None, "unheard for 15 minutes and a second");
        assert_eq!(book.tenants(), ["u"]);
    }

    #[test]
    fn what_never_announced_itself_costs_no_memory() {
        let book = Book::default();
        for n in 0..1000 {
            drop(book.asks("t", &format!("w{n}"), &at(secs(1))));
        }
        assert!(book.lock().tenants.is_empty());
        for n in 0..MOST + 10 {
            book.heard("t", &format!("w{n}"), secs(1));
        }
        assert_eq!(book.lock().tenants["t"].len(), MOST);
    }

    #[test]
    fn an_episode_is_told_once() {
        let book = Book::default();
        book.heard("t", "w", secs(0));
        let changes = [false, true, true, false, true].map(|deaf| book.judged("t", "w", deaf));
        let (none, deafened) = (Change::None, Change::Deafened);
        assert_eq!(changes, [none, deafened, Change::None, Change::Recovered, Change::Deafened]);
        assert_eq!(book.judged("t", "unknown", true), Change::None);
    }
}

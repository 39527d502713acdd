//! A bounded table of names that only grows: read without a lock, without allocation.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Where a name stands in its table; [`OTHERS`] for all that found no room.
pub(super) type Place = u16;

/// The place of every name beyond the bound.
pub(super) const OTHERS: Place = Place::MAX;

/// What is kept for each of the first `most` names, and one for all others together.
#[derive(Debug)]
pub(super) struct Interned<T> {
    /// Open addressing: a name is at its hash or after it. Written once, never removed.
    slots: Box<[OnceLock<(Box<str>, T)>]>,
    others: T,
    taken: AtomicUsize,
    most: usize,
}

impl<T: Default> Interned<T> {
    /// A table for `most` names.
    pub(super) fn new(most: usize) -> Self {
        // Half empty at its fullest, so that a look ends soon.
        let slots = (most * 2).next_power_of_two();
        Self {
            slots: (0..slots).map(|_| OnceLock::new()).collect(),
            others: T::default(),
            taken: AtomicUsize::new(0),
            most,
        }
    }

    /// The place of `name`; a new one gets a place while there is room.
    pub(super) fn place(&self, name: &str) -> Place {
        let mask = self.slots.len() - 1;
        let mut at = hash(name) & mask;
        let mut reserved = false;
        loop {
            match self.slots[at].get() {
                Some((known, _)) if **known == *name => return at as Place,
                Some(_) => at = (at + 1) & mask,
                None if reserved || self.reserve() => {
                    reserved = true;
                    // Somebody else may be first: then the slot is looked at again.
                    let _ = self.slots[at].set((name.into(), T::default()));
                }
                None => return OTHERS,
            }
        }
    }

    /// What is kept at `place`.
    pub(super) fn at(&self, place: Place) -> &T {
        let slot = self.slots.get(usize::from(place)).and_then(OnceLock::get);
        slot.map_or(&self.others, |(_, value)| value)
    }

    /// What is kept for `name`.
    pub(super) fn of(&self, name: &str) -> &T {
        self.at(self.place(name))
    }

    /// Every name with what is kept for it, by name.
    pub(super) fn all(&self) -> Vec<(&str, &T)> {
        let mut all: Vec<(&str, &T)> =
            self.slots.iter().filter_map(|slot| slot.get().map(|(name, t)| (&**name, t))).collect();
        all.sort_unstable_by_key(|(name, _)| *name);
        all
    }

    /// What is kept for the names beyond the bound.
    pub(super) fn others(&self) -> &T {
        &self.others
    }

    fn reserve(&self) -> bool {
        let more = |taken| (taken < self.most).then_some(taken + 1);
        self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
    }
}

/// FNV-1a.
fn hash(name: &str) -> usize {
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325, mix);
    (hash ^ (hash >> 32)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU64;

    #[test]
    fn names_beyond_the_bound_are_one() {
        let table = Interned::<AtomicU64>::new(3);
        for (name, by) in [("a", 1), ("b", 2), ("c", 4), ("d", 8), ("a", 16), ("e", 32)] {
            table.of(name).fetch_add(by, Ordering::Relaxed);
        }
        let counted: Vec<_> =
            table.all().iter().map(|(n, c)| (*n, c.load(Ordering::Relaxed))).collect();
        assert_eq!(counted, [("a", 17), ("b", 2), ("c", 4)]);
        assert_eq!(table.others().load(Ordering::Relaxed), 40);
    }

    #[test]
    fn threads_agree_on_every_name() {
        let table = Interned::<AtomicU64>::new(100);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for round in 0..1000 {
                        table.of(&format!("queue-{}", round % 100)).fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
        let all = table.all();
        let sum: u64 = all.iter().map(|(_, count)| count.load(Ordering::Relaxed)).sum();
        // A name that two threads added at once may have cost a second reservation.
        assert_eq!(sum + table.others().load(Ordering::Relaxed), 4000);
        assert!(all.windows(2).all(|pair| pair[0].0 < pair[1].0), "a name stands twice");
    }
}

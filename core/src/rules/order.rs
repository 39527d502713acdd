//! Places in an order: by a number, then by the id of a task. All that the store in memory and those who follow
//! tasks sort or find by a task's place goes by this one type: each further one would bring code of its own, which a page has to load.

use crate::words::{TaskId, Timestamp};

/// Where a task stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    number: u128,
    id: u128,
}

impl Place {
    /// By a number, then by id.
    pub const fn new(number: u128, id: TaskId) -> Self {
        Self { number, id: u128::from_be_bytes(*id.as_bytes()) }
    }

    /// By an instant, then by id.
    pub const fn at(at: Timestamp, id: TaskId) -> Self {
        Self::new(instant(at), id)
    }

    /// Among what belongs to another task, by id.
    pub const fn of(owner: TaskId, id: TaskId) -> Self {
        Self::new(u128::from_be_bytes(*owner.as_bytes()), id)
    }

    /// The place before all others with this number.
    pub const fn first(number: u128) -> Self {
        Self { number, id: 0 }
    }

    /// The number.
    pub const fn number(self) -> u128 {
        self.number
    }

    /// The instant by which it stands: the low half of its number.
    pub const fn time(self) -> Timestamp {
        Timestamp::from_millis((self.number as u64 ^ SIGN) as i64)
    }

    /// The task.
    pub const fn id(self) -> TaskId {
        TaskId::from_bytes(self.id.to_be_bytes())
    }
}

const SIGN: u64 = 1 << 63;

/// A number below 2^64 that sorts as the instant does.
pub const fn instant(at: Timestamp) -> u128 {
    (at.as_millis() as u64 ^ SIGN) as u128
}

/// Sorts places, each with a number that goes with it.
pub fn sort(places: &mut [(Place, u32)]) {
    places.sort_unstable();
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn id(number: u128) -> TaskId {
        TaskId::from_bytes(number.to_be_bytes())
    }

    #[test]
    fn instants_sort_by_time_before_ids() {
        let at = |millis: i64, number: u128| Place::at(Timestamp::from_millis(millis), id(number));
        let ordered = [at(i64::MIN, 9), at(-1, 8), at(0, 1), at(0, 2), at(1, 0), at(i64::MAX, 0)];
        assert!(ordered.is_sorted());
        assert_eq!(at(-7, 3).time(), Timestamp::from_millis(-7));
        assert_eq!(at(-7, 3).id(), id(3));
    }

    #[test]
    fn what_belongs_to_one_stands_together() {
        let mut places =
            [(3, 1), (1, 2), (3, 0)].map(|(owner, of)| (Place::of(id(owner), id(of)), 7));
        sort(&mut places);
        assert_eq!(
            places.map(|(place, _)| (place.number(), place.id())),
            [(1, id(2)), (3, id(0)), (3, id(1))]
        );
    }
}

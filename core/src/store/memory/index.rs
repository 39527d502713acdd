//! What finds rows in an order, without walking them all.

use std::collections::BTreeMap;
use std::ops::Bound;

use super::rows::Slot;
use crate::rules::order::Place;
use crate::words::Timestamp;

/// Rows by their places.
#[derive(Default)]
pub(super) struct Index(BTreeMap<Place, Slot>);

/// A row of an index.
pub(super) type Entry = (Place, Slot);

impl Index {
    pub(super) fn insert(&mut self, place: Place, slot: Slot) {
        self.0.insert(place, slot);
    }

    pub(super) fn remove(&mut self, place: Place) {
        self.0.remove(&place);
    }

    pub(super) fn get(&self, place: Place) -> Option<Slot> {
        self.0.get(&place).copied()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// All within bounds, in order, also from the end.
    pub(super) fn range(
        &self,
        from: Bound<Place>,
        until: Bound<Place>,
    ) -> impl DoubleEndedIterator<Item = Entry> {
        self.0.range((from, until)).map(|(place, slot)| (*place, *slot))
    }

    /// All, in order, also from the end.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = Entry> {
        self.range(Bound::Unbounded, Bound::Unbounded)
    }

    /// Those from a place on, in order.
    pub(super) fn from(&self, place: Place) -> impl DoubleEndedIterator<Item = Entry> {
        self.range(Bound::Included(place), Bound::Unbounded)
    }

    /// Those with one number, in order.
    pub(super) fn of(&self, number: u128) -> impl Iterator<Item = Entry> {
        self.from(Place::first(number)).take_while(move |(place, _)| place.number() == number)
    }

    /// The first from a place on.
    pub(super) fn first(&self, from: Place) -> Option<Entry> {
        self.from(from).next()
    }

    /// Those whose instant has come, the earliest first.
    pub(super) fn until(&self, now: Timestamp) -> impl Iterator<Item = Entry> {
        self.iter().take_while(move |(place, _)| place.time() <= now)
    }
}

//! The rows, each in a slot that it keeps.

use std::ops::{Bound, Index as Indexed, IndexMut};

use super::index::{Entry, Index};
use crate::rules::order::Place;
use crate::words::{Task, TaskId};

/// Where a row is kept.
pub(super) type Slot = u32;

/// A task, and where it is counted and waits. None of that changes as long as the row is there.
pub(super) struct Row {
    pub(super) task: Task,
    /// Its queue, of `Queues`.
    pub(super) queue: u32,
    /// Its line, of `Lines`.
    pub(super) line: u32,
    /// Its turn in the line of its state key; 0 while it is in none.
    pub(super) turn: u64,
}

/// All rows.
#[derive(Default)]
pub(super) struct Rows {
    by_id: Index,
    rows: Vec<Option<Box<Row>>>,
    free: Vec<Slot>,
}

impl Rows {
    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Where the row of a task is.
    pub(super) fn find(&self, id: TaskId) -> Option<Slot> {
        self.by_id.get(Place::new(0, id))
    }

    pub(super) fn get(&self, id: TaskId) -> Option<&Task> {
        self.find(id).map(|slot| &self[slot].task)
    }

    pub(super) fn insert(&mut self, row: Row) -> Slot {
        let place = Place::new(0, row.task.task_id);
        let row = Some(Box::new(row));
        let slot = match self.free.pop() {
            Some(slot) => {
                self.rows[slot as usize] = row;
                slot
            }
            None => {
                self.rows.push(row);
                (self.rows.len() - 1) as Slot
            }
        };
        self.by_id.insert(place, slot);
        slot
    }

    pub(super) fn remove(&mut self, slot: Slot) -> Option<Box<Row>> {
        let row = self.rows[slot as usize].take()?;
        self.by_id.remove(Place::new(0, row.task.task_id));
        self.free.push(slot);
        Some(row)
    }

    /// Those with ids within bounds, in order, also from the end.
    pub(super) fn range(
        &self,
        from: Bound<TaskId>,
        until: Bound<TaskId>,
    ) -> impl DoubleEndedIterator<Item = Entry> {
        let place = |id| Place::new(0, id);
        self.by_id.range(from.map(place), until.map(place))
    }
}

impl Indexed<Slot> for Rows {
    type Output = Row;

    fn index(&self, slot: Slot) -> &Row {
        self.rows[slot as usize].as_deref().expect("what an index names is there")
    }
}

impl IndexMut<Slot> for Rows {
    fn index_mut(&mut self, slot: Slot) -> &mut Row {
        self.rows[slot as usize].as_deref_mut().expect("what an index names is there")
    }
}

//! Lines of pending tasks: one per tenant, queue and handler, in lease order.

use super::index::Index;
use super::names::Names;
use super::rows::{Row, Slot};
use crate::rules::order::{Place, instant};
use crate::words::{Priority, Task, Timestamp};

/// Place of a task in lease order: priority, due time, id.
pub(super) fn place(task: &Task) -> Place {
    Place::new(number(task.priority.number(), task.run_at), task.task_id)
}

const fn number(priority: u8, run_at: Timestamp) -> u128 {
    (priority as u128) << 64 | instant(run_at)
}

/// Pending tasks that the same workers select.
#[derive(Default)]
pub(super) struct Line {
    /// Tasks without suspicion, in lease order.
    pub(super) ready: Index,
    /// Suspects, in lease order.
    pub(super) suspects: Index,
}

impl Line {
    /// The earliest due time of its tasks: within a priority the first has it.
    fn oldest(&self) -> Option<Timestamp> {
        let mut oldest: Option<Timestamp> = None;
        for priority in Priority::ALL.map(Priority::number) {
            let least = Place::first(number(priority, Timestamp::from_millis(i64::MIN)));
            for set in [&self.ready, &self.suspects] {
                let first = set.first(least).map(|(place, _)| place);
                if let Some(place) = first.filter(|place| place.number() >> 64 == priority.into()) {
                    oldest = Some(oldest.map_or(place.time(), |at| at.min(place.time())));
                }
            }
        }
        oldest
    }

    fn set(&mut self, suspect: bool) -> &mut Index {
        if suspect { &mut self.suspects } else { &mut self.ready }
    }
}

/// All lines, by name.
#[derive(Default)]
pub(super) struct Lines {
    names: Names,
    lines: Vec<Line>,
}

impl Lines {
    /// The number of a line.
    pub(super) fn number(&mut self, task: &Task) -> u32 {
        let number = self.names.number(&[&task.tenant, &task.queue, &task.handler]);
        if number as usize == self.lines.len() {
            self.lines.push(Line::default());
        }
        number
    }

    /// The line, if any task was ever in it.
    pub(super) fn get(&self, tenant: &str, queue: &str, handler: &str) -> Option<&Line> {
        Some(&self.lines[self.names.get(&[tenant, queue, handler])? as usize])
    }

    /// The earliest due time of each queue of the tenant that has pending tasks, by name.
    pub(super) fn oldest(&self, tenant: &str) -> Vec<(String, Timestamp)> {
        let mut oldest: Vec<(String, Timestamp)> = Vec::new();
        for (name, number) in self.names.of(tenant) {
            let queue = name.split('\0').next().unwrap_or(name);
            let Some(at) = self.lines[number as usize].oldest() else { continue };
            // Lines of one queue follow each other.
            match oldest.last_mut().filter(|(last, _)| *last == queue) {
                Some((_, least)) => *least = at.min(*least),
                None => oldest.push((queue.to_owned(), at)),
            }
        }
        oldest
    }

    /// Adds a pending task.
    pub(super) fn insert(&mut self, row: &Row, slot: Slot) {
        let line = &mut self.lines[row.line as usize];
        line.set(row.task.suspect).insert(place(&row.task), slot);
    }

    /// Removes a task that was pending.
    pub(super) fn remove(&mut self, row: &Row) {
        let line = &mut self.lines[row.line as usize];
        line.set(row.task.suspect).remove(place(&row.task));
    }
}

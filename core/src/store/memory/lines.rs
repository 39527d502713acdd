//! Lines of pending tasks: one per tenant, queue and handler, in lease order.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::words::{Priority, Task, TaskId, Timestamp};

/// Place of a task in lease order: priority, due time, id.
pub(super) type Place = (u8, Timestamp, TaskId);

/// The place of a task.
pub(super) fn place(task: &Task) -> Place {
    (task.priority.number(), task.run_at, task.task_id)
}

/// Pending tasks that the same workers select.
#[derive(Default)]
pub(super) struct Line {
    /// Tasks without suspicion, in lease order.
    pub(super) ready: BTreeSet<Place>,
    /// Suspects, in lease order.
    pub(super) suspects: BTreeSet<Place>,
}

impl Line {
    /// The earliest due time of its tasks: within a priority the first has it.
    fn oldest(&self) -> Option<Timestamp> {
        let first = |set: &BTreeSet<Place>, priority: u8| {
            let least = (priority, Timestamp::from_millis(i64::MIN), TaskId::from_bytes([0; 16]));
            set.range(least..).next().filter(|place| place.0 == priority).map(|place| place.1)
        };
        let priorities = Priority::ALL.into_iter().map(Priority::number);
        priorities.flat_map(|p| [first(&self.ready, p), first(&self.suspects, p)]).flatten().min()
    }
}

/// All lines, by name.
#[derive(Default)]
pub(super) struct Lines {
    by_name: HashMap<String, Line>,
    name: String,
}

impl Lines {
    fn name_of(buffer: &mut String, tenant: &str, queue: &str, handler: &str) {
        buffer.clear();
        for part in [tenant, queue, handler] {
            buffer.push_str(part);
            // Names hold no control characters, so the separator cannot be part of one.
            buffer.push('\0');
        }
    }

    /// The line, if any task was ever in it.
    pub(super) fn get(&self, tenant: &str, queue: &str, handler: &str) -> Option<&Line> {
        let mut name = String::new();
        Self::name_of(&mut name, tenant, queue, handler);
        self.by_name.get(&name)
    }

    fn of(&mut self, task: &Task) -> &mut Line {
        Self::name_of(&mut self.name, &task.tenant, &task.queue, &task.handler);
        if !self.by_name.contains_key(&self.name) {
            self.by_name.insert(self.name.clone(), Line::default());
        }
        self.by_name.get_mut(&self.name).expect("the line was just inserted")
    }

    /// The earliest due time of each queue of the tenant that has pending tasks, by name.
    pub(super) fn oldest(&self, tenant: &str) -> Vec<(String, Timestamp)> {
        let mut oldest: BTreeMap<&str, Timestamp> = BTreeMap::new();
        for (name, line) in &self.by_name {
            let mut parts = name.split('\0');
            let (of, queue) = (parts.next(), parts.next());
            if let (Some(at), Some(queue)) = (line.oldest(), queue)
                && of == Some(tenant)
            {
                oldest.entry(queue).and_modify(|least| *least = at.min(*least)).or_insert(at);
            }
        }
        oldest.into_iter().map(|(queue, at)| (queue.to_owned(), at)).collect()
    }

    /// Adds a pending task.
    pub(super) fn insert(&mut self, task: &Task) {
        let (suspect, place) = (task.suspect, place(task));
        let line = self.of(task);
        if suspect {
            line.suspects.insert(place)
        } else {
            line.ready.insert(place)
        };
    }

    /// Removes a task that was pending.
    pub(super) fn remove(&mut self, task: &Task) {
        let (suspect, place) = (task.suspect, place(task));
        let line = self.of(task);
        if suspect {
            line.suspects.remove(&place)
        } else {
            line.ready.remove(&place)
        };
    }
}

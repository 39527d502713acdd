//! State keys: the lines of tasks that share one, and the states themselves.

use std::collections::{BTreeMap, HashMap};

use crate::words::{Payload, Task, TaskId};

/// Tenant and state key.
type Key = (String, String);

/// Every line and every state.
#[derive(Default)]
pub(super) struct States {
    /// Tasks that have not ended, by their places in line.
    lines: HashMap<Key, BTreeMap<u64, TaskId>>,
    /// The place that a task keeps until it has ended.
    places: HashMap<TaskId, u64>,
    /// Places given so far.
    last: u64,
    kept: HashMap<Key, Payload>,
}

fn key(task: &Task) -> Option<Key> {
    Some((task.tenant.clone(), task.state_key.clone()?))
}

impl States {
    /// Puts a task at the end of its line, unless it is in line already; whether it is the first. One
    /// without a state key has no line, and is always the first.
    pub(super) fn join(&mut self, task: &Task) -> bool {
        let Some(key) = key(task) else { return true };
        let line = self.lines.entry(key).or_default();
        let place = *self.places.entry(task.task_id).or_insert_with(|| {
            self.last += 1;
            self.last
        });
        line.insert(place, task.task_id);
        line.first_key_value().is_some_and(|(_, first)| *first == task.task_id)
    }

    /// Takes a task that has ended out of its line.
    pub(super) fn leave(&mut self, task: &Task) {
        let Some(key) = key(task) else { return };
        let Some(place) = self.places.remove(&task.task_id) else { return };
        if let Some(line) = self.lines.get_mut(&key) {
            line.remove(&place);
            if line.is_empty() {
                self.lines.remove(&key);
            }
        }
    }

    /// The first in a line.
    pub(super) fn first(&self, tenant: &str, state_key: &str) -> Option<TaskId> {
        let line = self.lines.get(&(tenant.to_owned(), state_key.to_owned()))?;
        line.first_key_value().map(|(_, id)| *id)
    }

    /// The state that was stored last.
    pub(super) fn state(&self, tenant: &str, state_key: &str) -> Option<Payload> {
        self.kept.get(&(tenant.to_owned(), state_key.to_owned())).cloned()
    }

    /// The state that a task is leased with.
    pub(super) fn state_for(&self, task: &Task) -> Option<Payload> {
        let kept = self.kept.get(&key(task)?).cloned();
        kept.or_else(|| task.initial_state.clone())
    }

    /// Stores the state that a task leaves; one without a state key leaves none.
    pub(super) fn keep(&mut self, task: &Task, state: &Payload) {
        if let Some(key) = key(task) {
            self.kept.insert(key, state.clone());
        }
    }
}

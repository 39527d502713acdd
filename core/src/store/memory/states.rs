//! State keys: the lines of tasks that share one, and the states themselves.

use std::collections::HashMap;

use super::index::Index;
use super::names::joined;
use super::rows::{Row, Slot};
use crate::rules::order::Place;
use crate::words::{Payload, Task, TaskId};

/// What is known of a state key.
#[derive(Default)]
struct State {
    /// Tasks in its line.
    waiting: usize,
    kept: Option<Payload>,
}

/// Every line and every state.
#[derive(Default)]
pub(super) struct States {
    /// Numbers of keys, by tenant and key.
    numbers: HashMap<String, u32>,
    states: Vec<State>,
    /// Numbers of keys that have neither a line nor a state any more.
    free: Vec<u32>,
    /// Tasks that have not ended: by their key, then by their turn.
    lines: Index,
    /// Turns given so far.
    last: u64,
}

fn name(task: &Task) -> Option<String> {
    Some(joined(&[&task.tenant, task.state_key.as_deref()?]))
}

/// Where a line begins, and where a task stands in it.
fn number(key: u32, turn: u64) -> u128 {
    u128::from(key) << 64 | u128::from(turn)
}

impl States {
    fn number(&mut self, name: String) -> u32 {
        let Self { numbers, states, free, .. } = self;
        *numbers.entry(name).or_insert_with(|| {
            free.pop().unwrap_or_else(|| {
                states.push(State::default());
                (states.len() - 1) as u32
            })
        })
    }

    fn find(&self, tenant: &str, state_key: &str) -> Option<u32> {
        self.numbers.get(&joined(&[tenant, state_key])).copied()
    }

    fn first_of(&self, key: u32) -> Option<TaskId> {
        let (place, _) = self.lines.first(Place::first(number(key, 0)))?;
        (place.number() >> 64 == key.into()).then(|| place.id())
    }

    /// Puts a task at the end of its line, unless it is in line already; whether it is the first. One
    /// without a state key has no line, and is always the first.
    pub(super) fn join(&mut self, row: &mut Row, slot: Slot) -> bool {
        let Some(name) = name(&row.task) else { return true };
        let key = self.number(name);
        if row.turn == 0 {
            self.last += 1;
            row.turn = self.last;
            self.states[key as usize].waiting += 1;
            self.lines.insert(Place::new(number(key, row.turn), row.task.task_id), slot);
        }
        self.first_of(key) == Some(row.task.task_id)
    }

    /// Takes a task that has ended out of its line.
    pub(super) fn leave(&mut self, row: &mut Row) {
        let turn = std::mem::take(&mut row.turn);
        if turn == 0 {
            return;
        }
        let Some(name) = name(&row.task) else { return };
        let Some(key) = self.numbers.get(&name).copied() else { return };
        self.lines.remove(Place::new(number(key, turn), row.task.task_id));
        let state = &mut self.states[key as usize];
        state.waiting -= 1;
        if state.waiting == 0 && state.kept.is_none() {
            self.numbers.remove(&name);
            self.free.push(key);
        }
    }

    /// The first in a line.
    pub(super) fn first(&self, tenant: &str, state_key: &str) -> Option<TaskId> {
        self.first_of(self.find(tenant, state_key)?)
    }

    /// The state that was stored last.
    pub(super) fn state(&self, tenant: &str, state_key: &str) -> Option<Payload> {
        self.states[self.find(tenant, state_key)? as usize].kept.clone()
    }

    /// The state that a task is leased with.
    pub(super) fn state_for(&self, task: &Task) -> Option<Payload> {
        let kept = self.state(&task.tenant, task.state_key.as_deref()?);
        kept.or_else(|| task.initial_state.clone())
    }

    /// Stores the state that a task leaves; one without a state key leaves none.
    pub(super) fn keep(&mut self, task: &Task, state: &Payload) {
        if let Some(name) = name(task) {
            let key = self.number(name);
            self.states[key as usize].kept = Some(state.clone());
        }
    }
}

//! Names and their numbers.

use std::collections::BTreeMap;

/// Numbers from 0 on, by names of several parts.
#[derive(Default)]
pub(super) struct Names(BTreeMap<String, u32>);

/// One name of several: only the last part may hold a control character, so that no two are the same.
pub(super) fn joined(parts: &[&str]) -> String {
    parts.join("\0")
}

impl Names {
    /// The number of a name, if it has one.
    pub(super) fn get(&self, parts: &[&str]) -> Option<u32> {
        self.0.get(&joined(parts)).copied()
    }

    /// The number of a name; a new one is the number of names so far.
    pub(super) fn number(&mut self, parts: &[&str]) -> u32 {
        let name = joined(parts);
        if let Some(number) = self.0.get(&name) {
            return *number;
        }
        let number = self.0.len() as u32;
        self.0.insert(name, number);
        number
    }

    /// The names whose first part is this one, in order, without it.
    pub(super) fn of(&self, first: &str) -> impl Iterator<Item = (&str, u32)> {
        let from = joined(&[first, ""]);
        let skipped = from.len();
        let all = self.0.range(from.clone()..).take_while(move |(name, _)| name.starts_with(&from));
        all.map(move |(name, number)| (&name[skipped..], *number))
    }
}
